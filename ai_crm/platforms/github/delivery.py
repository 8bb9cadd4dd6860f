"""One delivery as its decoders see it: what every event of GitHub has, and how an event is told from it."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from ai_crm.cards.state import is_card
from ai_crm.model.event import Event, FieldChange, Remark
from ai_crm.model.item import Item, Person, PlatformName, Project
from ai_crm.platforms.github.items import is_own, person
from ai_crm.platforms.github.payload import Value


class Delivery(Struct, frozen=True, kw_only=True):
    """`event` is GitHub's name from the header, `action` what happened, empty for events that have none."""

    id: str
    event: str
    action: str
    payload: Value
    project: Project

    @property
    def name(self) -> str:
        return f"{self.event}.{self.action}" if self.action else self.event

    def also(self, *words: str) -> tuple[str, ...]:
        """The event's own name, then the names that we give to what GitHub says in a second field."""
        return (self.name, *(f"{self.event}.{word}" for word in words if word))

    def tell(
        self,
        item: Item,
        *changed: FieldChange,
        names: tuple[str, ...] = (),
        remark: Remark | None = None,
    ) -> Event:
        moment = self.payload["comment"]["updated_at"].time() or self.payload["review"]["submitted_at"].time()
        return Event(
            id=self.id,
            platform=PlatformName.GITHUB,
            names=names or (self.name,),
            actor=self._actor(item, remark),
            project=self.project,
            item=item,
            changed=changed,
            remark=remark,
            at=moment or item.updated_at,
            echo=is_own(remark.body, remark.author) if remark else self._is_echo(item),
        )

    def _is_echo(self, item: Item) -> bool:
        """Our own doing. An issue that a rule opened is work like any other once a person takes it up; a card never is."""
        if not is_own(item.body, item.author):
            return False
        return is_card(item.body) or self.action in {"opened", "edited"} or person(self.payload["sender"]).is_bot

    def _actor(self, item: Item, remark: Remark | None) -> Person:
        """GitHub says only of authors whether they may write, so a sender is trusted who is one of them."""
        sender = person(self.payload["sender"])
        authors = (remark.author if remark else None, item.author)
        trusted = any(author is not None and author.trusted and author.login == sender.login for author in authors)
        return msgspec.structs.replace(sender, trusted=trusted)


def edits(delivery: Delivery, *fields: tuple[str, str, str]) -> tuple[FieldChange, ...]:
    """The fields that an `edited` event names with their old values; each field is (GitHub's name, ours, its value now)."""
    changes = delivery.payload["changes"]
    return tuple(
        FieldChange(ours, before=changes[theirs]["from"].text_or(""), after=now)
        for theirs, ours, now in fields
        if changes[theirs].exists
    )
