"""How a rules file becomes a policy with the catalogue and the rule templates that the product ships."""

from __future__ import annotations

import hashlib

from ai_crm import resources
from ai_crm.config.agents import load_agents
from ai_crm.config.rules_file import MAX_BYTES, read_document
from ai_crm.errors import RulesInvalid
from ai_crm.rules.leaks import without_credentials
from ai_crm.rules.parse import PolicySource, parse_policy
from ai_crm.rules.rule import Defaults, Policy
from ai_crm.rules.rule_template import RuleTemplate, read_rule_template
from ai_crm.rules.source import Mapping, Problems


def load_policy(text: bytes, file: str, defaults: Defaults) -> Policy:
    """The policy in a rules file. Raises RulesInvalid with every problem of the file, and never shows a credential."""
    problems = Problems(file)
    document = _document(_without_credentials(text, problems), file, problems)
    source = PolicySource(
        file=file,
        fingerprint=hashlib.sha256(text).hexdigest(),
        agents=load_agents(),
        defaults=defaults,
        template=_template_document,
        template_names=rule_template_names(),
    )
    policy = parse_policy(document, source, problems)
    problems.raise_if_any()
    return policy


def rule_template_names() -> tuple[str, ...]:
    """What `use:` may name, in alphabetical order."""
    return resources.names("templates", "rules", suffix=".yml")


def load_rule_templates() -> tuple[RuleTemplate, ...]:
    """Every rule template that the product ships. Raises RulesInvalid when one is broken."""
    return tuple(read_rule_template(name, _template_document(name)) for name in rule_template_names())


def _template_document(name: str) -> Mapping:
    return read_document(resources.read("templates", "rules", f"{name}.yml"), f"templates/rules/{name}.yml")


def _without_credentials(text: bytes, problems: Problems) -> bytes:
    """Comes before the YAML parser, whose own problems quote the file."""
    if len(text) > MAX_BYTES:
        return text  # refused unread
    try:
        return without_credentials(text.decode(), problems).encode()
    except UnicodeDecodeError:
        return text  # refused, with the line


def _document(text: bytes, file: str, problems: Problems) -> Mapping:
    try:
        return read_document(text, file)
    except RulesInvalid as broken:
        raise RulesInvalid(tuple(sorted((*problems.found, *broken.problems)))) from None
