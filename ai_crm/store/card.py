"""A store without a database: an item's tasks live in the one card that we leave on the item, and nowhere else.

Showing the card is what stores the tasks, so it is the claim: first in every outbox. What must not be sent twice and
leaves no mark of its own (chat messages) is remembered in the card by showing it once more at the end. A run that dies
between such a message and that second showing sends it again when it is repeated: at least once, never lost.
"""

from __future__ import annotations

from datetime import datetime
from itertools import count
from typing import ClassVar

import msgspec
from msgspec import Struct

from ai_crm.model.change import (
    Applied,
    CallWebhook,
    ChangeKey,
    CreateTask,
    Notify,
    OutboundChange,
    Outcome,
    ShowCard,
    UpdateTask,
    change_key,
)
from ai_crm.model.decision import Decision
from ai_crm.model.item import ItemKind, ItemRef
from ai_crm.model.task import Task, TaskId
from ai_crm.ports import CardReader, Commit, FoundCard
from ai_crm.store.outbox import Current, informed
from ai_crm.store.tasks import follow, located

# A card has limited room: 200 keys of 32 digits are 7 of its 64 KB, and far more than an item has events to repeat.
MOST_KEYS = 200
_NUMBERED = frozenset({ItemKind.ISSUE, ItemKind.PULL_REQUEST, ItemKind.DISCUSSION})
_PREFIX = "AICRM-"
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


class _Sheet(Struct, frozen=True, kw_only=True):
    """What we know of an item: its card as we read or left it, and the decisions of this run that are in it."""

    tasks: tuple[Task, ...] = ()
    applied: tuple[ChangeKey, ...] = ()
    where: str = ""
    url: str = ""
    decisions: tuple[Decision, ...] = ()


class CardStore:
    """Implements ports.Store for the length of one run. Reading a card can raise UpstreamError."""

    remembers: ClassVar[bool] = False

    def __init__(self, cards: CardReader) -> None:
        self._cards = cards
        self._sheets: dict[ItemRef, _Sheet] = {}

    async def tasks_of(self, item: ItemRef) -> tuple[Task, ...]:
        return (await self._sheet(item)).tasks

    async def commit(self, decision: Decision, at: datetime) -> Commit:  # noqa: ARG002 - a card tells events' times, not ours
        sheet = await self._sheet(decision.item)
        followed = follow(decision, sheet.tasks, sheet.applied, _new_id)
        outbox = _outbox(followed.outbound, sheet.applied)
        self._sheets[decision.item] = msgspec.structs.replace(
            sheet,
            tasks=followed.tasks,
            applied=_remembered(sheet.applied, _updates(decision)),
            decisions=(*sheet.decisions, decision),
        )
        return Commit(
            claim=outbox[0].key if outbox and isinstance(outbox[0], ShowCard) else None,
            tasks=followed.tasks,
            created=followed.created,
            updated=followed.updated,
            outbox=outbox,
        )

    async def refresh(self, change: OutboundChange) -> OutboundChange | None:
        if isinstance(change, ShowCard) and change.records and not await self._is_news(change.item):
            return None
        sheet = await self._sheet(change.item)
        return informed(change, Current(tasks=sheet.tasks, where=sheet.where, applied=sheet.applied))

    async def settle(self, change: OutboundChange, applied: Applied) -> tuple[Task, ...]:
        sheet = await self._sheet(change.item)
        match change:
            case ShowCard():
                sheet = await self._shown(sheet, change.item, applied)
            case Notify() | CallWebhook():
                sheet = msgspec.structs.replace(sheet, applied=_remembered(sheet.applied, (change.key,)))
            case _:
                pass
        self._sheets[change.item] = sheet
        return sheet.tasks

    def close(self) -> None:
        """There is nothing to let go of: the card reader is closed by whoever opened it."""

    async def _sheet(self, item: ItemRef) -> _Sheet:
        if item not in self._sheets:
            found = await self._cards.read_card(item)
            self._sheets[item] = _read(found) if found else _Sheet()
        return self._sheets[item]

    async def _shown(self, sheet: _Sheet, item: ItemRef, applied: Applied) -> _Sheet:
        """After the card was shown. When another run's card was first, what counts is what that one says."""
        first = await self._cards.read_card(item) if applied.outcome is Outcome.YIELDED else None
        if first:
            read = _read(first)
            return msgspec.structs.replace(
                read, applied=_remembered(read.applied, sheet.applied), decisions=sheet.decisions
            )
        kept = tuple(task for task in sheet.tasks if task.rule not in applied.yielded)
        return msgspec.structs.replace(
            sheet, tasks=located(kept, applied.url), where=applied.where or sheet.where, url=applied.url or sheet.url
        )

    async def _is_news(self, item: ItemRef) -> bool:
        """Whether the card lacks something that we know, after taking over what other runs wrote there meanwhile.

        Seconds may lie between the two showings; writing over what stands there would lose other runs' tasks. A card
        that cannot be found again this soon is still where we left it: lists on a platform lag behind.
        """
        found = await self._cards.read_card(item)
        if found is None:
            return True
        theirs = _read(found)
        merged = _replayed(await self._sheet(item), theirs)
        self._sheets[item] = merged
        return (merged.tasks, merged.applied) != (theirs.tasks, theirs.applied)


def _read(card: FoundCard) -> _Sheet:
    return _Sheet(tasks=located(card.tasks, card.url), applied=card.applied, where=card.where, url=card.url)


def _replayed(ours: _Sheet, theirs: _Sheet) -> _Sheet:
    """Their sheet with what our decisions make of it: nothing, where it holds them already."""
    tasks = theirs.tasks
    for decision in ours.decisions:
        tasks = follow(decision, tasks, theirs.applied, _new_id).tasks
    return msgspec.structs.replace(
        theirs,
        tasks=located(tasks, theirs.url),
        applied=_remembered(theirs.applied, ours.applied),
        decisions=ours.decisions,
    )


def _outbox(outbound: tuple[OutboundChange, ...], applied: tuple[ChangeKey, ...]) -> tuple[OutboundChange, ...]:
    """The card first, then what was not carried out yet, then the card again where that has to be remembered."""
    due = tuple(change for change in outbound if not isinstance(change, ShowCard) and change.key not in applied)
    card = next((change for change in outbound if isinstance(change, ShowCard)), None)
    messages = tuple(change.key for change in due if isinstance(change, Notify | CallWebhook))
    if card is None:
        return due
    if not messages:
        return (card, *due)
    return (card, *due, _record(card, messages))


def _record(card: ShowCard, messages: tuple[ChangeKey, ...]) -> ShowCard:
    return msgspec.structs.replace(
        card,
        key=change_key(card.rule, card.item, "record", card.key),
        because="remembers in the card which messages were sent",
        records=messages,
    )


def _updates(decision: Decision) -> tuple[ChangeKey, ...]:
    return tuple(change.key for change in decision.changes if isinstance(change, UpdateTask))


def _remembered(known: tuple[ChangeKey, ...], more: tuple[ChangeKey, ...]) -> tuple[ChangeKey, ...]:
    """The newest keys last; when there are too many the oldest are forgotten."""
    return (*known, *(key for key in dict.fromkeys(more) if key not in known))[-MOST_KEYS:]


def _new_id(change: CreateTask, tasks: tuple[Task, ...]) -> TaskId:
    """`AICRM-12` for what has a number, then `AICRM-12-2`; else five letters that the change's key gives."""
    taken = {task.id for task in tasks}
    stem = _PREFIX + (change.item.id if change.item.kind in _NUMBERED else _letters(change.key))
    names = (TaskId(f"{stem}-{number}") for number in count(2))
    return TaskId(stem) if stem not in taken else next(name for name in names if name not in taken)


def _letters(key: ChangeKey) -> str:
    bits = int(key[:7], 16) >> 3  # 28 bits, of which five letters take the first 25
    return "".join(_BASE32[(bits >> shift) & 31] for shift in (20, 15, 10, 5, 0))
