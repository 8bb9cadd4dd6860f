"""What a rule says once its `use:` is spelled out: the template's words, with the file's own put over them."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from ai_crm.rules.effects.create_task import ALTERNATIVES
from ai_crm.rules.rule_template import RuleTemplate, filled
from ai_crm.rules.shapes import Given, kind_of
from ai_crm.rules.source import Mapping, Mark, Node, Problems, Scalar, Sequence, did_you_mean


class Templates(Struct, frozen=True):
    """The rule templates there are, each read when it is asked for."""

    names: tuple[str, ...]
    read: Callable[[str], RuleTemplate]


class Body(Struct, frozen=True, kw_only=True):
    """`conditions` are lists of which all must hold. `use` names the template that the rule is made from.

    What a template says stands at its `use`; what is wrong there is told to problems of its own: see `hand_over`.
    """

    nodes: dict[str, Node]
    conditions: tuple[Node, ...]
    problems: Problems
    use: Scalar | None = None
    note: str = ""


def read_body(rule: Given, templates: Templates) -> Body:
    """The rule as written, or as its template makes it. A rule may add conditions and actions to its template.

    Its trigger stands in place of the template's, and so does each key of its `task`.
    """
    use = rule.nodes.get("use")
    template = _template(use, templates, rule.problems) if use else None
    if use is None and "with" in rule.nodes:
        rule.problems.add(rule.nodes["with"].at, '"with" needs "use": it fills a rule template')
    if template is None or not isinstance(use, Scalar):
        return Body(nodes=rule.nodes, conditions=_conditions(rule.nodes), problems=rule.problems)
    made = filled(template, rule.nodes.get("with", Mapping((), use.at)), use.at, rule.problems)
    base = {entry.key.text: entry.value for entry in made.entries}
    return Body(
        nodes=_overlaid(base, rule.nodes),
        conditions=(*_conditions(base), *_conditions(rule.nodes)),
        problems=Problems(rule.problems.file),
        use=use,
        note=template.description,
    )


def hand_over(body: Body, problems: Problems) -> None:
    """Tells the file's problems what is wrong in a rule that a template made, and where that comes from."""
    if body.use is None:
        return
    for problem in body.problems.found:
        at = Mark(problem.line, problem.column)
        where = f"in the rule template {body.use.text}: " if at == body.use.at else ""
        problems.add(at, where + problem.what, problem.hint)


def _template(use: Node, templates: Templates, problems: Problems) -> RuleTemplate | None:
    name = use.value if isinstance(use, Scalar) else None
    if isinstance(name, str) and name in templates.names:
        return templates.read(name)
    hint = did_you_mean(name, templates.names) if isinstance(name, str) else ""
    problems.add(use.at, f"there is no rule template {kind_of(use)}", hint or f"there are {', '.join(templates.names)}")
    return None


def _conditions(nodes: dict[str, Node]) -> tuple[Node, ...]:
    return (nodes["conditions"],) if "conditions" in nodes else ()


def _overlaid(base: dict[str, Node], own: dict[str, Node]) -> dict[str, Node]:
    nodes = {**base, **own}
    if "task" in base and "task" in own:
        nodes["task"] = _task(base["task"], own["task"])
    if "actions" in base and "actions" in own:
        nodes["actions"] = _actions(base["actions"], own["actions"])
    return nodes


def _task(base: Node, own: Node) -> Node:
    if not isinstance(base, Mapping) or not isinstance(own, Mapping):
        return own
    said = {entry.key.text for entry in own.entries}
    said.update(other for pair in ALTERNATIVES for other in pair if said.intersection(pair))
    kept = tuple(entry for entry in base.entries if entry.key.text not in said)
    return Mapping((*kept, *own.entries), own.at)


def _actions(base: Node, own: Node) -> Node:
    if not isinstance(base, Sequence) or not isinstance(own, Sequence):
        return own
    return Sequence((*base.items, *own.items), own.at)
