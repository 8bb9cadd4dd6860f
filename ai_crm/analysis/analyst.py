"""The offline analyst: one reading of a text, four conclusions, the same bytes on every machine."""

from __future__ import annotations

from msgspec import structs

from ai_crm.analysis.clues import clues
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
from ai_crm.model.analysis import NO_SIGNALS, Analysis, Signals


class OfflineAnalyst:
    """Implements `ports.Analyst`: no network, no clock, no randomness, integers only.

    `learned` is what a team's own history taught; without it word lists decide. `fingerprint` tells which file that was.
    `ranking` is shared with others: what it knows takes longer to prepare than an analysis.
    """

    def __init__(
        self,
        lexicon: Lexicon,
        sizes: Sizes,
        ranking: AgentRanking,
        learned: Learned | None = None,
        fingerprint: str = "",
    ) -> None:
        self._lexicon = lexicon
        self._sizes = sizes
        self._learned = learned
        self._name = "-".join(filter(None, ("learned-1", str(learned.rows) if learned else "", fingerprint)))
        self._ranking = ranking

    def analyse(
        self,
        title: str,
        body: str,
        labels: tuple[str, ...],
        agents: tuple[Agent, ...],
        signals: Signals = NO_SIGNALS,
    ) -> Analysis:
        """What the text asks for. Takes time in proportion to the text's length; reads 65,536 characters of a body."""
        reading = read(title, body, labels, self._lexicon.forms)
        seen, told = features(title, body), type_evidence(reading, self._lexicon.types)
        plain = Analysis(
            type=type_of_work(told),
            effort=effort(reading, self._lexicon.effort, self._sizes, seen),
            urgency=urgency(reading, self._lexicon.urgency, signals),
            agents=self._ranking.rank(reading, agents),
            analyst="words-2",
        )
        if self._learned is None:
            return plain
        if self._learned.type is not None:
            kind = learned_type(self._learned.type, seen, clues(title, body), told) or plain.type
            plain = structs.replace(plain, type=kind)
        return self._personal(plain, self._learned, reading, seen, agents)

    def _personal(
        self,
        plain: Analysis,
        learned: Learned,
        reading: Reading,
        seen: Features,
        agents: tuple[Agent, ...],
    ) -> Analysis:
        size, level, ranked = plain.effort, plain.urgency, plain.agents
        if learned.effort is not None:
            labels = tuple(label.name for label in reading.labels)
            size = learned_effort(learned.effort, learned.unit, seen, labels, size)
        if learned.priority is not None:
            level = learned_urgency(learned.priority, seen, level)
        if learned.agents is not None:
            known = frozenset(agent.name for agent in agents)
            ranked = learned_agents(learned.agents, seen, self._ranking.look(reading, agents), ranked, known)
        return Analysis(type=plain.type, effort=size, urgency=level, agents=ranked, analyst=self._name)
