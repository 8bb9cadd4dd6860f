"""What was learned from a team's own history, as it is kept in one file, and what that file may claim."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from ai_crm.analysis.heads import Head
from ai_crm.analysis.scale import Scale
from ai_crm.errors import PayloadInvalid

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
    parts = [part for part in (learned.type, learned.agents, learned.effort, learned.priority) if part is not None]
    if not all(part.fits() for part in parts):
        raise PayloadInvalid("its weights do not fit together", where=where, hint=_HINT)
    return learned


_HINT = "Make it again with `ai-crm analysis learn`"
