"""When something that failed is tried again, and when it is given up. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from ai_crm.errors import AiCrmError, RateLimited

MOST_ATTEMPTS = 12
OLDEST = timedelta(days=3)

_FIRST = 2.0  # seconds
_LONGEST = 3600.0


def next_attempt(error: AiCrmError, attempts: int, since: datetime, now: datetime, chance: float) -> datetime | None:
    """When to try again after so many attempts; None when it is of no use, or was useless often enough.

    `since` is when the work came in. The wait doubles each time; `chance`, 0 to 1, spreads it over its second half, so
    that what failed together does not come back together. What a platform asks for is obeyed.
    """
    if not error.retry or attempts >= MOST_ATTEMPTS or now - since > OLDEST:
        return None
    wait = min(_FIRST * 2 ** (attempts - 1), _LONGEST) * (0.5 + chance / 2)
    if isinstance(error, RateLimited):
        wait = max(wait, error.retry_after * (1 + chance / 10))
    return now + timedelta(seconds=wait)
