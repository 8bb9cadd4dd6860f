"""What a team's closed work says about itself: one JSON object a line, and what its labels and fields mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct, structs

from ai_crm.analysis.evidence import LABEL
from ai_crm.analysis.lexicon import Lexicon, Vocabulary
from ai_crm.analysis.ranking import AgentRanking
from ai_crm.analysis.reading import Reading, read
from ai_crm.errors import PayloadInvalid
from ai_crm.model.agent import Agent
from ai_crm.model.analysis import Priority, WorkType

# A label with the name of a trade gives its agent at least this much confidence when it stands alone.
_NAMED = 40
_MOST_HOURS = _MOST_POINTS = 10_000.0


class _Named(Struct, frozen=True):
    name: str


class _Line(Struct, frozen=True, kw_only=True, rename="camel"):
    """As `gh issue list --json title,body,labels,closedAt` writes it; the other fields are a team's own."""

    title: str
    body: str | None = None
    labels: tuple[str | _Named, ...] = ()
    closed_at: str | None = None
    type: WorkType | None = None
    agent: str | None = None
    points: float | None = None
    hours: float | None = None
    priority: Priority | None = None


class Closed(Struct, frozen=True, kw_only=True):
    """One piece of closed work. What nobody said about it is None; `hours` and `points` are above nought."""

    title: str
    body: str
    labels: tuple[str, ...]
    type: WorkType | None
    agent: str | None
    points: float | None
    hours: float | None
    priority: Priority | None


def read_history(
    data: bytes, where: str, lexicon: Lexicon, agents: tuple[Agent, ...], own_labels: str = "ai-crm/"
) -> tuple[Closed, ...]:
    """The closed work in a file of JSON lines, the oldest first. Raises PayloadInvalid with the number of the line.

    A field that says it wins over what the labels say. A label says a type or a priority when it is one of those that
    the word lists know as a whole, and an agent when the agent's words are in it. Labels that begin with `own_labels`
    are ours and teach nothing: they are what an analysis said before.
    """
    lines = [_line(line, f"{where}:{number}") for number, line in enumerate(data.splitlines(), 1) if line.strip()]
    lines = [_theirs(line, own_labels) for line in lines]
    ranking = AgentRanking(lexicon.agents)
    names = frozenset(agent.name for agent in agents)
    in_time = sorted(lines, key=lambda line: line.closed_at or "")
    return tuple(_closed(line, lexicon, ranking, agents, names) for line in in_time)


def _line(line: bytes, where: str) -> _Line:
    try:
        return msgspec.json.decode(line, type=_Line)
    except msgspec.DecodeError as error:
        hint = 'Write one object a line, such as {"title": "…", "body": "…", "labels": ["bug"], "hours": 3}'
        raise PayloadInvalid(f"this line is no closed issue: {error}", where=where, hint=hint) from error


def _theirs(line: _Line, own: str) -> _Line:
    names = (label if isinstance(label, str) else label.name for label in line.labels)
    return structs.replace(line, labels=tuple(name for name in names if not name.startswith(own)))


def _closed(
    line: _Line, lexicon: Lexicon, ranking: AgentRanking, agents: tuple[Agent, ...], names: frozenset[str]
) -> Closed:
    labels = tuple(label if isinstance(label, str) else label.name for label in line.labels)
    reading = read("", "", labels, lexicon.forms)
    types, priorities = [*_whole(reading, lexicon.types)], [*_whole(reading, lexicon.urgency)]
    return Closed(
        title=line.title,
        body=line.body or "",
        labels=labels,
        type=line.type or (WorkType(types[0]) if len(set(types)) == 1 else None),
        agent=line.agent if line.agent in names else _agent(_of_trades(reading, lexicon), ranking, agents),
        points=_size(line.points, _MOST_POINTS),
        hours=_size(line.hours, _MOST_HOURS),
        priority=line.priority or (Priority(priorities[0]) if len(set(priorities)) == 1 else None),
    )


def _whole(reading: Reading, vocabulary: Vocabulary) -> Iterator[str]:
    for label in reading.labels:
        term = vocabulary.labels.whole(label.words)
        if term is not None:
            yield from (target for target, _ in term.meanings)


def _of_trades(reading: Reading, lexicon: Lexicon) -> Reading:
    """Without the labels that name a type, a size or a priority: `bug` does not ask for the debugger."""
    others = (lexicon.types.labels, lexicon.effort.labels, lexicon.urgency.labels)
    kept = tuple(label for label in reading.labels if not any(terms.whole(label.words) for terms in others))
    return structs.replace(reading, labels=kept)


def _agent(reading: Reading, ranking: AgentRanking, agents: Sequence[Agent]) -> str | None:
    ranked = ranking.rank(reading, tuple(agents))
    sure = [match for match in ranked[:1] if match.confidence >= _NAMED and match.evidence[0].where == LABEL]
    return sure[0].name if sure else None


def _size(size: float | None, most: float) -> float | None:
    return size if size is not None and 0 < size <= most else None
