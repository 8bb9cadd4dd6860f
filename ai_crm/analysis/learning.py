"""How an analysis is learned from a team's closed work: what is worth keeping, and what is said about the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import isqrt
from typing import TypeVar

from msgspec import Struct

from ai_crm.analysis.clues import clues
from ai_crm.analysis.evidence import Sightings
from ai_crm.analysis.features import UNIT, features, hashed, log2
from ai_crm.analysis.heads import Head, fit_head
from ai_crm.analysis.history import Closed
from ai_crm.analysis.kind import type_evidence, type_strengths
from ai_crm.analysis.learned import Learned
from ai_crm.analysis.lexicon import Lexicon
from ai_crm.analysis.linear import ONE, squared
from ai_crm.analysis.ranking import AgentRanking
from ai_crm.analysis.reading import Reading, read
from ai_crm.analysis.scale import DOUBLINGS, TRUSTS, Scale, fit_scale
from ai_crm.model.agent import Agent
from ai_crm.model.analysis import Priority, WorkType

# The newest are learned from, so many and so many values in all: it must not take longer than a few seconds.
_MOST_ROWS = 5_000
_MOST_VALUES = 400_000
_LEAST_ROWS = 30
_LEAST_PER_NAME = 5
_SHARED = f"one that {_LEAST_PER_NAME} or more share"
# What the word lists say weighs about a sixth of what all words weigh: 650 of 4096 for each doubling's share.
_LIST_WEIGHT = 650
_LABEL_WEIGHT = UNIT // 4
_LEVELS = tuple(Priority)
_LEAST_AGREEMENT = 10
_LEVEL_LOSS = squared(ONE)
_Name = TypeVar("_Name", bound=str)


class _Text(Struct, frozen=True):
    """What one closed piece of work offers to learn from. `zero` is what the analysis says with no history."""

    words: Mapping[int, int]
    clues: Mapping[int, int]
    pairs: Mapping[int, int]
    labels: Mapping[int, int]
    sightings: Sightings
    reading: Reading


def learn(
    history: Sequence[Closed], lexicon: Lexicon, agents: tuple[Agent, ...], neighbours: Sequence[Closed] = ()
) -> Learned:
    """What the history teaches. Takes a few seconds; the same history gives the same bytes.

    `neighbours` are closed work of other repositories. They help with the type where there is little of one's own.
    """
    texts = _newest(history, lexicon)
    newest = history[len(history) - len(texts) :]
    kind, about_type = _learn_type(newest, texts, _beside(neighbours, lexicon))
    agent, about_agents = _learn_agents(newest, texts, AgentRanking(lexicon.agents), agents)
    unit = "hours" if sum(work.hours is not None for work in newest) >= _LEAST_ROWS else "points"
    effort, about_effort = _learn_effort(newest, texts, unit)
    priority, about_priority = _learn_priority(newest, texts)
    return Learned(
        rows=len(newest),
        type=kind,
        agents=agent,
        effort=effort,
        unit="hours" if unit == "hours" else "points",
        priority=priority,
        notes=(about_type, about_agents, about_effort, about_priority),
    )


def list_values(strengths: Mapping[WorkType, int] | Mapping[str, int], what: str) -> dict[int, int]:
    """What the word lists say, as values for a head: strengths count in 256ths of a doubling."""
    return {_key(what, name): _LIST_WEIGHT * strength * 177 >> 16 for name, strength in strengths.items() if strength}


def agent_strengths(sightings: Sightings) -> dict[str, int]:
    """How strongly the word lists speak for each agent, in 256ths of a doubling."""
    return {name: log2(100 + sightings.sum(name)) - log2(100) for name in sightings.targets()}


def label_values(labels: Sequence[str]) -> dict[int, int]:
    """The labels of a text as values for a scale."""
    return {_key("label", label.casefold()): _LABEL_WEIGHT for label in labels}


def _newest(history: Sequence[Closed], lexicon: Lexicon) -> list[_Text]:
    """The texts of as many of the newest as fit, the oldest first."""
    texts: list[_Text] = []
    values = 0
    for work in reversed(history[-_MOST_ROWS:]):
        text = _text(work, lexicon)
        values += len(text.words) + len(text.pairs)
        if values > _MOST_VALUES and len(texts) >= _LEAST_ROWS:
            break
        texts.append(text)
    return texts[::-1]


def _text(work: Closed, lexicon: Lexicon) -> _Text:
    """Without its labels where they are what is to be learned."""
    reading = read(work.title, work.body, (), lexicon.forms)
    seen = features(work.title, work.body)
    beside = clues(work.title, work.body)
    labels = label_values(work.labels)
    return _Text(seen.single, beside, seen.pairs, labels, type_evidence(reading, lexicon.types), reading)


def _beside(neighbours: Sequence[Closed], lexicon: Lexicon) -> list[tuple[dict[int, int], str]]:
    typed = [work for work in neighbours if work.type is not None]
    texts = _newest(typed, lexicon)
    return [
        (_type_values(text), work.type.value)
        for text, work in zip(texts, typed[len(typed) - len(texts) :], strict=True)
        if work.type is not None
    ]


def _type_values(text: _Text) -> dict[int, int]:
    return {**text.words, **text.pairs, **text.clues, **list_values(type_strengths(text.sightings), "type")}


def _learn_type(
    history: Sequence[Closed], texts: Sequence[_Text], neighbours: Sequence[tuple[dict[int, int], str]]
) -> tuple[Head | None, str]:
    rows = [(text, work.type) for text, work in zip(texts, history, strict=True) if work.type is not None]
    rows = _frequent(rows)
    wanted = [kind.value for _, kind in rows]
    if not _enough(wanted):
        return (
            None,
            f"type: not learned, {len(wanted)} issues have {_SHARED}; it takes {_LEAST_ROWS} of two types at least",
        )
    head = fit_head(
        [_type_values(text) for text, _ in rows],
        wanted,
        {kind.value: _key("type", kind) for kind in WorkType},
        neighbours,
    )
    strengths = [type_strengths(text.sightings) for text, _ in rows]
    before = [max(strength, key=lambda kind: strength[kind]) for strength in strengths]
    return _if_better(head, sum(map(str.__eq__, map(str, before), wanted)), wanted, "type")


def _learn_agents(
    history: Sequence[Closed], texts: Sequence[_Text], ranking: AgentRanking, agents: tuple[Agent, ...]
) -> tuple[Head | None, str]:
    rows = [(text, work.agent) for text, work in zip(texts, history, strict=True) if work.agent is not None]
    rows = _frequent(rows)
    wanted = [agent for _, agent in rows]
    if not _enough(wanted):
        return (
            None,
            f"agents: not learned, {len(wanted)} issues name {_SHARED}; it takes {_LEAST_ROWS} of two at least",
        )
    seen = [ranking.look(text.reading, agents) for text, _ in rows]
    values = [
        {**text.words, **text.pairs, **list_values(agent_strengths(sightings), "agent")}
        for (text, _), sightings in zip(rows, seen, strict=True)
    ]
    head = fit_head(values, wanted, {agent.name: _key("agent", agent.name) for agent in agents})
    ranked = [ranking.rank(text.reading, agents) for text, _ in rows]
    before = sum(found[0].name == want for found, want in zip(ranked, wanted, strict=True) if found)
    return _if_better(head, before, wanted, "agents")


def _learn_effort(history: Sequence[Closed], texts: Sequence[_Text], unit: str) -> tuple[Scale | None, str]:
    sizes = [work.hours if unit == "hours" else work.points for work in history]
    rows = [(text, size) for text, size in zip(texts, sizes, strict=True) if size is not None]
    if len(rows) < _LEAST_ROWS:
        return (
            None,
            f"effort: not learned, {len(rows)} issues have {unit}; it takes {_LEAST_ROWS} with hours or with points",
        )
    values = [doublings(size) for _, size in rows]
    scale = fit_scale([{**text.words, **text.labels} for text, _ in rows], values, _thirds(values), DOUBLINGS)
    gain = 100 * (scale.usual_error - scale.error) // max(1, scale.usual_error)
    return scale, f"effort: learned from {unit} of {len(rows)} issues; {gain} % nearer than the team's usual value"


def _learn_priority(history: Sequence[Closed], texts: Sequence[_Text]) -> tuple[Scale | None, str]:
    rows = [(text, work.priority) for text, work in zip(texts, history, strict=True) if work.priority is not None]
    rows = _frequent(rows)
    if not _enough([level.value for _, level in rows]):
        return (
            None,
            f"priority: not learned, {len(rows)} issues have {_SHARED}; it takes {_LEAST_ROWS} of two levels at least",
        )
    places = [_LEVELS.index(level) for _, level in rows]
    scale = fit_scale(
        [text.words for text, _ in rows], [place * 256 for place in places], places, _LEVEL_LOSS, (TRUSTS[-1],)
    )
    if scale.agreement < _LEAST_AGREEMENT:
        return None, f"priority: not learned, the texts of {len(rows)} issues hardly say it (kappa {scale.agreement} %)"
    return scale, f"priority: learned from {len(rows)} issues, weighted kappa {scale.agreement} %"


def _thirds(values: Sequence[int]) -> list[int]:
    ascending = sorted(values)
    low, high = ascending[len(values) // 3], ascending[2 * len(values) // 3]
    return [0 if value <= low else 1 if value <= high else 2 for value in values]


def doublings(size: float) -> int:
    """How often one must double to get there, in 256ths: 0 for 1, 256 for 2, -256 for a half."""
    return log2(max(1, round(size * 1024))) - (10 << 8)


def _frequent(rows: Sequence[tuple[_Text, _Name]]) -> list[tuple[_Text, _Name]]:
    counts = Counter(name for _, name in rows)
    return [(text, name) for text, name in rows if counts[name] >= _LEAST_PER_NAME]


def _enough(wanted: Sequence[str]) -> bool:
    return len(wanted) >= _LEAST_ROWS and len(set(wanted)) > 1


def _if_better(head: Head, right_before: int, wanted: Sequence[str], what: str) -> tuple[Head | None, str]:
    """The head where it names more rightly than the word lists, on which it builds, and than always the same name.

    That name must be beaten by more than luck: a head that has learned nothing names it about as often.
    """
    before = 100 * max(right_before, *Counter(wanted).values()) // head.rows
    luck = 50 * isqrt(head.rows) // head.rows
    if head.right <= max(before, 100 * max(Counter(wanted).values()) // head.rows + luck):
        return (
            None,
            f"{what}: not learned, {head.rows} issues gave {head.right} % right where {before} % need no history",
        )
    return head, f"{what}: learned from {head.rows} issues, {head.right} % right where {before} % need no history"


def _key(what: str, name: str) -> int:
    return hashed(f"{what} {name}")
