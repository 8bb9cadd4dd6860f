"""What the hub tells itself when a rule's turn has come, as the body of a delivery of its own."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct

from ai_crm.errors import PayloadInvalid
from ai_crm.model.record import Report
from ai_crm.model.task import RuleId


class ItemsDue(Struct, frozen=True, kw_only=True, tag_field="occasion", tag="schedule"):
    """A rule asks about the open items of a project that nobody touched. `url` is where people look at the project.

    `at` is when it was due, here and in ReportDue, which is not when somebody got round to it.
    """

    rule: RuleId
    at: datetime
    project: str
    url: str


class ReportDue(Struct, frozen=True, kw_only=True, tag_field="occasion", tag="report"):
    """A rule wants the figures since its last turn. `url` is where people look at them, empty where that is unknown."""

    rule: RuleId
    at: datetime
    workspace: str
    url: str
    figures: Report


Occasion = ItemsDue | ReportDue

_OCCASION: msgspec.json.Decoder[Occasion] = msgspec.json.Decoder(Occasion)


def written(occasion: Occasion) -> bytes:
    """The body: the same bytes for the same occasion, whichever machine writes it."""
    return msgspec.json.encode(occasion)


def occasion_in(body: bytes) -> Occasion:
    """Raises PayloadInvalid for what we did not write."""
    try:
        return _OCCASION.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        hint = "Another version of ai-crm may have written it"
        raise PayloadInvalid("this is no occasion of a schedule", where="hub", hint=hint) from None
