"""The PM analysis of a text: what kind of work it is, how big, how urgent, for whom, and why we think so."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class WorkType(StrEnum):
    BUG = "bug"
    FEATURE = "feature"
    QUESTION = "question"
    DOCUMENTATION = "documentation"
    TASK = "task"


class Complexity(StrEnum):
    SIMPLE = "SIMPLE"
    MODERATE = "MODERATE"
    COMPLEX = "COMPLEX"
    EPIC = "EPIC"


class Priority(StrEnum):
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    URGENT = "URGENT"


class Evidence(Struct, frozen=True):
    """One thing seen. `where` is title, body, label, structure or, beside the text, platform; `weight` counts hundredths."""

    seen: str
    where: str
    weight: int


class TypeOfWork(Struct, frozen=True):
    """`confidence` is a percentage, 0 to 100, here and below."""

    value: WorkType
    confidence: int
    evidence: tuple[Evidence, ...]


class Effort(Struct, frozen=True):
    """`hours` is the likely figure, `low` and `high` the range that holds it in four cases of five."""

    complexity: Complexity
    hours: int
    low: int
    high: int
    confidence: int
    evidence: tuple[Evidence, ...]


class Urgency(Struct, frozen=True):
    value: Priority
    confidence: int
    evidence: tuple[Evidence, ...]


# A guess that is less sure than this recommends nobody: on labelled texts it was wrong two times in three.
RECOMMENDED_FROM = 28


class AgentMatch(Struct, frozen=True):
    name: str
    confidence: int
    evidence: tuple[Evidence, ...]


class Signals(Struct, frozen=True, kw_only=True):
    """What a platform says beside a text, and nobody can write into one. None where it does not say.

    `votes` are people who said +1; `by_member` says that the author may write to the project.
    """

    votes: int | None = None
    comments: int | None = None
    by_member: bool = False


# Of a text that comes without a platform.
NO_SIGNALS = Signals()


class Analysis(Struct, frozen=True, kw_only=True):
    """`agents` is ranked, best first, and empty when nothing in the text speaks for anyone.

    A best guess that is not sure enough stays in the ranking and is not recommended.
    """

    type: TypeOfWork
    effort: Effort
    urgency: Urgency
    agents: tuple[AgentMatch, ...]
    analyst: str

    @property
    def recommended(self) -> AgentMatch | None:
        return self.agents[0] if self.agents and self.agents[0].confidence >= RECOMMENDED_FROM else None

    @property
    def nobody(self) -> str:
        """Why no agent is recommended; empty when one is."""
        if not self.agents:
            return "nothing in the text speaks for any agent"
        if self.recommended:
            return ""
        best = self.agents[0]
        return f"the best guess, {best.name}, is {best.confidence} % sure; it takes {RECOMMENDED_FROM} %"

    @property
    def runner_up(self) -> AgentMatch | None:
        return self.agents[1] if len(self.agents) > 1 else None
