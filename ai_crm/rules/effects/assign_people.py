"""`assign`: gives the issue or pull request to people, by name or as those behind an agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from msgspec import Struct

from ai_crm.model.change import AnyChange
from ai_crm.model.decision import Skip
from ai_crm.model.item import HAS_THREAD
from ai_crm.rules.assignment import logins_behind, nobody_behind
from ai_crm.rules.effects.people import assign
from ai_crm.rules.effects.planning import skip
from ai_crm.rules.effects.reading import AgentName, agent_described, check_kinds
from ai_crm.rules.rule import Place, Scene
from ai_crm.rules.shapes import LOGINS, described, given, object_of
from ai_crm.rules.source import Node, Problems


class AssignPeople(Struct, frozen=True):
    action: ClassVar[str] = "assign"
    creates: ClassVar[bool] = False
    params: ClassVar[Mapping[str, Any]] = object_of(
        {
            "people": described(LOGINS, "Logins of the people.", "octocat"),
            "agent": agent_described("The agent whose people are meant.", "debugger"),
        },
        one_of=("people", "agent"),
    )

    people: tuple[str, ...] = ()
    agent: str = ""

    @property
    def wants_analysis(self) -> bool:
        return False

    @classmethod
    def parse(cls, node: Node, place: Place, problems: Problems) -> AssignPeople:
        params = given(node, cls.params, cls.action, problems)
        check_kinds(cls.action, HAS_THREAD, node.at, place, problems)
        return cls(params.read(LOGINS, "people", absent=()), params.read(AgentName(place), "agent", absent=""))

    def plan(self, scene: Scene, position: int) -> tuple[AnyChange | Skip, ...]:
        behind = logins_behind(self.agent, scene.policy) if self.agent else ()
        nobody = (skip(scene, self.action, nobody_behind(self.agent)),) if self.agent and not behind else ()
        return (*assign(scene, self.action, position, (*self.people, *behind)), *nobody)
