"""What stands in front of the database where an operator has Redis, and how it is told that the driver is missing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from ai_crm.errors import Problem, SettingsInvalid
from ai_crm.store.inbox import SqlInbox

if TYPE_CHECKING:
    from ai_crm.store.redis_inbox import RedisInbox
    from ai_crm.store.redis_mover import Mover

# Takes what is called when something was moved, and what is called with what goes wrong.
NewMover = Callable[[Callable[[], None], Callable[[str], None]], "Mover | None"]


class Front(Struct, frozen=True):
    """Where deliveries come in, and what brings them on into the database."""

    inbox: RedisInbox
    mover: NewMover


def front_of(url: str, behind: SqlInbox) -> Front | None:
    """None without a URL. Connects to nothing yet. Raises SettingsInvalid."""
    if not url:
        return None
    try:
        from ai_crm.store.redis_inbox import RedisInbox, redis_at  # noqa: PLC0415 - an optional driver
        from ai_crm.store.redis_mover import Mover  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        hint = 'install it: pip install "ai-crm[redis]"'
        raise SettingsInvalid((Problem("AI_CRM_REDIS_URL", 0, 0, "the Redis driver is missing", hint),)) from error
    redis = redis_at(url)
    return Front(RedisInbox(redis, behind), lambda moved, trouble: Mover(redis, behind.accept, moved, trouble))
