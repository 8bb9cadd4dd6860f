"""What was learned from a team's own history, as it is kept in one file, and what that file may claim."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from ai_crm.analysis.heads import Head
from ai_crm.analysis.scale import Scale
from ai_crm.errors import PayloadInvalid
from ai_crm.model.analysis import Complexity, Priority, WorkType

_VERSION: Literal[1] = 1
_MOST_BYTES = 8 << 20


class Learned(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Each part is None where the history was too small or taught nothing; `notes` say which, for people.

    `effort` is a scale of doublings of one hour or one point, as `unit` says, `priority` one of levels.
    """

    version: Literal[1] = _VERSION
    rows: int
    type: Head | None
    agents: Head | None
    effort: Scale | None
    unit: Literal["hours", "points"]
    priority: Scale | None
    notes: tuple[str, ...]


def encode(learned: Learned) -> bytes:
    """The file: JSON, with weights in base64. The same history gives the same bytes."""
    return msgspec.json.encode(learned) + b"\n"


def decode(data: bytes, where: str) -> Learned:
    """The learned parts of a file. Raises PayloadInvalid for anything that cannot be such a file."""
    if len(data) > _MOST_BYTES:
        raise PayloadInvalid("it is too large for a learned analysis", where=where, hint=_HINT)
    try:
        learned = msgspec.json.decode(data, type=Learned)
    except msgspec.DecodeError as error:
        raise PayloadInvalid(f"it is no learned analysis: {error}", where=where, hint=_HINT) from error
    if not _fits(learned):
        raise PayloadInvalid("its weights do not fit together", where=where, hint=_HINT)
    return learned


def _fits(learned: Learned) -> bool:
    parts = [part for part in (learned.type, learned.agents, learned.effort, learned.priority) if part is not None]
    types = learned.type.names if learned.type else ()
    cuts = len(learned.effort.cuts) if learned.effort else 0, len(learned.priority.cuts) if learned.priority else 0
    return (
        all(part.fits() for part in parts)
        and set(types) <= set(WorkType)
        and cuts[0] < len(Complexity)
        and cuts[1] < len(Priority)
    )


_HINT = "Make it again with `ai-crm analysis learn`"
