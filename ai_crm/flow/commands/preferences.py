"""How somebody's wishes about what they are told change, and how they read. Pure."""

from __future__ import annotations

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from ai_crm.cards.answers import Fact
from ai_crm.commands.command import NoticeKind, SetPreferences
from ai_crm.commands.words import nearest, shown
from ai_crm.errors import Misunderstood
from ai_crm.ports.members import Preferences


def changed_preferences(now: Preferences, wanted: SetPreferences) -> Preferences:
    """What is not named stays; what is both on and off is off. Raises Misunderstood for a time zone that is none."""
    off = (set(now.off) - set(wanted.on)) | set(wanted.off)
    quiet = now.quiet if wanted.quiet is None else wanted.quiet
    return Preferences(
        off=tuple(kind for kind in NoticeKind if kind in off),
        quiet=None if quiet is None or quiet[0] == quiet[1] else quiet,
        time_zone=now.time_zone if wanted.time_zone is None else _zone(wanted.time_zone),
        digest_at=now.digest_at if wanted.digest_at is None else wanted.digest_at,
    )


def zone_of(preferences: Preferences) -> tzinfo:
    """The person's time zone; UTC on a machine that does not know it, as the one that kept it may have known more."""
    try:
        return UTC if preferences.time_zone == "UTC" else ZoneInfo(preferences.time_zone)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return UTC


def described(preferences: Preferences) -> tuple[Fact, ...]:
    on = ", ".join(kind for kind in NoticeKind if kind not in preferences.off) or "nothing"
    quiet, digest = preferences.quiet, preferences.digest_at
    daily = digest is not None and NoticeKind.DIGEST not in preferences.off
    return (
        Fact("Told about", on),
        Fact("Not told about", ", ".join(preferences.off) or "–"),  # noqa: RUF001 - a dash for people
        Fact("Quiet hours", f"{quiet[0]:%H:%M} to {quiet[1]:%H:%M}" if quiet else "none"),
        Fact("Daily summary", f"at {digest:%H:%M}" if daily else "never"),
        Fact("Time zone", preferences.time_zone),
    )


def _zone(name: str) -> str:
    """The zone as it is written, whatever the case of its letters."""
    known = {zone.lower(): zone for zone in ("UTC", *available_timezones())}
    spelled = name.strip().replace(" ", "_").lower()
    if spelled not in known:
        near = nearest(spelled, known)
        hint = f'Did you mean "{known[near]}"?' if near else "Write a zone such as Europe/Berlin or UTC"
        raise Misunderstood(f"there is no time zone {shown(name)}", hint=hint)
    return known[spelled]
