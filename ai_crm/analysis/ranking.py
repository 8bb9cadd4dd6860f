"""Which agents a text speaks for: their own skills and our words for them, the rare ones counting most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from msgspec import Struct

from ai_crm.analysis.evidence import BODY, LABEL, STRUCTURE, TITLE, Sightings
from ai_crm.analysis.lexicon import PLAIN, STRONG, WEAK, AgentWords
from ai_crm.analysis.reading import Reading
from ai_crm.analysis.terms import Entry, Terms, entry_of
from ai_crm.model.agent import Agent
from ai_crm.model.analysis import AgentMatch

_RANKED = 5
# What a word keeps of its weight, in percent, when one, two, three … agents claim it.
_SHARES = (100, 80, 65, 50, 40)
_FILE = 150
_LANGUAGE = 150
_DOUBT = 200
# Less evidence than one common word in a body speaks for nobody.
_LEAST = 50
_MOST_CONFIDENT = 95


class AgentRanking:
    """Keeps the terms of the agents asked about last: a run asks about the same ones again and again."""

    def __init__(self, words: Mapping[str, AgentWords]) -> None:
        self._words = words
        self._terms = lru_cache(maxsize=4)(self._terms_of)

    def rank(self, reading: Reading, agents: tuple[Agent, ...]) -> tuple[AgentMatch, ...]:
        """The best five, best first; () when nothing speaks for anyone. Equals stand in the order they were given."""
        sightings = self.look(reading, agents)
        order = {agent.name: place for place, agent in enumerate(agents)}
        sums = {name: total for name in sightings.targets() if (total := sightings.sum(name)) >= _LEAST}
        ranked = sorted(sums, key=lambda name: (-sums[name], order[name]))[:_RANKED]
        return tuple(
            AgentMatch(name, _confidence(sums, ranked, place), sightings.shown(name))
            for place, name in enumerate(ranked)
        )

    def look(self, reading: Reading, agents: tuple[Agent, ...]) -> Sightings:
        """What was seen for each agent."""
        return _look(reading, self._terms(agents))

    def _terms_of(self, agents: tuple[Agent, ...]) -> _AgentTerms:
        words = {agent.name: self._words.get(agent.name, AgentWords()) for agent in agents}
        return _AgentTerms(
            Terms((entry for agent in agents for entry in _entries(agent, words[agent.name])), _SHARES),
            _inverted({name: listed.files for name, listed in words.items()}),
            _inverted({name: listed.languages for name, listed in words.items()}),
        )


class _AgentTerms(Struct, frozen=True):
    """Terms of a given set of agents. `files` and `languages` map to the agents that work with them."""

    terms: Terms
    files: Mapping[str, tuple[str, ...]]
    languages: Mapping[str, tuple[str, ...]]


def _entries(agent: Agent, words: AgentWords) -> Iterator[Entry]:
    """What speaks for an agent. The first entry of a word counts, so that the lists overrule the skills."""
    for silent in words.silent:
        yield silent, agent.name, 0
    for listed, weight in ((words.strong, STRONG), (words.plain, PLAIN), (words.weak, WEAK)):
        for word in listed:
            yield word, agent.name, weight
    for own, weight in ((agent.name, STRONG), *((skill, PLAIN) for skill in agent.skills)):
        entry = entry_of(own)
        if entry:
            yield entry, agent.name, weight


def _look(reading: Reading, terms: _AgentTerms) -> Sightings:
    sightings = Sightings()
    places = [(TITLE, reading.title), (BODY, reading.body), (BODY, reading.code)]
    for where, words in (*places, *((LABEL, label.words) for label in reading.labels)):
        for found in terms.terms.topics(words):
            sightings.found(found, where)
    for name in reading.marks.files:
        for agent in terms.files.get(name) or terms.files.get("." + name.rpartition(".")[2], ()):
            sightings.add(agent, name, STRUCTURE, _FILE, "file")
    for language in (*reading.marks.fences, *reading.marks.traces):
        for agent in terms.languages.get(language, ()):
            sightings.add(agent, language, STRUCTURE, _LANGUAGE, "language")
    return sightings


def _inverted(listed: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    inverted: dict[str, tuple[str, ...]] = {}
    for name, keys in listed.items():
        for key in keys:
            inverted[key] = (*inverted.get(key, ()), name)
    return inverted


def _confidence(sums: Mapping[str, int], ranked: list[str], place: int) -> int:
    """How much of the evidence around the best is this agent's: much for it and little for others is sure."""
    own = sums[ranked[place]]
    rivals = [sums[name] for name in ranked if name != ranked[place]]
    against = sum(rivals[:1]) + sum(rivals[1:4]) // 4
    return min(_MOST_CONFIDENT, 100 * own // (own + against + _DOUBT))
