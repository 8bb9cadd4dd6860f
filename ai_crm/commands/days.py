"""Which day somebody means who writes `friday`, `3d` or `2026-12-31`."""

from __future__ import annotations

import re
from datetime import date, timedelta
from types import MappingProxyType

from ai_crm.commands.words import nearest, shown
from ai_crm.errors import Misunderstood

HOW = "2026-12-31, today, tomorrow, friday, 3d or 2w"
_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_BESIDE = MappingProxyType({"yesterday": -1, "today": 0, "tomorrow": 1})


def named_day(typed: str, today: date) -> date | None:
    """The day of that name, from today on but for `yesterday`; None where it is none."""
    value = typed.strip().lower()
    ahead = re.fullmatch(r"\+?([0-9]{1,3})([dw])", value, re.ASCII)
    named = [day for day in _NAMES if len(value) > 1 and day.startswith(value)]
    try:
        if ahead:
            return today + timedelta(days=int(ahead[1]) * (7 if ahead[2] == "w" else 1))
        if value in _BESIDE:
            return today + timedelta(days=_BESIDE[value])
        if named:
            return today + timedelta(days=(_NAMES.index(named[0]) - today.weekday() - 1) % 7 + 1)
        if written := re.fullmatch(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})", value, re.ASCII):
            return date(int(written[3]), int(written[2]), int(written[1]))
        return date.fromisoformat(value) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value, re.ASCII) else None
    except (ValueError, OverflowError):
        return None  # the 31st of February, or a year that calendars do not reach


def no_day(what: str, typed: str, *more: str) -> Misunderstood:
    """That `what` is no day, and what was probably meant; `more` are other words that are possible there."""
    near = nearest(typed.strip().lower(), ("today", "tomorrow", *_NAMES, *more))
    guess = f'Did you mean "{near}"? ' if near else ""
    also = f"; or {', '.join(more)}" if more else ""
    return Misunderstood(f"{what} is not {shown(typed)}", hint=f"{guess}Write {HOW}{also}")
