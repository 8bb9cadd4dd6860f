"""What people see of a hub in a browser, and that it is what bots and API say; on the doors and the database of a process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response

from ai_crm import resources
from ai_crm.cards import text as text_face
from ai_crm.hub.dashboard.form import Fields, listed
from ai_crm.hub.dashboard.render import took
from ai_crm.hub.routes import Signed, route
from ai_crm.model.access import MAY, Permission, Role
from ai_crm.model.decision import Decision, Finding, Verdict
from ai_crm.model.delivery import Setback
from ai_crm.model.task import RuleId
from ai_crm.rules.explain import explain
from tests.doubles.dashboard import Dashboard, Page, Visit
from tests.doubles.decisions import Decisions
from tests.doubles.hub_parts import Hub, call

DECISIONS = Decisions()
REFUSED = Setback(reason="unsupported", detail="there are no credentials for Slack")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Dashboard]:
    with Dashboard(tmp_path) as made:
        yield made


@pytest.fixture
def ann(house: Dashboard) -> Visit:
    return house.visit()


def decided(title: str = "Fix the login") -> Decision:
    """A decision with a rule that matched, one that missed, and one that was not asked."""
    found = Finding(condition="labels.contains", satisfied=False, wanted="security", seen="bug, ui")
    inner = Finding(condition="any", satisfied=True, wanted="one of two", seen="1 of 2", within=(found,))
    decision = DECISIONS.opened("e", "triage")
    create = msgspec.structs.replace(decision.changes[0], title=title)
    return msgspec.structs.replace(
        decision,
        changes=(create, *decision.changes[1:]),
        verdicts=(
            Verdict(rule=RuleId("other"), matched=False, findings=(found,), line=9),
            Verdict(rule=RuleId("triage"), matched=True, findings=(inner,), line=2),
            Verdict(rule=RuleId("asleep"), matched=False, findings=(), note="its trigger is another one"),
        ),
    )


# The same facts everywhere


def test_the_figures_of_the_first_page_are_those_of_the_api_and_of_the_bots(house: Dashboard, ann: Visit) -> None:
    house.event(decided())
    house.event(number=2)
    house.say('task create "Write the guide" --assign ann')
    house.say("task done AICRM-1")
    house.time += timedelta(minutes=1)

    told = house.api("/analytics/report")
    bot = "\n".join(text_face.render(card) for card in house.say("status dashboard").cards)
    page = ann.get("/").text

    assert (told["total_events"], told["tasks_open"], told["tasks_created"], told["tasks_done"]) == (2, 1, 2, 1)
    for count, words in (("total_events", "events"), ("tasks_open", "tasks open"), ("tasks_done", "done")):
        assert f"{told[count]} {words}" in page
    assert f"{told['success_rate'] * 100:.0f} % without a failure" in page
    assert re.search(rf"Without a failure\s+{told['success_rate'] * 100:.0f} %", bot)
    for one in told["top_workflows"]:
        assert one["rule"] in page
        assert one["rule"] in bot
    assert "1 given up" in page


def test_what_is_yours_stands_on_the_first_page_and_what_nobody_may_show_you_does_not(house: Dashboard) -> None:
    house.say('task create "Write the guide" --assign ann')
    house.say('task create "Not of ann" --assign bob')
    house.say("watch AICRM-2")
    mine = house.visit().get("/").text
    assert "AICRM-1 Write the guide" in mine
    assert "Watched by you AICRM-2 Not of ann" in mine
    assert "Connections There are no connections yet." in mine

    action = house.visit(Role.ACTION).get("/")
    assert "AICRM-1 Write the guide" in action.text
    assert "last 24 hours" not in action.text
    assert "Connections" not in action.text
    assert not any(link.startswith(("/events", "/agents?", "/analyse", "/connections")) for link in action.links)


def test_a_button_for_what_somebody_may_not_do_is_not_there(house: Dashboard) -> None:
    house.event(decided())
    dead = house.event(number=2)
    for role in Role:
        visit, may = house.visit(role), MAY[role]
        task = visit.get("/tasks/AICRM-1")
        actions = {form.action for form in task.forms}
        assert ("/tasks/AICRM-1" in actions) == (Permission.TASKS_WRITE in may)
        assert ("/tasks/AICRM-1/comments" in actions) == (Permission.TASKS_WRITE in may)
        pressed = {form.fields.get("verb") for form in task.forms}
        assert ("set_status" in pressed) == (Permission.TASKS_WRITE in may)
        assert ("/tasks/new" in visit.get("/tasks").links) == (Permission.TASKS_WRITE in may)
        if Permission.EVENTS_READ in may:
            sends = any(form.action.endswith("/send-on") for form in visit.get(f"/events/{dead}").forms)
            assert sends == (Permission.EVENTS_REPLAY in may)


# Tasks


def test_tasks_of_all_platforms_stand_in_one_list_that_the_query_language_narrows(house: Dashboard, ann: Visit) -> None:
    house.event(decided("It crashes"))
    house.say('task create "Write the guide" --agent docs-architect --due today')
    both = ann.get("/tasks")
    assert "2 tasks" in both.text
    assert re.search(r"AICRM-2 Write the guide .* hub .*AICRM-1 It crashes .* github", both.text)

    found = ann.get("/tasks?q=status:open%20crashes")
    assert "1 task AICRM-1" in found.text
    assert found.form("/tasks").fields["q"] == "status:open crashes"
    agent = next(link for link in both.links if "docs-architect" in link)
    assert "AICRM-2" in ann.get(agent).text
    assert "No task is like that" in ann.get("/tasks?q=due:overdue").text


def test_a_search_that_is_not_understood_is_there_again_with_what_was_meant(ann: Visit) -> None:
    page = ann.get("/tasks?q=staus:open%20%22a%20b%22")
    assert page.status == 422
    assert page.form("/tasks").fields["q"] == 'staus:open "a b"'
    assert 'Did you mean "status:"?' in page.text
    assert ann.get("/tasks?cursor=mine").status == 422


def test_every_quick_search_is_understood_and_pages_follow_each_other(house: Dashboard) -> None:
    for number in range(51):
        house.say(f'task create "Task number {number}" --assign ann')
    ann = house.visit()
    first = ann.get("/tasks?q=status:open")
    quick = [link for link in first.links if link.startswith("/tasks?q=")]
    assert len(quick) >= 10
    for link in quick:
        assert ann.get(link).status == 200, link
    following = next(link for link in first.links if "cursor=" in link)
    second = ann.get(following)
    seen = {task for page in (first, second) for task in re.findall(r"AICRM-\d+", page.text)}
    assert seen == {f"AICRM-{number}" for number in range(1, 52)}
    assert not any("cursor=" in link for link in second.links)


def test_a_task_shows_what_it_is_what_was_written_and_why_it_is_so(house: Dashboard, ann: Visit) -> None:
    event = house.event(decided())
    house.say("task start AICRM-1", "bob")
    house.say('task comment AICRM-1 "Needs a second pair of eyes"', "bob")
    page = ann.get("/tasks/AICRM-1")
    for words in ("security-auditor", "octocat", "bug, auth", "In progress", "Needs a second pair of eyes"):
        assert words in page.text
    assert re.search(
        r"bob 2026-11-24 12:01 status: todo → in-progress asked for by bob Why octocat .*created", page.text
    )
    assert f"/events/{event}" in page.links
    asked = next(link for link in page.links if link.startswith("/events/") and link != f"/events/{event}")
    assert "Somebody asked for it directly: no rule was asked." in ann.get(asked).text


def test_what_is_changed_in_the_form_becomes_a_change_and_nothing_else(house: Dashboard, ann: Visit) -> None:
    house.say('task create "Fix it" --assign bob --label ui --due 2026-12-01')
    form = ann.get("/tasks/AICRM-1").form("/tasks/AICRM-1")
    assert (form.fields["title"], form.fields["assignees"], form.fields["due"]) == ("Fix it", "bob", "2026-12-01")

    saved = ann.send(form, status="in-review", assignees="@me, bob", due="")

    assert (saved.status, saved.headers["location"]) == (303, "/tasks/AICRM-1")
    task = house.api("/tasks/AICRM-1")
    assert (task["status"], task["assignees"], task["due"]) == ("in-review", ["ann", "bob"], None)
    changes = [step["what"] for step in house.api("/tasks/AICRM-1/history")["history"]]
    assert sorted(what.partition(":")[0] for what in changes) == ["assignees", "created", "due", "status"]
    assert house.woken == 2


def test_a_form_that_somebody_overtook_changes_nothing_says_what_happened_and_keeps_what_was_typed(
    house: Dashboard, ann: Visit
) -> None:
    house.say("task create Fix it")
    form = ann.get("/tasks/AICRM-1").form("/tasks/AICRM-1")
    house.say("task update AICRM-1 --priority urgent --title Quickly", "bob")

    stale = Page(ann.send(form, status="done", labels="mine"))

    assert stale.status == 422
    assert house.api("/tasks/AICRM-1")["status"] == "todo"
    assert "was changed meanwhile, so nothing was done" in stale.text
    assert "title: Fix it → Quickly (asked for by bob)" in stale.text
    again = stale.form("/tasks/AICRM-1")
    shown = {name: again.fields[name] for name in ("status", "labels", "title", "priority")}
    assert shown == {"status": "done", "labels": "mine", "title": "Quickly", "priority": "URGENT"}
    assert ann.send(again).status == 303
    task = house.api("/tasks/AICRM-1")
    assert (task["status"], task["title"], task["priority"]) == ("done", "Quickly", "URGENT")


def test_what_a_task_cannot_have_is_refused_beside_what_was_typed(house: Dashboard, ann: Visit) -> None:
    house.say("task create Fix it")
    refused = (
        ({"agent": "security-auditr"}, 'Did you mean "security-auditor"?'),
        ({"title": " "}, "a task needs a title"),
        ({"due": "2026-13-01"}, "is no day"),
        ({"assignees": "who is that?"}, "is no login"),
        ({"priority": "ASAP"}, "there is no priority"),
        ({"status": "finished"}, "status: is not"),
        ({"version": "now"}, "which version"),
    )
    for typed, said in refused:
        page = Page(ann.send(ann.get("/tasks/AICRM-1").form("/tasks/AICRM-1"), labels="mine", **typed))
        assert page.status == 422, typed
        assert said in page.text
        assert page.form("/tasks/AICRM-1").fields["labels"] == "mine"
    assert house.api("/tasks/AICRM-1")["labels"] == []


def test_no_comment_makes_a_page_too_large_to_open(house: Dashboard, ann: Visit) -> None:
    house.say('task create "Fix it"')
    form = ann.get("/tasks/AICRM-1").form("/tasks/AICRM-1/comments")
    refused = Page(ann.send(form, text="x" * 20_001))
    assert (refused.status, "20,000" in refused.text, "x" * 20_001 in refused.source) == (422, True, True)
    for number in range(102):
        house.say(f'task comment AICRM-1 "comment no {number}."')
    page = house.visit().get("/tasks/AICRM-1").text
    assert "comment no 1." not in page
    assert "2 earlier ones" in page
    assert "comment no 2." in page
    assert "comment no 101." in page


def test_a_label_with_a_comma_stays_one_when_another_is_added(house: Dashboard, ann: Visit) -> None:
    house.say('task create "Fix it" --label "area, core" --label ui')
    form = ann.get("/tasks/AICRM-1").form("/tasks/AICRM-1")
    assert form.fields["labels"] == '"area, core", ui'
    ann.send(form, labels=f"{form.fields['labels']}, bug")
    assert house.api("/tasks/AICRM-1")["labels"] == ["area, core", "ui", "bug"]


@given(st.lists(st.text(st.sampled_from('a", é'), min_size=1).map(str.strip).filter(bool)))
def test_what_a_form_lists_is_read_as_the_same_again(parts: list[str]) -> None:
    assert Fields({"labels": listed(parts)}).many("labels") == tuple(parts)


def test_what_was_typed_while_the_session_ended_is_sent_again_after_signing_in(house: Dashboard, ann: Visit) -> None:
    house.say('task create "Fix it"')
    form = ann.get("/tasks/AICRM-1").form("/tasks/AICRM-1/comments")
    house.time += timedelta(minutes=31)
    said = 'Line one\n\n<b>"two"</b> \N{ZERO WIDTH JOINER}'
    over = Page(ann.send(form, text=said))
    assert over.status == 401
    assert "/sign-in" in over.links
    again = over.form("/tasks/AICRM-1/comments", "Send it again")
    assert again.fields == {**form.fields, "text": said}
    assert ann.send(again).status == 401

    ann.browser.cookies = house.visit().browser.cookies
    assert ann.send(again).status == 303
    assert ann.send(again).status == 303
    assert [each["text"] for each in house.api("/tasks/AICRM-1/comments")["comments"]] == [said.strip()]


def test_a_comment_is_written_once_however_often_its_form_is_sent(house: Dashboard, ann: Visit) -> None:
    house.say("task create Fix it")
    form = ann.get("/tasks/AICRM-1").form("/tasks/AICRM-1/comments")
    answers = [ann.send(form, text="Seen on Firefox,\r\ntoo") for _ in range(2)]
    assert [answer.status for answer in answers] == [303, 303]
    assert [one["text"] for one in house.api("/tasks/AICRM-1/comments")["comments"]] == ["Seen on Firefox,\ntoo"]
    assert Page(ann.send(form, text="  ")).status == 422
    assert ann.send(form, text="Another").status == 303
    assert len(house.api("/tasks/AICRM-1/comments")["comments"]) == 2


def test_a_new_task_is_made_once_and_what_is_left_out_is_what_the_analysis_finds(house: Dashboard, ann: Visit) -> None:
    form = ann.get("/tasks/new").form("/tasks/new")
    typed = {
        "title": "Fix the login that leaks passwords",
        "impact": "high",
        "urgency": "high",
        "labels": "a, b",
        "do": "create",
    }
    twice = [ann.send(form, **typed) for _ in range(2)]
    assert [answer.headers["location"] for answer in twice] == ["/tasks/AICRM-1"] * 2
    task = house.api("/tasks/AICRM-1")
    assert (task["priority"], task["labels"]) == ("URGENT", ["a", "b"])
    assert not task["agent"]["assigned"]
    assert ann.send(form, **typed | {"title": "Another one"}).headers["location"] == "/tasks/AICRM-2"


def test_the_analysis_can_be_seen_first_and_nothing_that_was_typed_is_lost(house: Dashboard, ann: Visit) -> None:
    form = ann.get("/tasks/new").form("/tasks/new")
    typed = {
        "title": "Build recommendation engine with ML",
        "description": "a\n\nb",
        "priority": "LOW",
        "due": "2026-12-01",
    }
    page = Page(ann.send(form, **typed, do="analyse"))
    assert page.status == 200
    assert "Recommended Agent: ml-engineer" in page.text
    assert "% sure" in page.text
    shown = page.form("/tasks/new").fields
    assert {name: shown[name] for name in typed} == typed
    assert house.api("/tasks")["total"] == 0

    wrong = Page(ann.send(form, **typed | {"impact": "high", "priority": "", "do": "create"}))
    assert "Choose both, or neither" in wrong.text
    assert wrong.form("/tasks/new").fields["description"] == "a\n\nb"


# Events


def test_an_event_tells_each_step_and_every_reason_in_the_words_of_explain(house: Dashboard, ann: Visit) -> None:
    event = house.event(decided())
    house.carry_out(DECISIONS.card("e").key)
    page = ann.get(f"/events/{event}")
    (record,) = house.api(f"/events/{event}/decisions")["decisions"]
    told = explain(msgspec.convert(record["decision"], Decision))
    for line in filter(None, told.splitlines()):
        sign = re.compile(r'^\s*[✓✗?→!]\s*|^rule |"')
        words = sign.sub("", sign.sub("", line)).replace("_", " ").strip()
        for part in re.split(r"[:()]\s*", words):
            assert part.strip().lower() in page.text.replace("_", " ").lower(), line
    assert "Received Stored 2026-11-24 12:00" in page.text
    assert "showed the card on issue 12" in page.text
    assert "would tell slack #triage" in page.text
    assert page.source.index(">triage<") < page.source.index(">other<") < page.source.index(">asleep<")


def test_what_was_given_up_says_why_and_is_sent_on(house: Dashboard) -> None:
    event = house.event(decided())
    dead = house.event(number=2)
    for change in (DECISIONS.card("e"), DECISIONS.labels("triage"), DECISIONS.comment("triage")):
        house.carry_out(change.key)
    house.carry_out(DECISIONS.notify("triage").key, REFUSED)
    boss = house.visit(Role.OPERATOR)
    listed = boss.get("/events?state=dead")
    assert "there are no credentials for Slack" in listed.text
    assert "the file has no key wat" in listed.text

    sent = boss.send(boss.get(f"/events/{event}").form(f"/events/{event}/send-on"))
    assert (sent.status, sent.headers["location"]) == (303, f"/events/{event}")
    assert house.api(f"/events/{event}")["stages"][-1]["outcome"] == "waiting"
    again = boss.send(boss.get(f"/events/{dead}").form(f"/events/{dead}/send-on"), anew="yes")
    assert again.headers["location"] == f"/events/{dead}"
    assert house.api(f"/events/{dead}")["state"] == "queued"
    assert house.api("/dead-letters")["letters"] == []
    assert house.woken == 2
    assert boss.post(f"/events/{dead}/send-on", {"letter": f"delivery:{dead}"}).status == 404


def test_events_are_listed_by_state_and_another_word_is_none(house: Dashboard, ann: Visit) -> None:
    event = house.event(decided())
    assert f"/events/{event}" in ann.get("/events?state=done").links
    assert "No event is like that." in ann.get("/events?state=queued").text
    assert ann.get("/events?state=lost").status == 422


# Asking


def test_the_line_of_commands_is_answered_as_a_bot_answers(house: Dashboard, ann: Visit) -> None:
    form = ann.get("/").form("/do")
    made = Page(ann.send(form, say='task create "Implement user auth" --agent security-auditor'))
    assert "AICRM-1 is there: Implement user auth" in made.text
    assert Page(ann.send(form, say='task create "Implement user auth" --agent security-auditor')).status == 200
    assert house.api("/tasks")["total"] == 1
    wrong = Page(ann.send(form, say="tsk lits"))
    assert wrong.status == 422
    assert 'Did you mean "task list"?' in wrong.text
    assert wrong.form("/do").fields["say"] == "tsk lits"
    assert "What you can ask for" in ann.get("/do").text
    assert "Nothing" not in Page(ann.send(form, say="my tasks")).text


def test_a_button_is_pressed_and_taken_back_again(house: Dashboard, ann: Visit) -> None:
    house.say("task create Fix it")
    done = Page(ann.send(ann.get("/tasks/AICRM-1").form("/press", "Done")))
    assert "AICRM-1: status: todo → done" in done.text
    back = Page(ann.send(done.form("/press", "Undo")))
    assert back.status == 200
    assert house.api("/tasks/AICRM-1")["status"] == "todo"
    seen = Page(ann.send(ann.get("/tasks/AICRM-1").form("/press", "Watch")))
    assert "You watch AICRM-1 now" in seen.text


def test_a_viewer_hears_no_when_they_ask_for_what_they_may_not(house: Dashboard) -> None:
    viewer = house.visit(Role.VIEWER)
    page = Page(viewer.send(viewer.get("/").form("/do"), say="task create Mine"))
    assert (page.status, "Not allowed" in page.text) == (422, True)
    assert house.api("/tasks")["total"] == 0
    pressed = Page(viewer.post("/press", {"verb": "set_status", "data.task": "AICRM-1", "data.status": "done"}))
    assert "Not allowed" in pressed.text


def test_agents_analyses_and_connections_have_pages_of_their_own(ann: Visit) -> None:
    assert "59 agents" in ann.get("/agents").text
    languages = ann.get("/agents?category=languages")
    assert "rust-expert" in languages.text or "python" in languages.text
    assert "security-auditor" not in languages.text
    assert 'Did you mean "languages"?' in ann.get("/agents?category=langages").text
    form = ann.get("/analyse").form("/analyse")
    analysed = Page(ann.send(form, title="Build recommendation engine with ML"))
    assert "ml-engineer" in analysed.text
    assert analysed.form("/analyse").fields["title"] == "Build recommendation engine with ML"
    assert Page(ann.send(analysed.form("/press", "Create Task"))).text.count("AICRM-1") >= 1
    assert Page(ann.send(form, title=" ")).status == 422
    assert "There are no connections yet." in ann.get("/connections").text


# When something is wrong


def test_what_is_not_there_is_told_as_a_page_to_people_and_as_a_document_to_programs(
    house: Dashboard, ann: Visit
) -> None:
    page = ann.get("/tasks/AICRM-99")
    assert page.status == 404
    assert "There is nothing here there is no such task" in page.text
    assert "/tasks?q=status:open" in page.links
    assert ann.get("/events/nothing").status == 404
    nowhere = ann.answer("/nowhere", accept="text/html,*/*")
    assert (nowhere.status, nowhere.headers["content-type"]) == (404, "text/html; charset=utf-8")
    for path in ("/api/v1/nowhere", "/webhooks/nowhere"):
        assert ann.answer(path, accept="text/html").headers["content-type"] == "application/problem+json"
    assert ann.answer("/nowhere", accept="application/json").headers["content-type"] == "application/problem+json"
    viewer = house.visit(Role.VIEWER).get("/tasks/new")
    assert (viewer.status, "Not allowed" in viewer.text) == (403, True)
    assert "/tasks?q=status:open" in viewer.links


def test_what_an_address_takes_is_told_completely(house: Dashboard) -> None:
    for path, allowed in (("/tasks/AICRM-1", "GET, HEAD, POST"), ("/press", "POST"), ("/", "GET, HEAD")):
        answer = house.run(call(house.app, "PUT", path))
        assert (answer.status, answer.headers["allow"]) == (405, allowed)
    assert house.run(call(house.app, "PUT", "/api/v1/tasks/AICRM-1")).headers["allow"] == "GET, HEAD, PATCH"


def test_a_fault_of_ours_is_a_page_that_tells_nothing_of_it(house: Dashboard, ann: Visit) -> None:
    async def broken(_request: Request) -> Response:
        raise RuntimeError("a secret")

    house.app = Hub(api=(route("/", broken, ("GET",), Signed()),), sessions=house.hub.sessions).app
    house.app.state.clock = house
    answer = house.run(call(house.app, "GET", "/", (("cookie", f"ai-crm={ann.token}"),)))
    page = Page(answer)
    assert (page.status, "Something broke" in page.text, "secret" in page.text) == (500, True, False)
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_other_kinds_of_forms_are_not_taken(house: Dashboard, ann: Visit) -> None:
    cookie = ("cookie", f"ai-crm={ann.token}")
    for content_type, status in (("application/json", 415), ("multipart/form-data; boundary=x", 415)):
        headers = (cookie, ("sec-fetch-site", "same-origin"), ("content-type", content_type))
        assert house.run(call(house.app, "POST", "/do", headers, b"say=help")).status == status
    many = {f"field{number}": "x" for number in range(61)}
    assert ann.post("/do", many).status == 400


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    raw=st.one_of(st.binary(max_size=60), st.text(max_size=40).map(lambda text: f"say={text}".encode(errors="replace")))
)
def test_whatever_is_typed_gets_an_answer(house: Dashboard, ann: Visit, raw: bytes) -> None:
    headers = (
        ("cookie", f"ai-crm={ann.token}"),
        ("sec-fetch-site", "same-origin"),
        ("content-type", "application/x-www-form-urlencoded"),
    )
    for path in ("/do", "/press", "/tasks/new", "/analyse"):
        assert house.run(call(house.app, "POST", path, headers, raw)).status in {200, 303, 400, 422}


# How pages are made


def test_the_style_is_small_kept_by_browsers_and_asked_for_once(house: Dashboard, ann: Visit) -> None:
    (link,) = re.findall(r'<link rel="stylesheet" href="([^"]+)">', ann.get("/").source)
    found = ann.answer(link)
    assert found.headers["content-type"].startswith("text/css")
    assert "immutable" in found.headers["cache-control"]
    assert len(found.body) < 12_000
    assert found.body == resources.read("templates", "pages", "style.css")
    assert ann.answer(link, if_none_match=found.headers["etag"]).status == 304
    assert house.run(call(house.app, "GET", link)).status == 200


def every_page(house: Dashboard, visit: Visit) -> Iterator[tuple[str, Page]]:
    """Everything that links lead to from the first page on, each address once."""
    house.event(decided())
    house.event(number=2)
    house.carry_out(DECISIONS.card("e").key)
    house.say('task create "Write the guide" --assign ann --description "a\n\nb" --label ui --due today')
    house.say('task comment AICRM-2 "Look"')
    waiting, seen = ["/", "/do", "/sign-in"], set[str]()
    while waiting:
        path = waiting.pop()
        if path in seen or path.startswith(("#", "https://")):
            continue
        seen.add(path)
        page = visit.get(path)
        yield path, page
        waiting += page.links


def test_every_link_leads_somewhere_and_no_page_needs_a_script(house: Dashboard) -> None:
    seen = 0
    for path, page in every_page(house, house.visit(Role.OPERATOR)):
        seen += 1
        assert page.status == 200, path
        attributes = {name for _, given in page.tags for name in given}
        assert not [name for name in attributes if name.startswith("on") or name == "style"], path
        assert not {tag for tag, _ in page.tags} & {"script", "style", "iframe", "object", "base"}, path
    assert seen > 30


def test_a_bar_says_of_what_it_is(house: Dashboard, ann: Visit) -> None:
    house.event(decided())
    house.time += timedelta(minutes=1)
    bars = [given["aria-label"] for tag, given in ann.get("/").tags if tag == "meter"]
    assert set(bars) == {"triage", "github"}


def test_every_page_can_be_read_aloud_and_used_with_keys_alone(house: Dashboard) -> None:
    for path, page in every_page(house, house.visit(Role.OPERATOR)):
        tags = page.tags
        assert ("html", {"lang": "en"}) in tags, path
        assert [tag for tag, _ in tags].count("h1") == 1, path
        assert re.search(r"<title>[^<]+ · AI-CRM</title>", page.source), path
        assert "#main" in page.links
        assert ("main", "main") in {(tag, given.get("id", "")) for tag, given in tags}
        ids = [given["id"] for _, given in tags if "id" in given]
        assert len(ids) == len(set(ids)), path
        labelled = {given["for"] for tag, given in tags if tag == "label"}
        named = [
            given.get("id", "")
            for tag, given in tags
            if tag in {"input", "select", "textarea"} and given.get("type") != "hidden"
        ]
        assert set(named) <= labelled, path
        described = {given["aria-describedby"] for _, given in tags if "aria-describedby" in given}
        assert described <= set(ids), path
        assert not [given for _, given in tags if int(given.get("tabindex", "0")) > 0], path


@pytest.mark.parametrize(
    ("ms", "words"), [(0, "0 ms"), (999, "999 ms"), (1_500, "1.5 s"), (600_000, "10 min"), (9_000_000, "2.5 h")]
)
def test_times_are_told_in_the_unit_that_people_would_choose(ms: int, words: str) -> None:
    assert took(ms) == words


def test_nothing_of_another_workspace_is_found(house: Dashboard) -> None:
    event = house.event(decided())
    stranger = house.visit(Role.OPERATOR, workspace="other")
    for path in ("/tasks/AICRM-1", f"/events/{event}"):
        assert stranger.get(path).status == 404
    for path in ("/", "/tasks", "/events", "/events?state=dead"):
        assert "Fix the login" not in stranger.get(path).text
        assert event not in stranger.get(path).source
    dead = house.event(number=2)
    assert stranger.post(f"/events/{dead}/send-on", {"letter": f"delivery:{dead}"}).status == 404
    assert house.api(f"/events/{dead}")["state"] == "dead"


def test_broken_rules_of_the_hub_are_told_where_agents_are_needed_and_nowhere_else(
    house: Dashboard, ann: Visit, tmp_path: Path
) -> None:
    house.say("task create Fix it")
    rules = tmp_path / "rules" / "default"
    rules.mkdir(parents=True)
    (rules / "broken.yml").write_text("version: 1\nwat: 3\n")
    for path in ("/agents", "/agents?category=languages"):
        page = ann.get(path)
        assert (page.status, "the hub's own rules are broken" in page.text) == (422, True)
    for path in ("/", "/tasks", "/tasks/AICRM-1", "/tasks/new"):
        assert ann.get(path).status == 200
    refused = Page(ann.send(ann.get("/tasks/new").form("/tasks/new"), title="Kept", do="create"))
    assert "the hub's own rules are broken" in refused.text
    assert refused.form("/tasks/new").fields["title"] == "Kept"
