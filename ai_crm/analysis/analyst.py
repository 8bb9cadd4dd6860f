"""The offline analyst: one reading of a text, four conclusions, the same bytes on every machine."""

from __future__ import annotations

from ai_crm.analysis.effort import effort
from ai_crm.analysis.features import Features, features
from ai_crm.analysis.kind import type_evidence, type_of_work
from ai_crm.analysis.learned import Learned
from ai_crm.analysis.lexicon import Lexicon
from ai_crm.analysis.personal import learned_agents, learned_effort, learned_type, learned_urgency
from ai_crm.analysis.ranking import AgentRanking
from ai_crm.analysis.reading import Reading, read
from ai_crm.analysis.sizing import Sizes
from ai_crm.analysis.urgency import urgency
from ai_crm.model.agent import Agent
from ai_crm.model.analysis import Analysis


class OfflineAnalyst:
    """Implements `ports.Analyst`: no network, no clock, no randomness, integers only.

    `learned` is what a team's own history taught; without it word lists decide.
    """

    def __init__(self, lexicon: Lexicon, sizes: Sizes, learned: Learned | None = None) -> None:
        self._lexicon = lexicon
        self._sizes = sizes
        self._learned = learned
        self._ranking = AgentRanking(lexicon.agents)

    def analyse(self, title: str, body: str, labels: tuple[str, ...], agents: tuple[Agent, ...]) -> Analysis:
        """What the text asks for. Takes time in proportion to the text's length; reads 65,536 characters of a body."""
        reading = read(title, body, labels, self._lexicon.forms)
        seen = features(title, body)
        plain = Analysis(
            type=type_of_work(reading, self._lexicon.types),
            effort=effort(reading, self._lexicon.effort, self._sizes, seen),
            urgency=urgency(reading, self._lexicon.urgency),
            agents=self._ranking.rank(reading, agents),
            analyst="words-2",
        )
        if self._learned is None:
            return plain
        return self._personal(plain, self._learned, reading, seen, agents)

    def _personal(
        self,
        plain: Analysis,
        learned: Learned,
        reading: Reading,
        seen: Features,
        agents: tuple[Agent, ...],
    ) -> Analysis:
        kind, size, level, ranked = plain.type, plain.effort, plain.urgency, plain.agents
        if learned.type is not None:
            kind = learned_type(learned.type, seen, type_evidence(reading, self._lexicon.types)) or kind
        if learned.effort is not None:
            labels = tuple(label.name for label in reading.labels)
            size = learned_effort(learned.effort, learned.unit, seen, labels, size)
        if learned.priority is not None:
            level = learned_urgency(learned.priority, seen, level)
        if learned.agents is not None:
            known = frozenset(agent.name for agent in agents)
            ranked = learned_agents(learned.agents, seen, self._ranking.look(reading, agents), ranked, known)
        return Analysis(type=kind, effort=size, urgency=level, agents=ranked, analyst=f"learned-1-{learned.rows}")
