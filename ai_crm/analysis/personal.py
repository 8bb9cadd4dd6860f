"""What a text means to a team whose history was learned: its own habits first, what labels and alarms say before them."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import structs

from ai_crm.analysis.certainty import power
from ai_crm.analysis.deciding import deciding
from ai_crm.analysis.effort import HOURS
from ai_crm.analysis.evidence import LABEL, STRUCTURE, Sightings
from ai_crm.analysis.features import Features
from ai_crm.analysis.heads import Head, own
from ai_crm.analysis.kind import type_strengths
from ai_crm.analysis.learning import agent_strengths, label_values, list_values
from ai_crm.analysis.scale import Scale
from ai_crm.model.analysis import (
    AgentMatch,
    Complexity,
    Effort,
    Evidence,
    Priority,
    TypeOfWork,
    Urgency,
    WorkType,
)

_SHOWN = 6
_RANKED = 5
# Hours below which a task is of a class: the middles between what the classes take without a history.
_BOUNDS = ((Complexity.SIMPLE, 4), (Complexity.MODERATE, 16), (Complexity.COMPLEX, 48))
_PARTS = tuple(Complexity)
_MOST_HOURS = 10_000
_SURE_OF_LEVEL = 45


def learned_type(head: Head, seen: Features, beside: Mapping[int, int], sightings: Sightings) -> TypeOfWork | None:
    """The type by the team's history; None where a label names one, which needs no guess. `beside` are the clues."""
    if labelled(sightings, *WorkType):
        return None
    values = {**seen.single, **seen.pairs, **beside, **list_values(type_strengths(sightings), "type")}
    beliefs = head.confidences(values)
    place = beliefs.index(max(beliefs))
    value = WorkType(head.names[place])
    words = deciding(head.table, place, seen, own=own if head.own else None)
    return TypeOfWork(value, beliefs[place], _merged(words, sightings.shown(value)))


def learned_agents(
    head: Head, seen: Features, sightings: Sightings, ranked: tuple[AgentMatch, ...], known: frozenset[str]
) -> tuple[AgentMatch, ...]:
    """The ranking by the team's history; agents that it never saw keep what the word lists gave them."""
    values = {**seen.single, **seen.pairs, **list_values(agent_strengths(sightings), "agent")}
    beliefs = dict(zip(head.names, head.confidences(values), strict=True))
    places = {name: place for place, name in enumerate(head.names)}
    matches = [match for match in ranked if match.name not in beliefs]
    matches += [AgentMatch(name, belief, ()) for name, belief in beliefs.items() if name in known and belief]
    best = sorted(matches, key=lambda match: (-match.confidence, match.name))[:_RANKED]
    return tuple(
        structs.replace(
            match, evidence=_merged(deciding(head.table, places[match.name], seen), sightings.shown(match.name))
        )
        if match.name in places
        else match
        for match in best
    )


def learned_effort(scale: Scale, unit: str, seen: Features, labels: tuple[str, ...], rough: Effort) -> Effort:
    """The size on the team's own scale. `rough` is what there was before; hours of its class where points were learned."""
    if any(evidence.where == LABEL for evidence in rough.evidence):
        return rough
    values = {**seen.single, **label_values(labels)}
    estimate = scale.estimate(values)
    sizes = [_rounded(estimate + off) for off in (0, scale.low, scale.high)]
    direction = 1 if scale.added(values) >= 0 else -1
    words = (_own_scale(unit, scale, sizes), *(deciding(scale.table, 0, seen, direction) if scale.trust else ()))
    if unit == "points":
        value = _PARTS[scale.part(values)]
        return Effort(value, *_hours_of(value, rough), rough.confidence, words)
    hours = max(1, sizes[0])
    value = next((size for size, bound in _BOUNDS if hours < bound), Complexity.EPIC)
    return Effort(value, hours, max(1, min(hours, sizes[1])), max(hours, sizes[2]), rough.confidence, words)


def learned_urgency(scale: Scale, seen: Features, plain: Urgency) -> Urgency:
    """The team's own level, unless a label or an alarm in the text says it better."""
    if plain.value is Priority.URGENT or any(evidence.where == LABEL for evidence in plain.evidence):
        return plain
    level = tuple(Priority)[scale.part(seen.single)]
    return Urgency(level, _SURE_OF_LEVEL, _merged(deciding(scale.table, 0, seen), plain.evidence))


def labelled(sightings: Sightings, *targets: str) -> bool:
    return any(evidence.where == LABEL for evidence in sightings.all(*targets))


def _merged(*parts: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """What decided, each word once."""
    merged = {(evidence.seen, evidence.where): evidence for part in reversed(parts) for evidence in part}
    return tuple(sorted(merged.values(), key=lambda evidence: -evidence.weight)[:_SHOWN])


def _own_scale(unit: str, scale: Scale, sizes: list[int]) -> Evidence:
    likely, low, high = (str(size) if size else "less than 1" for size in sizes)
    return Evidence(f"about {likely} {unit}, {low} to {high}, by {scale.rows} closed issues", STRUCTURE, 100)


def _hours_of(value: Complexity, rough: Effort) -> tuple[int, int, int]:
    return HOURS[value] if value is not rough.complexity else (rough.hours, rough.low, rough.high)


def _rounded(estimate: int) -> int:
    """2 to the power of an estimate in 256ths, rounded."""
    whole, fraction = divmod(estimate, 256)
    if whole > 13:
        return _MOST_HOURS
    part = power(fraction - 256)
    return (part << (whole + 1)) + (1 << 15) >> 16 if whole >= -1 else 0
