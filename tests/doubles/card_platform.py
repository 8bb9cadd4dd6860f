"""A platform and a chat in one process: cards that can be found again, effects that leave marks, messages that do not."""

from __future__ import annotations

import hashlib
from collections import Counter
from urllib.parse import quote

import msgspec
from msgspec import Struct

from ai_crm.model.change import Applied, ChangeKey, Notify, OutboundChange, Outcome, ShowCard
from ai_crm.model.item import ItemRef
from ai_crm.model.task import Task, TaskId
from ai_crm.ports import FoundCard


class _Body(Struct, frozen=True):
    tasks: tuple[Task, ...]
    applied: tuple[ChangeKey, ...]


class CardPlatform:
    """Implements ports.CardReader, and applies changes as a real platform does.

    A card is kept as the bytes that a comment would hold. A card that is shown without an address is created, unless
    an earlier one is found then: that one takes over what it lacks, and the newcomer yields.
    """

    def __init__(self) -> None:
        self.reads = 0
        self.writes = 0
        self.messages: list[Notify] = []
        self.marks: Counter[ChangeKey] = Counter()
        self._cards: dict[ItemRef, bytes] = {}

    async def read_card(self, item: ItemRef) -> FoundCard | None:
        self.reads += 1
        return self.card(item)

    def card(self, item: ItemRef) -> FoundCard | None:
        if item not in self._cards:
            return None
        body = msgspec.json.decode(self._cards[item], type=_Body)
        return FoundCard(where=_where(item), url=self.url(item), tasks=body.tasks, applied=body.applied)

    def url(self, item: ItemRef) -> str:
        return f"https://github.example/{item.project}/{quote(item.id, safe='')}#card"

    def put_card(self, item: ItemRef, tasks: tuple[Task, ...], applied: tuple[ChangeKey, ...] = ()) -> None:
        self._cards[item] = msgspec.json.encode(_Body(tasks, applied))

    def lose_card(self, item: ItemRef) -> None:
        del self._cards[item]

    async def apply(self, change: OutboundChange) -> Applied:
        match change:
            case ShowCard():
                return self._show(change)
            case Notify():
                self.messages.append(change)
                return Applied(key=change.key, outcome=Outcome.DONE, where=f"message-{len(self.messages)}")
            case _:
                self.marks[change.key] = 1
                return Applied(key=change.key, outcome=Outcome.DONE)

    def _show(self, change: ShowCard) -> Applied:
        self.writes += 1
        earlier = None if change.where else self.card(change.item)
        known = {task.rule for task in earlier.tasks} if earlier else set()
        tasks = _added(earlier.tasks, change.tasks) if earlier else change.tasks
        self.put_card(change.item, tasks, (*(earlier.applied if earlier else ()), *change.applied))
        return Applied(
            key=change.key,
            outcome=Outcome.YIELDED if earlier else Outcome.DONE,
            where=_where(change.item),
            url=self.url(change.item),
            yielded=tuple(task.rule for task in change.tasks if task.rule in known),
        )


def _where(item: ItemRef) -> str:
    """An id as platforms give them: plain characters, whatever the item is called."""
    return f"card-{hashlib.sha256(str(item).encode()).hexdigest()[:12]}"


def _added(theirs: tuple[Task, ...], ours: tuple[Task, ...]) -> tuple[Task, ...]:
    """What only we have goes behind what was there, under a number that is not taken."""
    merged = list(theirs)
    for task in ours:
        if task.rule not in {known.rule for known in theirs}:
            taken = {known.id for known in merged}
            names = (task.id, *(TaskId(f"AICRM-{task.item.id}-{number}") for number in range(2, 99)))
            merged.append(msgspec.structs.replace(task, id=next(name for name in names if name not in taken)))
    return tuple(merged)
