"""`webhook`: calls an address that the file names, with a body of the file's own or a JSON document about the event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from ai_crm.cards.inert import clean
from ai_crm.model.change import AnyChange, CallWebhook, CreateTask, Later, Text
from ai_crm.model.decision import Skip
from ai_crm.model.target import MOST_URL, URL, why_refused
from ai_crm.model.task import Task, TaskStatus
from ai_crm.rules import shapes
from ai_crm.rules.effects.planning import because, key, unresolved, words
from ai_crm.rules.effects.reading import MESSAGE, Words
from ai_crm.rules.rule import Place, Scene
from ai_crm.rules.shapes import described, given, object_of
from ai_crm.rules.source import Node, Problems
from ai_crm.rules.templating import Template
from ai_crm.rules.vocabulary import Unresolved

_URL = shapes.Text(says="an https address without user name, fragment and {names}", most=MOST_URL, pattern=URL)
_JSON = "application/json"
_PLAIN = "text/plain; charset=utf-8"


class Webhook(Struct, frozen=True):
    """No name may stand in the address: strangers would choose what is called."""

    action: ClassVar[str] = "webhook"
    creates: ClassVar[bool] = False
    params: ClassVar[Mapping[str, Any]] = object_of(
        {
            "url": described(_URL, "The address to call, on the public internet.", "https://hooks.example.com/ai-crm"),
            "body": described(
                MESSAGE,
                "What to send: JSON where it begins with { or [, else plain text. Without it a JSON document with the "
                "keys type, event, rule, item and task.",
                '{{"text": "{issue.title}"}}',
            ),
        },
        required=("url",),
    )

    url: str
    body: Template | None = None
    is_json: bool = True

    @property
    def wants_analysis(self) -> bool:
        return False

    @classmethod
    def parse(cls, node: Node, place: Place, problems: Problems) -> Webhook | None:
        params = given(node, cls.params, cls.action, problems)
        url = params.read(_Url(), "url", absent="")
        body = params.read(Words(MESSAGE, place), "body", absent=None)
        if body is None:
            return cls(url) if url else None
        is_json = _begins_like_json(body)
        if is_json and not _is_json(body):
            what = "body begins like JSON and is none: {names} stand between the quotes of its texts"
            problems.add(params.nodes["body"].at, what, 'such as {{"text": "{item.title}"}}')
            return None
        return cls(url, body, is_json) if url else None

    def plan(self, scene: Scene, position: int) -> tuple[AnyChange | Skip, ...]:
        body = self._text(scene)
        if isinstance(body, Unresolved):
            return (unresolved(scene, self.action, body),)
        return (
            CallWebhook(
                key=key(scene, self.action, position),
                rule=scene.rule,
                item=scene.item.ref,
                because=because(scene, "calls a webhook"),
                url=self.url,
                body=body,
                content_type=_JSON if self.is_json else _PLAIN,
            ),
        )

    def _text(self, scene: Scene) -> Text | Unresolved:
        if self.body is None:
            return _document(scene)
        return words(self.body, scene, _inside_quotes if self.is_json else clean)


class _Url(Struct, frozen=True):
    """The address as it is written; empty when it is none that may be called."""

    def read(self, node: Node, name: str, problems: Problems) -> str:
        url = _URL.read(node, name, problems)
        wrong = why_refused(url) if url else ""
        if wrong:
            problems.add(node.at, f"{name} {wrong}", "write an address that anybody on the internet can reach")
        return "" if wrong else url


class _About(Struct, frozen=True, kw_only=True):
    """What happened, in the document's order. All texts are clean."""

    type: str
    event: _AboutEvent
    rule: str
    item: _AboutItem


class _AboutEvent(Struct, frozen=True):
    id: str
    actor: str


class _AboutItem(Struct, frozen=True, kw_only=True):
    platform: str
    project: str
    kind: str
    id: str
    title: str
    url: str
    state: str


class _AboutTask(Struct, frozen=True, kw_only=True):
    """What is known of a task before it is stored."""

    title: str
    priority: str
    agent: str | None
    status: str


def _begins_like_json(body: Template) -> bool:
    first = body.parts[0]
    return isinstance(first, str) and first.lstrip().startswith(("{", "["))


def _is_json(body: Template) -> bool:
    """Whether it is JSON whatever its names stand for: so it is if each of them stands inside of a text."""
    try:
        msgspec.json.decode("".join(part if isinstance(part, str) else "x" for part in body.parts))
    except (ValueError, RecursionError):
        return False
    return True


def _inside_quotes(value: str) -> str:
    return msgspec.json.encode(clean(value)).decode()[1:-1]


def _document(scene: Scene) -> Text:
    """The document without a body of the file's own; `task` is null where there is none."""
    about = msgspec.json.encode(_about(scene)).decode().removesuffix("}")
    stored = None if scene.once or not scene.tasks else scene.tasks[0]
    task = stored or scene.task or scene.planned
    if task is None:
        return Text((f'{about},"task":null}}',))
    details = msgspec.json.encode(_about_task(task)).decode().removeprefix("{")
    text = Text((f'{about},"task":{{"id":"', Later("id"), '","url":"', Later("url"), f'",{details}}}'))
    return Text((text.filled(stored),)) if stored else text


def _about(scene: Scene) -> _About:
    item, ref = scene.item, scene.item.ref
    return _About(
        type=scene.event.name,
        event=_AboutEvent(clean(scene.event.id), clean(scene.event.actor.login)),
        rule=clean(scene.rule),
        item=_AboutItem(
            platform=ref.platform,
            project=clean(ref.project),
            kind=ref.kind,
            id=clean(ref.id),
            title=clean(item.title),
            url=clean(item.url),
            state=item.state,
        ),
    )


def _about_task(task: Task | CreateTask) -> _AboutTask:
    return _AboutTask(
        title=clean(task.title),
        priority=task.priority,
        agent=clean(task.agent.name) if task.agent else None,
        status=task.status if isinstance(task, Task) else TaskStatus.TODO,
    )
