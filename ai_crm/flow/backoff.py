"""When something that failed is tried again, and when it is given up. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from ai_crm.errors import AiCrmError, RateLimited

OLDEST = timedelta(days=3)

_FIRST = 2.0  # seconds
_LONGEST = 3600.0
_DOUBLINGS = 11  # as many as it takes to the longest wait


def next_attempt(error: AiCrmError, attempts: int, since: datetime, now: datetime, chance: float) -> datetime | None:
    """When to try again after so many attempts; None when that is of no use, or was of none for three days.

    `since` is when the work came in, or when a person sent it on: age alone gives up, for an outage says nothing about the work. The wait doubles
    up to an hour; `chance`, 0 to 1, spreads it over its second half, so that what failed together does not come back
    together. What a platform asks for is obeyed, with a tenth to spread.
    """
    if not error.retry or now - since >= OLDEST:
        return None
    if isinstance(error, RateLimited):
        return now + timedelta(seconds=min(error.retry_after, OLDEST.total_seconds()) * (1 + chance / 10))
    wait = min(_FIRST * 2 ** min(attempts - 1, _DOUBLINGS), _LONGEST)
    return now + timedelta(seconds=wait * (0.5 + chance / 2))
