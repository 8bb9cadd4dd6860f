"""The store that is a hub: an Action's tasks and decisions over the hub's REST API, told apart from a hub that is away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import ClassVar, NoReturn, Protocol, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from ai_crm.cards.inert import one_line
from ai_crm.errors import (
    AnswerLost,
    CredentialsRefused,
    RateLimited,
    RecordMissing,
    StoreError,
    StoreUnavailable,
    UpstreamUnavailable,
    VersionClash,
)
from ai_crm.model.change import Applied, CallWebhook, ChangeKey, Notify, OutboundChange
from ai_crm.model.decision import Decision
from ai_crm.model.item import ItemRef
from ai_crm.model.task import Task
from ai_crm.ports import CardReader, Commit, FoundCard, Offload
from ai_crm.ports.shared import Beginning, HandedIn, ItemTasks
from ai_crm.rules.merge import PREFIX

T = TypeVar("T")

# Seconds before what did not come through is asked once more: a hub that is being replaced is away for about as long.
_PAUSE = 1.0
_USUAL_WAIT = 60.0
_LONGEST_SENTENCE = 300
_OUTBOUND: msgspec.json.Decoder[OutboundChange] = msgspec.json.Decoder(OutboundChange)
_COMMIT = msgspec.json.Decoder(Commit)
_TASKS = msgspec.json.Decoder(ItemTasks)


class Reply(Protocol):
    """An answer over HTTP; header names are lower case."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...

    @property
    def body(self) -> bytes: ...


class Line(Protocol):
    """How the hub is reached; the key goes with every request, and no redirect is followed."""

    def request(self, method: str, path: str, body: bytes | None = None) -> Reply:
        """Raises UpstreamUnavailable when no whole answer came, caused by a ConnectionRefusedError where none could."""
        ...

    def close(self) -> None: ...


class RemoteStore:
    """Implements ports.Store: the caller carries out what the hub does not.

    `holder` is the same for a run that is run again, so that it gets back what it had in hand. `cards` shows what runs
    that could not reach the hub left on an item: that moves into the hub. Every method raises StoreUnavailable when the
    hub is away and nothing was stored, AnswerLost when it may have been, CredentialsRefused for a key that is refused.
    """

    remembers: ClassVar[bool] = True

    def __init__(
        self, line: Line, offload: Offload, pause: Callable[[float], None], *, holder: str, cards: CardReader | None
    ) -> None:
        self._line = line
        self._offload = offload
        self._pause = pause
        self._holder = holder
        self._cards = cards
        self._heard = False

    async def tasks_of(self, item: ItemRef) -> tuple[Task, ...]:
        """The hub's, and behind them those of the card that the hub does not know yet."""
        theirs = await self._tasks(item)
        known = {task.rule for task in theirs}
        card = await self._card(item)
        return (*theirs, *(task for task in card.tasks if task.rule not in known)) if card else theirs

    async def commit(self, decision: Decision, at: datetime) -> Commit:  # noqa: ARG002 - the hub has a clock of its own
        if not self._heard:  # whoever answers a question is there: what fails after that is worth an error of its own
            await self._tasks(decision.item)
        card = await self._card(decision.item) if decision.changes else None
        handed = HandedIn(
            decision=decision, tasks=card.tasks if card else (), sent=_sent(decision, card.applied if card else ())
        )
        return _read(await self._ask("POST", "/decisions", handed), _COMMIT)

    async def refresh(self, change: OutboundChange) -> OutboundChange | None:
        reply = await self._ask("POST", f"/changes/{change.key}/begin", Beginning(self._holder))
        return _read(reply, _OUTBOUND) if reply.status == 200 else None

    async def settle(self, change: OutboundChange, applied: Applied) -> tuple[Task, ...]:
        return _read(await self._ask("POST", f"/changes/{change.key}/settle", applied), _TASKS).tasks

    def close(self) -> None:
        self._line.close()

    async def _tasks(self, item: ItemRef) -> tuple[Task, ...]:
        query = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in msgspec.structs.asdict(item).items())
        return _read(await self._ask("GET", f"/items/tasks?{query}", None), _TASKS).tasks

    async def _card(self, item: ItemRef) -> FoundCard | None:
        """The item's card, with those of its tasks alone that can move into the hub: not what is the hub's own."""
        card = await self._cards.read_card(item) if self._cards else None
        if card is None:
            return None
        tasks = tuple(task for task in card.tasks if task.item == item and not task.rule.startswith(PREFIX))
        return msgspec.structs.replace(card, tasks=tasks)

    async def _ask(self, method: str, path: str, sent: Struct | None) -> Reply:
        body = None if sent is None else msgspec.json.encode(sent)
        return await self._offload(lambda: self._answer(method, f"/api/v1{path}", body))

    def _answer(self, method: str, path: str, body: bytes | None) -> Reply:
        """What the hub answers, asked once more when it was away: nothing that we ask does more when it is asked twice."""
        first = self._attempt(method, path, body)
        if isinstance(first, _Away):
            self._pause(_PAUSE)
            reply = self._attempt(method, path, body)
            if isinstance(reply, _Away):
                raise reply.error if method == "GET" or not (first.is_unsure or reply.is_unsure) else _lost(reply)
        else:
            reply = first
        if reply.status not in {200, 204}:
            _refuse(reply)
        self._heard = True
        return reply

    def _attempt(self, method: str, path: str, body: bytes | None) -> Reply | _Away:
        try:
            reply = self._line.request(method, path, body)
        except UpstreamUnavailable as error:
            away = StoreUnavailable(f"the hub does not answer: {error.what}", where=error.where, hint=error.hint)
            return _Away(away, is_unsure=not isinstance(error.__cause__, ConnectionRefusedError))
        if reply.status < 500:
            return reply
        problem = _problem(reply)
        what = problem.detail or f"it answers {reply.status}"
        # Its own word for a database that is away means that nothing was written; anybody else's means nothing.
        return _Away(StoreUnavailable(f"the hub is not well: {what}"), is_unsure=not problem.is_from_store)


class _Away(Struct, frozen=True):
    """A hub that did not do what it was asked; `is_unsure` when it may have done it all the same."""

    error: StoreUnavailable
    is_unsure: bool = False


class _Problem(Struct, frozen=True):
    """The little of a problem document that we tell people."""

    type: str = ""
    detail: str = ""

    @property
    def is_from_store(self) -> bool:
        return self.type.endswith("#store-unavailable")


def _sent(decision: Decision, applied: tuple[ChangeKey, ...]) -> tuple[ChangeKey, ...]:
    """The messages that the card remembers: they went out while the hub was away."""
    return tuple(
        change.key for change in decision.changes if isinstance(change, Notify | CallWebhook) and change.key in applied
    )


def _lost(away: _Away) -> AnswerLost:
    return AnswerLost(
        f"{away.error.what}: whether it took down what it was told is unknown",
        where=away.error.where,
        hint="Run the job again: what is there already is not done twice",
    )


def _refuse(reply: Reply) -> NoReturn:
    what = _problem(reply).detail or f"it answers {reply.status}"
    match reply.status:
        case 401 | 403:
            hint = "Make a key with `ai-crm keys create NAME --role action` and give it as api_key"
            raise CredentialsRefused(f"the hub refuses the key: {what}", hint=hint)
        case 404:
            hint = (
                "If this is not about something that was removed: is api_url the address of an AI-CRM hub, new enough?"
            )
            raise RecordMissing(f"the hub knows nothing of it: {what}", hint=hint)
        case 409:
            raise VersionClash(f"somebody else wrote to the hub first: {what}", hint="Run the job again")
        case 429:
            seconds = _seconds(reply)
            hint = f"Run the job again in {seconds:g} seconds"
            raise RateLimited("the hub is asked too often", retry_after=seconds, hint=hint)
        case _:
            raise StoreError(f"the hub refuses what it was sent: {what}", hint="Is api_url the hub's own address?")


def _problem(reply: Reply) -> _Problem:
    """The hub's own words as one plain line; none where it is not the hub that answers."""
    try:
        problem = msgspec.json.decode(reply.body, type=_Problem)
    except (ValueError, RecursionError):
        return _Problem()
    return msgspec.structs.replace(problem, detail=one_line(problem.detail, _LONGEST_SENTENCE).rstrip("."))


def _seconds(reply: Reply) -> float:
    wanted = reply.headers.get("retry-after", "")
    return float(wanted) if wanted.isascii() and wanted.isdigit() and len(wanted) < 7 else _USUAL_WAIT


def _read(reply: Reply, decoder: msgspec.json.Decoder[T]) -> T:
    """Raises StoreError for what no hub answers."""
    try:
        return decoder.decode(reply.body)
    except (ValueError, RecursionError) as error:
        what = "what answers at api_url is no AI-CRM hub, or one that is newer or older than this program"
        raise StoreError(what, hint="Check the address, and use the same version of both") from error
