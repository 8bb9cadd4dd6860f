"""How the parameters that several effects have are read from a file."""

from __future__ import annotations

from msgspec import Struct

from ai_crm.model.item import ItemKind
from ai_crm.rules.rule import Place
from ai_crm.rules.shapes import NAME, Schema, Text
from ai_crm.rules.source import Mark, Node, Problems, Scalar, did_you_mean
from ai_crm.rules.templating import Template, compile_template

TITLE = Text(says="text", most=500)
MESSAGE = Text(says="text", most=10_000)

HAS_REVIEWS = frozenset({ItemKind.PULL_REQUEST})


class Words(Struct, frozen=True):
    """A text whose `{names}` are known at this place; None when it is not."""

    shape: Text
    place: Place

    def read(self, node: Node, name: str, problems: Problems) -> Template | None:
        if not self.shape.read(node, name, problems) or not isinstance(node, Scalar):
            return None
        return compile_template(node, self.place.triggers, problems, task=self.place.task)


class AgentName(Struct, frozen=True):
    """The name of an agent that the catalogue or the file knows."""

    place: Place

    def read(self, node: Node, name: str, problems: Problems) -> str:
        agent = NAME.read(node, name, problems)
        if agent and agent not in self.place.agents:
            hint = did_you_mean(agent, self.place.agents) or "`ai-crm agents list` shows all; your own go under agents:"
            problems.add(node.at, f'there is no agent "{agent}"', hint)
        return agent


def agent_described(description: str, example: str) -> Schema:
    """The schema of an agent's name: editors offer the catalogue's, a file may have its own."""
    return {"$ref": "#/$defs/agent_name", "description": description, "examples": [example]}


def check_kinds(action: str, kinds: frozenset[ItemKind], at: Mark, place: Place, problems: Problems) -> None:
    """Tells about each trigger whose items this action has no meaning for."""
    for trigger in place.triggers:
        if trigger.kind not in kinds:
            what = f"{action} cannot be done for {trigger.word}: it needs {_one_of(kinds)}"
            problems.add(at, what, f"give {trigger.word} a rule of its own")


def _one_of(kinds: frozenset[ItemKind]) -> str:
    return " or ".join(f"{'an' if kind == ItemKind.ISSUE else 'a'} {kind.replace('_', ' ')}" for kind in sorted(kinds))
