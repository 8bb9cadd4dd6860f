"""The offline analyst: one reading of a text, four conclusions from word lists, the same bytes on every machine."""

from __future__ import annotations

from ai_crm.analysis.effort import effort
from ai_crm.analysis.kind import type_of_work
from ai_crm.analysis.lexicon import Lexicon
from ai_crm.analysis.ranking import AgentRanking
from ai_crm.analysis.reading import read
from ai_crm.analysis.urgency import urgency
from ai_crm.model.agent import Agent
from ai_crm.model.analysis import Analysis


class OfflineAnalyst:
    """Implements `ports.Analyst` with word lists: no network, no clock, no randomness, integers only."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._ranking = AgentRanking(lexicon.agents)

    def analyse(self, title: str, body: str, labels: tuple[str, ...], agents: tuple[Agent, ...]) -> Analysis:
        """What the text asks for. Takes time in proportion to the text's length; reads 65,536 characters of a body."""
        reading = read(title, body, labels, self._lexicon.forms)
        return Analysis(
            type=type_of_work(reading, self._lexicon.types),
            effort=effort(reading, self._lexicon.effort),
            urgency=urgency(reading, self._lexicon.urgency),
            agents=self._ranking.rank(reading, agents),
            analyst="word-lists-1",
        )
