"""The pages in Chromium: nothing that a stranger wrote comes alive, everything fits a phone, can be read and needs no script."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from ai_crm.commands.command import NewTask
from ai_crm.flow.requests import REQUEST
from ai_crm.model.access import Role
from ai_crm.model.change import CreateTask, change_key
from ai_crm.model.decision import Decision, Finding, Skip, Verdict
from ai_crm.model.delivery import Setback
from ai_crm.model.item import ItemKind, ItemRef, PlatformName
from ai_crm.model.record import TaskComment
from ai_crm.model.task import AgentChoice, RuleId, TaskId
from tests.doubles.dashboard import Dashboard
from tests.doubles.decisions import Decisions

pytestmark = [pytest.mark.browser, pytest.mark.node]

HERE = Path(__file__).parent
CORPUS = Path(__file__).parents[2] / "security" / "corpus"
STRINGS = [each for file in sorted(CORPUS.glob("*.json")) for each in json.loads(file.read_text())]
MADE_FOR_PAGES = [
    "<script>alert(1)</script>",
    "</p></article></main><img src=x onerror=alert(2)>",
    '"><svg onload=alert(3)>',
    "' autofocus onfocus=alert(4) x='",
    "</textarea><script>alert(5)</script>",
    "</title><script>alert(6)</script>",
    "<iframe src=javascript:alert(7)>",
    '<form action="https://evil.example"><button>Save</button></form>',
    '<meta http-equiv="refresh" content="0;url=https://evil.example">',
    "<base href=https://evil.example/>",
    "{{ 7 * 191 }}{% raw %}{{ visitor }}",
    "<link rel=stylesheet href=https://evil.example/x.css><style>*{display:none}</style>",
]
DECISIONS = Decisions()
DESK = {"name": "desk", "width": 1280, "scheme": "light"}
PHONE_AT_NIGHT = {"name": "phone", "width": 360, "scheme": "dark"}


class Chromium:
    """Looks at a hub's pages in a real browser, at a real server."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command

    def look(self, house: Dashboard, cookie: str, **asked: Any) -> Any:
        return house.run(self._looked(house, {"cookie": cookie, "says": (), "walk": False, **asked}))

    async def _looked(self, house: Dashboard, asked: Mapping[str, Any]) -> Any:
        async with house.web.served() as port:
            program = await asyncio.create_subprocess_exec(
                *self._command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
            )
            sent = json.dumps({"url": f"http://127.0.0.1:{port}", **asked}).encode()
            told, _ = await asyncio.wait_for(program.communicate(sent), 110)
            assert program.returncode == 0
            return json.loads(told)


@pytest.fixture
def chrome(node: str, node_modules: Path, chromium: str, tmp_path: Path) -> Chromium:
    shots = tmp_path / "shots"
    shots.mkdir()
    return Chromium((node, str(HERE / "pages.cjs"), str(node_modules), chromium, str(shots)))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Dashboard]:
    (tmp_path / "data").mkdir()
    with Dashboard(tmp_path / "data") as made:
        yield made


def hostile_decision(words: str, number: int) -> Decision:
    """A stranger's words wherever a decision can have them."""
    item = ItemRef(PlatformName.GITHUB, words, ItemKind.ISSUE, f"{number} {words}")
    rule = RuleId(words)
    finding = Finding(condition=words, satisfied=False, wanted=words, seen=words)
    outer = msgspec.structs.replace(finding, satisfied=True, within=(finding,))
    create = CreateTask(
        key=change_key(rule, item, "task", ""),
        rule=rule,
        item=item,
        because=words,
        title=words,
        description=words,
        agent=AgentChoice(name=words, assigned=False, because=words, runner_up=words),
        assignees=(words,),
        labels=(words,),
    )
    notify = msgspec.structs.replace(DECISIONS.notify("triage", item, to=words), because=words)
    return msgspec.structs.replace(
        DECISIONS.make("e", create, notify, item=item),
        actor=words,
        names=(words,),
        verdicts=(
            Verdict(rule=rule, matched=True, findings=(outer,)),
            Verdict(rule=rule, matched=False, findings=(finding,), note=words),
        ),
        skips=(Skip(rule=rule, action=words, because=words),),
    )


def storable(words: str) -> str:
    """As a platform's JSON could bring it."""
    return words.encode(errors="replace").decode().replace("\0", "")


def test_nothing_that_a_stranger_wrote_comes_alive_on_any_page(house: Dashboard, chrome: Chromium) -> None:
    """Each string of the corpus in a title, a description and a comment, and some wherever a page shows anything."""
    strings = [storable(each) for each in (*MADE_FOR_PAGES, *STRINGS)]
    visit = house.visit(Role.OPERATOR, name=MADE_FOR_PAGES[1])
    events = [
        house.event(hostile_decision(words, number), number, connection=words)
        for number, words in enumerate(strings[:14])
    ]
    house.carry_out(DECISIONS.notify("triage", _item(events, house)).key, Setback(reason=strings[0], detail=strings[1]))
    rows = house.run(_tasks_of(house, strings))
    for at, words in enumerate(strings):
        comment = TaskComment(id=f"{at:032x}", task=TaskId(rows[at % 3]), at=house.time, actor=words, text=words)
        house.run(house.hub.comment("default", comment))
    paths = [
        "/",
        *(f"/tasks?cursor={cursor}" for cursor in _cursors(house)),
        *(f"/tasks/{row}" for row in (*rows[:3], *rows[-6:])),
        "/events",
        "/events?state=dead",
        *(f"/events/{event}" for event in events),
        *("/tasks?" + _encoded("q", words) for words in MADE_FOR_PAGES),
        *("/agents?" + _encoded("category", words) for words in MADE_FOR_PAGES[:4]),
        *("/tasks/new?" + _encoded("title", words) for words in MADE_FOR_PAGES),
        "/connections",
    ]

    found = chrome.look(house, visit.token, looks=[DESK], paths=paths, says=MADE_FOR_PAGES)

    assert found["alive"] == []
    assert [page for page in found["pages"] if page["live"]] == []
    everything = "\n".join(page["text"] for page in found["pages"])
    assert all(words in everything for words in MADE_FOR_PAGES)
    assert "1337" not in everything


def _item(events: list[str], house: Dashboard) -> ItemRef:
    (record,) = house.run(house.hub.records.decisions_of("default", events[0]))
    return record.decision.item


async def _tasks_of(house: Dashboard, strings: list[str]) -> list[str]:
    """A task for every eight strings, with one in its title and all in its description; their names."""
    made: list[str] = []
    for at in range(0, len(strings), 8):
        some = strings[at : at + 8]
        wanted = NewTask(title=some[0][:250] or "x", description="\n".join(some)[:4_000])
        item = ItemRef(PlatformName.HUB, "default", ItemKind.REQUEST, f"{at:032x}")
        create = CreateTask(
            key=change_key(REQUEST, item, "task", ""),
            rule=REQUEST,
            item=item,
            because="a test",
            title=wanted.title,
            description=wanted.description,
            labels=tuple(each[:50] for each in some),
        )
        commit = await house.hub.store("default").commit(DECISIONS.make(f"{at:032x}", create, item=item), house.time)
        made.append(commit.tasks[0].id)
    return made


def _cursors(house: Dashboard) -> Iterator[str]:
    cursor = ""
    while True:
        yield cursor
        cursor = house.api(f"/tasks?limit=50&cursor={cursor}")["next"]
        if not cursor:
            return


def _encoded(name: str, words: str) -> str:
    return urlencode({name: words})


def test_every_page_fits_a_phone_can_be_read_by_day_and_night_and_works_without_scripts(
    house: Dashboard, chrome: Chromium
) -> None:
    visit = house.visit(Role.OPERATOR)
    event = house.event(DECISIONS.opened("e", "triage"))
    dead = house.event(number=2)
    house.carry_out(DECISIONS.card("e").key)
    house.say('task create "Write the guide" --assign ann --label ui,docs --due today --priority urgent')
    house.say(f'task create "{"W" * 200}" --assign ann')
    house.say('task comment AICRM-2 "Look"')
    house.say("task block AICRM-2")
    paths = [
        *("/", "/tasks", "/tasks?q=staus:open", "/tasks/AICRM-1", "/tasks/AICRM-2", "/tasks/new", "/events"),
        *("/events?state=dead", f"/events/{event}", f"/events/{dead}", "/agents", "/analyse", "/connections", "/do"),
        *("/tasks/AICRM-99", "/sign-in"),
    ]

    found = chrome.look(
        house, visit.token, looks=[DESK, PHONE_AT_NIGHT], paths=paths, says=["my tasks", "tsk"], walk=True
    )

    assert found["alive"] == []
    assert [(page["path"], page["look"], page["overflow"]) for page in found["pages"] if page["overflow"] > 0] == []
    dim = [(page["path"], page["look"], page["contrast"]) for page in found["pages"] if page["contrast"][0] < 4.5]
    assert dim == []
    made, changed, undone, focus = found["walk"]
    assert "AICRM-4 is there: Walk without scripts" in made
    assert "Done on a train" in changed
    assert "status: todo → in-review" in changed
    assert "2026-12-01" in changed
    assert "status: done → in-review" in undone
    assert focus == "Skip to the content"
