"""What an Action with a key may hand in: its decisions and what became of their changes, checked before they are stored."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import msgspec
from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ai_crm.errors import PayloadInvalid
from ai_crm.hub.exchange import answered, body, who
from ai_crm.hub.routes import route
from ai_crm.model.access import Permission
from ai_crm.model.change import AnyChange, Applied, CallWebhook, ChangeKey, CreateTask, Notify, Outcome
from ai_crm.model.decision import Decision
from ai_crm.model.item import ItemRef, PlatformName
from ai_crm.model.target import why_refused
from ai_crm.ports import Clock
from ai_crm.ports.shared import Beginning, HandedIn, ItemTasks, SharedStore
from ai_crm.rules.merge import PREFIX

# Bytes. An issue's text has 64 KB at most, and each rule that matches may repeat it.
_LARGEST = 4 * 1024 * 1024
_MOST = 500  # changes of one decision, tasks of one item
_LONGEST = 1_000  # characters of a name
# Where an Action runs. Other platforms have no items, or nothing that decides beside the hub.
_PLATFORMS = frozenset({PlatformName.GITHUB})
_CHATS = frozenset({PlatformName.SLACK, PlatformName.TEAMS})
_HUBS_OWN = f'rules that begin with "{PREFIX}" are the hub\'s own'

_KEY = re.compile("[0-9a-f]{32}")
_HOLDER = re.compile("[!-~]([ -~]{0,198}[!-~])?")
_WHERE = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.:-]{0,199})?")
_CONTENT_TYPE = re.compile("[!-~]([ -~]{0,98}[!-~])?")
_URL = re.compile(r"(https?://[!-~]{1,2000})?")


class ActionApi(Struct, frozen=True, kw_only=True):
    """`store` is a workspace's; `wake` tells the worker that something may be in the outbox."""

    store: Callable[[str], SharedStore]
    clock: Clock
    wake: Callable[[], None]

    async def tasks_of(self, request: Request) -> Response:
        return answered(ItemTasks(await self.store(who(request).workspace).tasks_of(_item(request))))

    async def hand_in(self, request: Request) -> Response:
        asker, handed = who(request), await body(request, HandedIn)
        _check(handed)
        commit = await self.store(asker.workspace).hand_in(handed, asker.name, self.clock.now())
        self.wake()
        return answered(commit)

    async def begin(self, request: Request) -> Response:
        asker, wanted = who(request), await body(request, Beginning)
        if not _HOLDER.fullmatch(wanted.holder):
            raise PayloadInvalid("holder is a name of up to 200 printable characters")
        change = await self.store(asker.workspace).begin(_key(request), wanted.holder, self.clock.now())
        return Response(status_code=204) if change is None else answered(change)

    async def settle(self, request: Request) -> Response:
        asker, applied = who(request), await body(request, Applied)
        _check_applied(applied, _key(request))
        tasks = await self.store(asker.workspace).conclude(applied, asker.name, self.clock.now())
        self.wake()  # a message may have waited for the card
        return answered(ItemTasks(tasks))


def action_routes(api: ActionApi) -> tuple[Route, ...]:
    """Every route with what it takes to use it."""
    write = Permission.DECISIONS_WRITE
    return (
        route("/api/v1/items/tasks", api.tasks_of, ("GET",), Permission.TASKS_READ),
        route("/api/v1/decisions", api.hand_in, ("POST",), write, lambda _request: _LARGEST),
        route("/api/v1/changes/{key}/begin", api.begin, ("POST",), write),
        route("/api/v1/changes/{key}/settle", api.settle, ("POST",), write),
    )


def _key(request: Request) -> ChangeKey:
    key = request.path_params["key"]
    if not _KEY.fullmatch(key):
        raise HTTPException(404, "A change's key is 32 hexadecimal digits.")
    return ChangeKey(key)


def _item(request: Request) -> ItemRef:
    asked = dict(request.query_params)
    try:
        item = msgspec.convert(asked, ItemRef)
    except msgspec.ValidationError as error:
        raise PayloadInvalid(f"the item cannot be told from the query: {error}") from error
    _check_names((item.project, item.id))
    return item


def _check(handed: HandedIn) -> None:
    """A decision is about one item of a platform that has items, and so is all that comes with it."""
    decision = handed.decision
    if decision.platform not in _PLATFORMS or decision.item.platform is not decision.platform:
        raise PayloadInvalid(f"a decision is about an item of {', '.join(sorted(_PLATFORMS))}")
    if max(len(decision.changes), len(handed.tasks), len(handed.sent)) > _MOST:
        raise PayloadInvalid(f"there are more than {_MOST} changes, tasks or messages")
    if any(about.item != decision.item for about in (*decision.changes, *handed.tasks)):
        raise PayloadInvalid("a change or a task is about another item than the decision")
    rules = (*(change.rule for change in decision.changes), *(task.rule for task in handed.tasks))
    _check_names((decision.event, decision.item.project, decision.item.id, *rules))
    _check_names((decision.actor or "nobody",))  # some events are nobody's doing
    _check_changes(decision)
    if any(task.rule.startswith(PREFIX) for task in handed.tasks):
        raise PayloadInvalid(_HUBS_OWN)


def _check_changes(decision: Decision) -> None:
    keys = {change.key for change in decision.changes}
    if len(keys) < len(decision.changes) or not all(map(_KEY.fullmatch, keys)):
        raise PayloadInvalid("each change has a key of its own, 32 hexadecimal digits")
    for change in decision.changes:
        if why := _objection(change):
            raise PayloadInvalid(why)


def _objection(change: AnyChange) -> str:
    """What is wrong with a change that no rule can have planned, as a sentence; empty when nothing is."""
    match change:
        case CreateTask() if change.rule.startswith(PREFIX):
            return _HUBS_OWN
        case Notify() if change.platform not in _CHATS:
            return f"messages go to {' or '.join(sorted(_CHATS))}"
        case CallWebhook():
            refused = why_refused(change.url)
            fit = _CONTENT_TYPE.fullmatch(change.content_type)
            return f"the address of a webhook {refused}" if refused else "" if fit else "that is no content type"
        case _:
            return ""


def _check_names(names: Iterable[str]) -> None:
    """Names stand in columns of the database, which take neither NUL nor a novel."""
    if not all(0 < len(name) <= _LONGEST and "\0" not in name for name in names):
        raise PayloadInvalid(f"a name is empty, longer than {_LONGEST} characters, or holds a NUL")


def _check_applied(applied: Applied, key: ChangeKey) -> None:
    """Its address is shown to people and used again, and may be nothing but one."""
    if applied.key != key:
        raise PayloadInvalid("the change that was carried out is not the one of this address")
    if applied.outcome is Outcome.SHOWN:
        raise PayloadInvalid("what was only shown was not carried out")
    if not _WHERE.fullmatch(applied.where) or not _URL.fullmatch(applied.url):
        raise PayloadInvalid("where is no platform's id, or url is no web address")
    if len(applied.detail) > _LONGEST or len(applied.yielded) > _MOST:
        raise PayloadInvalid("detail or yielded is too long")
