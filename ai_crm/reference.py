"""The reference of the rules file as Markdown, made from the published schema: `python -m ai_crm.reference FILE`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from ai_crm import resources
from ai_crm.model.trigger import TRIGGERS
from ai_crm.rules.templating import template_names

_HEAD = """# Reference of the rules file

Made from `schemas/ai-crm.schema.json` by `make schemas`; do not edit. The guide is [rules.md](rules.md).
Editors check and complete the file when its first line is
`# yaml-language-server: $schema=https://raw.githubusercontent.com/ai-crm/github-action/v2/schemas/ai-crm.schema.json`.
"""


def reference() -> str:
    """The whole reference, byte-equal for the same schema."""
    schema = json.loads(resources.read("schemas", "ai-crm.schema.json"))
    return "\n".join((_HEAD, *_sections(schema))) + "\n"


def _sections(schema: dict[str, Any]) -> Iterator[str]:
    defined = schema["$defs"]
    yield from _table("The file", "key", schema["properties"])
    yield from _table("A rule", "key", defined["rule"]["properties"])
    yield from _table("A task", "key", defined["task"]["properties"])
    yield from _table("Conditions", "condition", defined["condition"]["properties"])
    yield from _actions(defined["action"])
    yield from _rule_templates(defined["use"])
    yield from _triggers()


def _table(title: str, column: str, properties: dict[str, Any]) -> Iterator[str]:
    yield f"## {title}\n"
    yield f"| {column} | what it says | example |"
    yield "|---|---|---|"
    for name, said in properties.items():
        yield f"| `{name}` | {_cell(said.get('description', ''))} | {_example(said)} |"
    yield ""


def _actions(action: dict[str, Any]) -> Iterator[str]:
    yield "## Actions\n"
    for case in action["allOf"]:
        name = case["if"]["properties"]["action"]["const"]
        params = case["then"]["properties"]["params"]["properties"]
        yield f"### `{name}`\n"
        yield "| parameter | what it says | example |"
        yield "|---|---|---|"
        for param, said in params.items():
            yield f"| `{param}` | {_cell(said.get('description', ''))} | {_example(said)} |"
        yield ""


def _rule_templates(use: dict[str, Any]) -> Iterator[str]:
    yield "## Rule templates\n"
    yield "`ai-crm templates show NAME` prints one with its parameters.\n"
    yield "| `use:` | what it does |"
    yield "|---|---|"
    yield from (f"| `{one['const']}` | {_cell(one['description'])} |" for one in use["oneOf"])
    yield ""


def _triggers() -> Iterator[str]:
    yield "## Triggers, and the names that templates may use\n"
    yield "Both spellings mean the same. Names stand in braces: `{issue.title}`.\n"
    families: dict[tuple[str, ...], list[str]] = {}
    for trigger in TRIGGERS:
        spelled = f"`{trigger.word}`" + (f" (`{trigger.name}`)" if trigger.name != trigger.word else "")
        families.setdefault(template_names((trigger,)), []).append(spelled)
    for names, triggers in families.items():
        yield f"**{', '.join(triggers)}**\n"
        yield f"{', '.join(f'`{name}`' for name in names)}\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _example(said: dict[str, Any]) -> str:
    examples = said.get("examples", ())
    return f"`{_cell(json.dumps(examples[-1], ensure_ascii=False))}`" if examples else ""


if __name__ == "__main__":
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write(reference())
