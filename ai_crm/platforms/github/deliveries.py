"""Webhook deliveries that never arrived: GitHub sends none again by itself, and for three days on request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from ai_crm.platforms.github.answers import Asked
from ai_crm.platforms.github.api import Api
from ai_crm.platforms.github.credentials import Hook
from ai_crm.platforms.github.encode import repository
from ai_crm.platforms.github.payload import Value

OF_THE_APP = "/app/hook/deliveries"
_PAGES = 100  # of a hundred deliveries each


class FailedDelivery(Struct, frozen=True, kw_only=True):
    """A delivery that no attempt of got through. `guid` is its X-GitHub-Delivery, `id` what `redeliver` takes.

    `delivered_at` is when the last attempt was made.
    """

    guid: str
    id: str
    event: str
    delivered_at: datetime


def of_a_hook(hook: Hook) -> str:
    return f"{repository(hook.project)}/hooks/{hook.id}/deliveries"


def failed(api: Api, place: str, since: datetime) -> tuple[FailedDelivery, ...]:
    """What was sent from then on in vain, the oldest first; the newest 10,000 deliveries are looked at.

    `place` is OF_THE_APP or `of_a_hook`. https://docs.github.com/en/rest/apps/webhooks
    """
    arrived: set[str] = set()
    lost: dict[str, FailedDelivery] = {}
    for attempt in _newest_first(api, place):
        at = attempt["delivered_at"].time()
        if at is None or at < since:
            break
        guid = attempt["guid"].name()
        if attempt["status"].name_or("") == "OK":
            arrived.add(guid)
        else:
            name, identity = attempt["event"].name(), f"{place}/{attempt['id'].number()}"
            lost.setdefault(guid, FailedDelivery(guid=guid, id=identity, event=name, delivered_at=at))
    found = [delivery for guid, delivery in lost.items() if guid not in arrived]
    return tuple(sorted(found, key=lambda delivery: delivery.delivered_at))


def redeliver(api: Api, identity: str) -> None:
    """Has GitHub send a delivery again, under the same guid. Raises ValueError for what is no `FailedDelivery.id`."""
    if not _IDENTITY.fullmatch(identity):
        raise ValueError("this is not the id of a delivery")
    api.post(f"{identity}/attempts", None, Asked("have a delivery sent again", "GitHub", "webhooks: write"))


_IDENTITY = re.compile(r"(/app/hook|/repos/[^/?#]+/[^/?#]+/hooks/[0-9]+)/deliveries/[0-9]+")


def _newest_first(api: Api, place: str) -> Iterator[Value]:
    asked = Asked("list the webhook's deliveries", "GitHub", "webhooks: read")
    for page in api.pages_by_cursor(place, asked, _PAGES):
        yield from page.each()
