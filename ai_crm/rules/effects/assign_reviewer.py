"""`assign_reviewer`: asks people or teams to review the pull request, by name or as those behind an agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from msgspec import Struct

from ai_crm.model.analysis import Priority
from ai_crm.model.change import AnyChange
from ai_crm.model.decision import Skip
from ai_crm.rules.assignment import logins_behind, nobody_behind
from ai_crm.rules.effects.people import ask
from ai_crm.rules.effects.planning import skip
from ai_crm.rules.effects.reading import HAS_REVIEWS, AgentName, agent_described, check_kinds
from ai_crm.rules.rule import Place, Scene
from ai_crm.rules.shapes import LOGINS, PRIORITY, TEAM, Texts, described, given, object_of
from ai_crm.rules.source import Node, Problems

_TEAMS = Texts(each=TEAM)


class AssignReviewer(Struct, frozen=True, kw_only=True):
    """GitHub knows no urgency of a review: the priority stands in the reason that log, summary and decision give."""

    action: ClassVar[str] = "assign_reviewer"
    creates: ClassVar[bool] = False
    params: ClassVar[Mapping[str, Any]] = object_of(
        {
            "agent": agent_described("The agent whose people are asked.", "code-reviewer"),
            "reviewers": described(LOGINS, "Logins of people to ask.", "octocat"),
            "teams": described(_TEAMS, "Teams to ask, as org/team or as a team of the repository's owner.", "backend"),
            "priority": described(PRIORITY, "How urgent the review is, for people who read the log or the summary."),
        },
        one_of=("agent", "reviewers", "teams"),
    )

    agent: str = ""
    reviewers: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    priority: Priority | None = None

    @property
    def wants_analysis(self) -> bool:
        return False

    @classmethod
    def parse(cls, node: Node, place: Place, problems: Problems) -> AssignReviewer:
        params = given(node, cls.params, cls.action, problems)
        check_kinds(cls.action, HAS_REVIEWS, node.at, place, problems)
        return cls(
            agent=params.read(AgentName(place), "agent", absent=""),
            reviewers=params.read(LOGINS, "reviewers", absent=()),
            teams=params.read(_TEAMS, "teams", absent=()),
            priority=params.read(PRIORITY, "priority", absent=None),
        )

    def plan(self, scene: Scene, position: int) -> tuple[AnyChange | Skip, ...]:
        behind = logins_behind(self.agent, scene.policy) if self.agent else ()
        nobody = (skip(scene, self.action, nobody_behind(self.agent)),) if self.agent and not behind else ()
        owner = scene.event.project.name.partition("/")[0]
        teams = tuple(team if "/" in team else f"{owner}/{team}" for team in self.teams)
        return (*ask(scene, self.action, position, (*behind, *self.reviewers, *teams), self._reason()), *nobody)

    def _reason(self) -> str:
        asks = f"asks {self.agent} for a review" if self.agent else "asks for a review"
        return f"{asks}, {self.priority} priority" if self.priority else asks
