"""The names that templates may use: for each kind of item the words for it, and what is behind every one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from itertools import chain

from msgspec import Struct

from ai_crm.model.change import CreateTask, Later
from ai_crm.model.facts import FACTS, WORDS
from ai_crm.model.item import Item, ItemKind, Person
from ai_crm.model.task import Task, TaskStatus
from ai_crm.model.trigger import TRIGGERS, Trigger
from ai_crm.rules.rule import Scene

# How much of a value is shown, in characters.
_TITLE = 300
_LIST = 1_000
_ADDRESS = 2_000
_BODY = 20_000
_LONG_FACTS = frozenset({"message", "commits", "description"})


class Unresolved(Struct, frozen=True):
    """A name that stands for nothing in this scene, and what a person can do about it."""

    name: str
    because: str


_Value = str | tuple[str, ...] | bool | datetime | Later | Unresolved | None


class Name(Struct, frozen=True):
    """What a name stands for. `limit` counts characters; an address is a link that the platform itself made."""

    read: Callable[[Scene], _Value]
    limit: int = _TITLE
    is_address: bool = False


def names_of(triggers: tuple[Trigger, ...], *, task: bool) -> dict[str, Name]:
    """The names that are known for every one of these triggers, in the order of the documentation.

    Without triggers all that there are: a rule whose trigger is misspelled has one problem, not one for each name.
    """
    each = [_names(trigger.kind, _remark_word(trigger)) for trigger in triggers or TRIGGERS]
    if triggers:
        shared = {name: found for name, found in each[0].items() if all(name in known for known in each)}
    else:
        shared = {name: found for known in each for name, found in known.items()}
    return {**shared, **_TASK} if task else shared


def _remark_word(trigger: Trigger) -> str:
    event = trigger.name.partition(".")[0]
    return "review" if event == "pull_request_review" else "comment" if event.endswith("_comment") else ""


@lru_cache(maxsize=64)
def _names(kind: ItemKind, remark: str) -> dict[str, Name]:
    about_item = {**_EVERY_ITEM, **_SOME_ITEMS.get(kind, {})}
    about_kind = {**about_item, **{fact: _fact(fact) for fact in FACTS[kind]}}
    names = {f"{word}.{field}": name for word in WORDS[kind] for field, name in about_kind.items()}
    for word in (*WORDS[kind], "item"):
        names |= _identities(f"{word}.author", lambda scene: scene.item.author)
    names |= {f"item.{field}": name for field, name in about_item.items()}
    return names | _EVENT | (_remark(remark) if remark else {})


def _item(read: Callable[[Item], _Value], limit: int = _TITLE) -> Name:
    return Name(lambda scene: read(scene.item), limit)


def _fact(name: str) -> Name:
    # A schedule is about issues and pull requests alike, and only one of them has the facts of issues.
    return Name(
        lambda scene: scene.item.facts.get(name),
        _BODY if name in _LONG_FACTS else _TITLE,
        is_address=name.endswith("_url"),
    )


def _person(name: str, read: Callable[[Scene], Person | None]) -> dict[str, Name]:
    login = Name(lambda scene: person.login if (person := read(scene)) else None)
    return {name: login, f"{name}.login": login}


_URL = Name(lambda scene: scene.item.url, _ADDRESS, is_address=True)
_EVERY_ITEM = {
    "title": _item(lambda item: item.title),
    "body": _item(lambda item: item.body, _BODY),
    "url": _URL,
    "html_url": _URL,
    "id": _item(lambda item: item.ref.id),
    "state": _item(lambda item: item.state),
    **_person("author", lambda scene: scene.item.author),
    "user.login": _item(lambda item: item.author.login if item.author else None),
    "created_at": _item(lambda item: item.created_at),
    "updated_at": _item(lambda item: item.updated_at),
}
_NUMBER = {"number": _item(lambda item: item.ref.id)}
_LABELS = {"labels": _item(lambda item: item.labels, _LIST)}
_TRACKED = {
    **_NUMBER,
    **_LABELS,
    "assignees": _item(lambda item: item.assignees, _LIST),
    "milestone": _item(lambda item: item.milestone),
}
_BASE = _item(lambda item: item.base)
_HEAD = _item(lambda item: item.head)
_SOME_ITEMS: dict[ItemKind, dict[str, Name]] = {
    ItemKind.ISSUE: _TRACKED,
    ItemKind.PULL_REQUEST: {
        **_TRACKED,
        "base": _BASE,
        "base.ref": _BASE,
        "head": _HEAD,
        "head.ref": _HEAD,
        "draft": _item(lambda item: item.draft),
    },
    ItemKind.DISCUSSION: {**_NUMBER, **_LABELS},
}


def _identities(person: str, read: Callable[[Scene], Person | None]) -> dict[str, Name]:
    return {f"{person}.{app}_id": _identity(f"{person}.{app}_id", app, read) for app in ("slack", "teams")}


def _identity(name: str, app: str, read: Callable[[Scene], Person | None]) -> Name:
    def found(scene: Scene) -> str | Unresolved:
        person = read(scene)
        if person is None:
            return Unresolved(name, "the event does not say who that is")
        add = f'people: [{{github: "{person.login}", {app}: "…"}}]'
        missing = Unresolved(name, f"no {app} id of {person.login} is known; add to the file: {add}")
        return next(_ids(person.login, app, scene), missing)

    return Name(found)


def _ids(login: str, app: str, scene: Scene) -> Iterator[str]:
    contacts = chain(scene.policy.people, chain.from_iterable(agent.people for agent in scene.policy.agents))
    for contact in contacts:
        known = contact.slack if app == "slack" else contact.teams
        if known and contact.github.casefold() == login.casefold():
            yield known


_PROJECT_URL = Name(lambda scene: scene.event.project.url, _ADDRESS, is_address=True)
_FULL_NAME = Name(lambda scene: scene.event.project.name)
_OWNER = Name(lambda scene: scene.event.project.name.partition("/")[0])
_EVENT = {
    "event.name": Name(lambda scene: scene.event.name),
    **_person("actor", lambda scene: scene.event.actor),
    **_identities("actor", lambda scene: scene.event.actor),
    **_person("sender", lambda scene: scene.event.actor),
    "repository": _FULL_NAME,
    "repository.full_name": _FULL_NAME,
    "repository.name": Name(lambda scene: scene.event.project.name.rpartition("/")[2]),
    "repository.owner": _OWNER,
    "repository.owner.login": _OWNER,
    "repository.url": _PROJECT_URL,
    "repository.html_url": _PROJECT_URL,
    "repository.default_branch": Name(lambda scene: scene.event.project.default_branch),
}


def _remark(word: str) -> dict[str, Name]:
    url = Name(lambda scene: scene.event.remark.url if scene.event.remark else None, _ADDRESS, is_address=True)
    author = _person("author", lambda scene: scene.event.remark.author if scene.event.remark else None)
    verdict = Name(lambda scene: scene.event.remark.verdict if scene.event.remark else None)
    fields = {
        "body": Name(lambda scene: scene.event.remark.body if scene.event.remark else None, _BODY),
        "url": url,
        "html_url": url,
        **author,
        "user.login": author["author"],
        **({"verdict": verdict, "state": verdict} if word == "review" else {}),
    }
    return {f"{word}.{field}": name for field, name in fields.items()}


def _task(field: str, read: Callable[[Task | CreateTask], _Value]) -> Name:
    def found(scene: Scene) -> _Value:
        task = scene.task or scene.planned
        return Unresolved(f"task.{field}", "the item has no task yet") if task is None else read(task)

    return Name(found)


_TASK = {
    "task.id": _task("id", lambda _: Later("id")),
    "task.url": _task("url", lambda _: Later("url")),
    "task.title": _task("title", lambda task: task.title),
    "task.priority": _task("priority", lambda task: task.priority),
    "task.agent": _task("agent", lambda task: task.agent.name if task.agent else None),
    "task.status": _task("status", lambda task: task.status if isinstance(task, Task) else TaskStatus.TODO),
}
