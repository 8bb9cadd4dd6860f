"""A hub with its pages over a SQLite file, put together as its process does it, and people in browsers who look at them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec

from ai_crm.config.hub_settings import read_hub_settings
from ai_crm.flow.commands import Asker, Reply, answer
from ai_crm.hub.dashboard.cookies import PLAIN
from ai_crm.hub.process import doors
from ai_crm.model.access import Principal, Role
from ai_crm.model.change import Applied, ChangeKey, Outcome
from ai_crm.model.decision import Decision
from ai_crm.model.delivery import Delivery, Setback, event_id
from ai_crm.model.item import PlatformName
from ai_crm.ports.sessions import Visitor
from ai_crm.wiring.hub import assemble, command_desk
from tests.doubles.browser import Browser
from tests.doubles.hub_parts import Answer, Hub, bearer, call

T = TypeVar("T")
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Page(HTMLParser):
    """What an answer shows: its words, where its links lead, and its forms with what stands in them."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(convert_charrefs=True)
        self.status = answer.status
        self.source = answer.body.decode()
        self.tags: list[tuple[str, Mapping[str, str]]] = []
        self.links: list[str] = []
        self.forms: list[Form] = []
        self._words: list[str] = []
        self.feed(self.source)
        self.close()

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._words).split())

    def form(self, action: str, button: str = "") -> Form:
        """The first form that goes there, and has this among its buttons."""
        return next(each for each in self.forms if each.action == action and (not button or button in each.buttons))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append((tag, given))
        if tag == "a":
            self.links.append(given.get("href", ""))
        elif tag == "form":
            self.forms.append(Form(given.get("action", "")))
        elif self.forms:
            self.forms[-1].meet(tag, given)

    def handle_data(self, data: str) -> None:
        self._words.append(data)
        if self.forms:
            self.forms[-1].hear(self.tags[-1][0] if self.tags else "", data)


class Form:
    """Its fields as a browser would send them, and the words on its buttons."""

    def __init__(self, action: str) -> None:
        self.action = action
        self.fields: dict[str, str] = {}
        self.buttons: list[str] = []
        self._select = self._area = ""

    def meet(self, tag: str, given: Mapping[str, str]) -> None:
        match tag:
            case "input":
                self.fields.setdefault(given["name"], given.get("value", ""))
            case "select":
                self._select = given["name"]
            case "option" if self._select and ("selected" in given or self._select not in self.fields):
                self.fields[self._select] = given.get("value", "")
            case "textarea":
                self._area = given["name"]
                self.fields[self._area] = ""
            case _:
                self._area = ""

    def hear(self, tag: str, data: str) -> None:
        if tag == "button" and data.strip():
            self.buttons.append(data.strip())
        elif tag == "textarea" and self._area:
            self.fields[self._area] += data.removeprefix("\n")
            self._area = ""


class Visit:
    """Somebody who is signed in, in a browser of their own."""

    def __init__(self, house: Dashboard, token: str) -> None:
        self._house = house
        self.browser = Browser(house.app, "hub.example")
        self.browser.cookies[PLAIN] = token
        self.token = token

    def get(self, path: str, **headers: str) -> Page:
        return Page(self.answer(path, **headers))

    def answer(self, path: str, **headers: str) -> Answer:
        return self._house.run(self.browser.get(path, **headers))

    def post(self, path: str, fields: Mapping[str, str]) -> Answer:
        return self._house.run(self.browser.post(path, fields))

    def send(self, form: Form, **typed: str) -> Answer:
        return self.post(form.action, {**form.fields, **typed})


class Dashboard:
    """`time` is what its clock shows; `woken` counts how often the worker was told of something."""

    def __init__(self, folder: Path) -> None:
        self.time = NOON
        self.woken = 0
        self.hub = assemble(read_hub_settings({"AI_CRM_DATA": str(folder)}), self)
        self.web = Hub(api=doors(self.hub, self._wake), sessions=self.hub.sessions)
        self.app = self.web.app
        self.app.state.clock, self.app.state.keys = self, self.hub.keys
        self._numbers = itertools.count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.hub.close()

    def now(self) -> datetime:
        return self.time

    def run(self, work: Awaitable[T]) -> T:
        async def done() -> T:
            return await work

        return asyncio.run(done())

    def visit(self, role: Role = Role.MEMBER, name: str = "ann", workspace: str = "default") -> Visit:
        principal = Principal(name=name, workspace=workspace, role=role)
        visitor = Visitor(principal=principal, platform=PlatformName.HUB, id=name, name=name)
        return Visit(self, self.run(self.hub.sessions.begin(visitor, self.time)))

    def say(self, text: str, name: str = "ann", workspace: str = "default") -> Reply:
        """What a bot would answer; a minute later."""
        self.time += timedelta(minutes=1)
        principal = Principal(name=name, workspace=workspace, role=Role.OPERATOR)
        who = Asker(principal=principal, platform=PlatformName.HUB, id=name, name=name)
        desk = command_desk(self.hub, self._wake)
        return self.run(answer(text, who, desk, f"{next(self._numbers):032x}"))

    def api(self, path: str, role: Role = Role.OPERATOR) -> Any:
        key = self.run(self.hub.keys.create("default", "program", role, None, self.time))
        return self.run(call(self.app, "GET", f"/api/v1{path}", bearer(key))).json()

    def event(self, decision: Decision | None = None, number: int = 1, connection: str = "gh-1") -> str:
        """An event that was decided about, or given up where no decision is given; its id. A decision is made its own."""
        body = b"%d" % number
        event = event_id("issues", body)
        self.run(self._received(event, body, connection, decision))
        return event

    def carry_out(self, key: ChangeKey, setback: Setback | None = None) -> None:
        """One change is done, or given up with this reason."""
        self.run(self._carried_out(key, setback))

    async def _received(self, event: str, body: bytes, connection: str, decision: Decision | None) -> None:
        inbox = self.hub.inbox
        delivery = Delivery(
            id=event,
            workspace="default",
            connection=connection,
            platform=PlatformName.GITHUB,
            name="issues",
            vendor_id=event[:12],
            lane=event,
            headers={"x-github-event": "issues"},
            body=body,
            received_at=self.time,
        )
        await inbox.accept(delivery)
        (held,) = await inbox.take("test", self.time, 1)
        if decision is None:
            reason = Setback(reason="rules_invalid", detail="ai-crm.yml:2:1: the file has no key wat")
            await inbox.bury(held.lease, reason, self.time)
        else:
            own = msgspec.structs.replace(decision, event=event)
            await inbox.decide(held.lease, (own,), self.time)

    async def _carried_out(self, key: ChangeKey, setback: Setback | None) -> None:
        outbox = self.hub.desk.outbox
        for held in await outbox.take("test", self.time, 10):
            if held.change.key != key:
                continue
            if setback:
                await outbox.bury(held.lease, setback, self.time)
            else:
                applied = Applied(key=key, outcome=Outcome.DONE)
                await outbox.settle(held.lease, held.change, applied, self.time)

    def _wake(self) -> None:
        self.woken += 1
