"""What a card says about a task, and what each face makes of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from markdown_it import MarkdownIt

from ai_crm.cards import adaptive, blockkit, elements, markdown, text
from ai_crm.cards.elements import Card, Container, Fact, FactSet, OpenUrl, TextBlock
from ai_crm.cards.task_card import analysis_card, cards_of, task_card
from ai_crm.model.analysis import Analysis
from ai_crm.model.item import ItemKind, ItemRef, PlatformName
from ai_crm.model.task import AgentChoice, HistoryEntry, Task, TaskStatus

A_TASK = Callable[..., Task]


def facts(card: Card) -> dict[str, str]:
    sets = [element for element in card.body if isinstance(element, FactSet)]
    sets += [
        item
        for element in card.body
        if isinstance(element, Container)
        for item in element.items
        if isinstance(item, FactSet)
    ]
    return {fact.title: fact.value for shown in sets for fact in shown.facts}


def test_a_card_says_what_people_ask_about_a_task(a_task: A_TASK) -> None:
    assert facts(task_card(a_task())) == {
        "Agent": "security-auditor (recommended)",
        "Estimate": "8 hours (6 to 12)",
        "Complexity": "MODERATE",
        "Assignees": "octocat",
        "About": "issue 42 in acme/app",
        "Why security-auditor": "best match; 82 % sure",
        "Runner-up": "backend-architect; 40 % sure",
        "Why HIGH": "“authentication” (title), “login” (body); 70 % sure",
        "Why MODERATE": "nothing in the text speaks for another; 60 % sure",
        "Why feature": "“authentication” (title); 80 % sure",
        "Rule": "intake",
    }


def test_what_is_not_known_is_left_out(a_task: A_TASK) -> None:
    bare = a_task(agent=None, analysis=None, assignees=(), description="")
    assert facts(task_card(bare)) == {"About": "issue 42 in acme/app", "Rule": "intake"}


def test_an_assigned_agent_is_no_recommendation(a_task: A_TASK) -> None:
    agent = AgentChoice(name="debugger", assigned=True, because="rule says so")
    assert facts(task_card(a_task(agent=agent)))["Agent"] == "debugger"
    assert facts(task_card(a_task(agent=agent)))["Why debugger"] == "rule says so"


def test_many_assignees_are_counted(a_task: A_TASK) -> None:
    people = tuple(f"p{number}" for number in range(13))
    assert (
        facts(task_card(a_task(assignees=people)))["Assignees"] == "p0, p1, p2, p3, p4, p5, p6, p7, p8, p9 and 3 more"
    )


def test_a_task_without_a_title_still_has_something_to_read(a_task: A_TASK) -> None:
    assert "(no title)" in text.line(task_card(a_task(title="\u200b \n")))


def test_one_hour_is_not_one_hours(a_task: A_TASK, analysis: Analysis) -> None:
    short = msgspec.structs.replace(analysis, effort=msgspec.structs.replace(analysis.effort, hours=1, low=1, high=2))
    assert facts(task_card(a_task(analysis=short)))["Estimate"] == "1 hour (1 to 2)"


def test_the_example_of_the_first_plan_reads_as_it_did_there(analysis: Analysis) -> None:
    card = adaptive.render(analysis_card("Implement user authentication system", analysis))
    title, task, fact_set = card["body"]
    assert title == {"type": "TextBlock", "text": "🤖 AI-CRM Task Analysis", "weight": "bolder", "size": "medium"}
    assert task["inlines"][0]["text"] == "Task: Implement user authentication system"
    assert fact_set["facts"] == [
        {"title": "Complexity:", "value": "MODERATE"},
        {"title": "Estimated Hours:", "value": "8 hours"},
        {"title": "Recommended Agent:", "value": "security-auditor"},
        {"title": "Priority:", "value": "HIGH"},
    ]
    assert [(action["title"], action["fallback"]["data"]) for action in card["actions"]] == [
        ("Create Task", {"action": "create_task"}),
        ("Get More Analysis", {"action": "detailed_analysis"}),
    ]


def test_an_analysis_that_recommends_nobody_names_nobody(analysis: Analysis) -> None:
    card = analysis_card("x", msgspec.structs.replace(analysis, agents=()))
    assert "Recommended Agent:" not in facts(card)


@pytest.mark.parametrize("status", TaskStatus)
def test_every_status_has_buttons_that_lead_to_another_one(a_task: A_TASK, status: TaskStatus) -> None:
    card = task_card(a_task(status=status), answered=True)
    moves = [action for action in card.actions if isinstance(action, elements.Execute)]
    assert moves
    for move in moves:
        assert move.verb == "set_status"
        assert (move.data["task"], move.data["version"]) == ("AICRM-42", "1")
        assert TaskStatus(move.data["status"]) is not status
        assert move.fallback.data == {"verb": "set_status", **move.data}


def test_a_card_that_nobody_listens_to_has_no_buttons_that_need_an_answer(a_task: A_TASK) -> None:
    assert not [action for action in task_card(a_task()).actions if isinstance(action, elements.Execute)]
    assert cards_of((a_task(), a_task()), answered=True)[1] == task_card(a_task(), answered=True)


def test_an_item_of_any_kind_is_named(a_task: A_TASK, item: Any) -> None:
    for kind in ItemKind:
        card = task_card(a_task(item=msgspec.structs.replace(item, kind=kind)))
        assert facts(card)["About"] == f"{kind.value.replace('_', ' ')} 42 in acme/app"


def test_a_task_that_somebody_asked_for_says_who(a_task: A_TASK) -> None:
    asked = ItemRef(PlatformName.HUB, "default", ItemKind.REQUEST, "0" * 32)
    birth = HistoryEntry(at=None, actor="ann", what="created", because="asked for by ann")
    assert facts(task_card(a_task(item=asked, history=(birth,))))["About"] == "asked for by ann"
    assert facts(task_card(a_task(item=asked)))["About"] == "asked for directly"


def test_labels_and_the_day_it_is_due_are_on_the_card(a_task: A_TASK) -> None:
    shown = facts(task_card(a_task(labels=("bug", "ui"), due=date(2026, 12, 31))))
    assert (shown["Labels"], shown["Due"]) == ("bug, ui", "2026-12-31")


def test_a_change_can_be_taken_back_where_somebody_listens(a_task: A_TASK) -> None:
    card = task_card(a_task(), answered=True, undo={"task": "AICRM-42", "version": "2", "back": "{}"})
    undo = next(action for action in card.actions if isinstance(action, elements.Execute) and action.verb == "undo")
    assert undo.fallback.data == {"verb": "undo", **undo.data}


# The declared subset


@pytest.mark.parametrize(
    "broken",
    [
        {"body": [{"type": "Image", "url": "https://x.y"}]},
        {"body": [{"type": "TextBlock", "text": "x", "colour": "good"}]},
        {"body": [{"type": "TextBlock", "text": 1}]},
        {"body": [{"type": "TextBlock", "text": "x", "size": "gigantic"}]},
        {"body": [{"type": "Container", "items": [{"type": "Container", "items": []}]}]},
        {"actions": [{"type": "Action.Submit", "title": "x", "data": {}}]},
        {"actions": [{"type": "Action.OpenUrl", "title": "x", "url": None}]},
        {"version": "1.6"},
        {"body": None},
    ],
    ids=repr,
)
def test_a_card_of_anything_else_is_refused(broken: dict[str, Any]) -> None:
    fine: dict[str, Any] = {"type": "AdaptiveCard", "version": "1.5", "fallbackText": "x", "body": []}
    elements.parse(fine)
    with pytest.raises(msgspec.ValidationError):
        elements.parse({**fine, **broken})


# Faces


def card_with(*body: elements.Element, actions: tuple[elements.Action, ...] = ()) -> Card:
    return Card(version="1.5", fallback_text="a card", body=body, actions=actions)


def strings(node: Any) -> Iterator[str]:
    match node:
        case str():
            yield node
        case dict():
            for value in node.values():
                yield from strings(value)
        case list() | tuple():
            for value in node:
                yield from strings(value)
        case _:
            pass


def test_no_task_makes_a_card_too_large_for_teams(a_task: A_TASK, analysis: Analysis, item: Any) -> None:
    for filler in ("🚀", "<", "@é", "\\", '"'):
        long = filler * 5000
        evidence = tuple(msgspec.structs.replace(one, seen=long, where=long) for one in analysis.urgency.evidence * 10)
        seen = msgspec.structs.replace(analysis, urgency=msgspec.structs.replace(analysis.urgency, evidence=evidence))
        task = a_task(
            title=long,
            rule=long,
            agent=AgentChoice(name=long, assigned=False, because=long, runner_up=long, confidence=1),
            assignees=(long,) * 50,
            analysis=seen,
            item=msgspec.structs.replace(item, id=long, project=long),
        )
        rendered = adaptive.render(task_card(task, answered=True))
        assert len(json.dumps(rendered, ensure_ascii=False).encode("utf-16-le")) <= 28 * 1024
        message = blockkit.render(task_card(task, answered=True))
        assert len(message.blocks) <= 50
        assert max(len(string.encode("utf-16-le")) // 2 for string in strings(list(message.blocks))) <= 1000


def test_teams_gets_shorter_texts_rather_than_too_large_a_card() -> None:
    wordy = card_with(*(TextBlock(text="word " * 200) for _ in range(40)))
    rendered = adaptive.render(wordy)
    assert len(json.dumps(rendered).encode("utf-16-le")) <= 28 * 1024
    assert rendered["body"][0]["text"].endswith("…")


def test_a_card_of_too_many_elements_is_refused_and_not_cut() -> None:
    crowded = card_with(*(TextBlock(text="x") for _ in range(600)))
    with pytest.raises(ValueError, match="28672"):
        adaptive.render(crowded)
    with pytest.raises(ValueError, match="50"):
        blockkit.render(crowded)


def test_slack_gets_more_rows_where_one_would_be_too_long() -> None:
    buttons = tuple(OpenUrl(title=f"b{number}", url=f"https://x.y/{number}") for number in range(30))
    folded = Container(is_visible=False, items=(FactSet(facts=tuple(Fact(f"t{number}", "v") for number in range(13))),))
    kinds = [
        (block["type"], len(block["elements"])) for block in blockkit.render(card_with(folded, actions=buttons)).blocks
    ]
    assert kinds == [("context", 10), ("context", 3), ("actions", 25), ("actions", 5)]


def test_a_button_with_more_data_than_slack_carries_is_refused_and_not_cut() -> None:
    data = {"task": "x" * 2001}
    button = elements.Execute(title="x", verb="v", data=data, fallback=elements.Submit(title="x", data=data))
    with pytest.raises(ValueError, match="2000"):
        blockkit.render(card_with(actions=(button,)))


def test_slack_counts_an_emoji_as_two() -> None:
    header = blockkit.render(card_with(TextBlock(text="🚀" * 100, size="large", weight="bolder"))).blocks[0]
    assert header["type"] == "header"
    assert header["text"]["text"] == "🚀" * 74 + "…"


def test_a_part_that_is_not_folded_is_shown_like_the_rest() -> None:
    card = card_with(Container(items=(TextBlock(text="inside"), FactSet(facts=(Fact("t", "v"),)))), FactSet(facts=()))
    assert [block["type"] for block in blockkit.render(card).blocks] == ["rich_text", "rich_text"]
    assert markdown.render(card) == "inside\n\n| t |\n| --- |\n| v |"
    assert text.render(card) == "  inside\n  t  v"


def test_a_folded_part_can_hold_words_as_well_as_facts() -> None:
    words = elements.RichTextBlock(inlines=(elements.TextRun(text="a "), elements.TextRun(text="b", weight="bolder")))
    card = card_with(Container(id="x", is_visible=False, items=(TextBlock(text="note"), words)))
    assert markdown.render(card) == "<details><summary>More</summary>\n\n- note\n- a **b**\n\n</details>"
    assert [item["text"] for item in blockkit.render(card).blocks[0]["elements"]] == ["note", "a b"]


@pytest.mark.parametrize(
    "url", ["", "javascript:alert(1)", "data:image/png;base64,AA", "https://a@b.c/x.png", f"https://x.y/{'z' * 3000}"]
)
def test_a_picture_that_nobody_may_be_sent_to_stands_there_in_words(url: str) -> None:
    card = card_with(elements.Image(url=url, alt_text="<!channel> 9 events"))
    (slack,) = blockkit.render(card).blocks
    (teams,) = adaptive.render(card)["body"]
    assert (slack["type"], teams["type"]) == ("rich_text", "TextBlock")
    assert "9 events" in slack["elements"][0]["elements"][0]["text"]
    assert "9 events" in teams["text"]


def test_a_picture_has_words_for_whoever_sees_none() -> None:
    url = "https://x.y/z.png"
    card = card_with(elements.Image(url=url, alt_text="1 event [x](https://evil.example)", size="stretch"))
    (slack,) = blockkit.render(card).blocks
    (teams,) = adaptive.render(card)["body"]
    assert slack == {"type": "image", "image_url": url, "alt_text": "1 event [x](https://evil.example)"}
    assert teams == {"type": "Image", "url": url, "altText": slack["alt_text"], "size": "stretch"}
    assert text.render(card) == slack["alt_text"]
    written = MarkdownIt().render(markdown.render(card))
    assert ("<img" in written, "<a" in written) == (False, False)


def test_the_words_of_a_picture_are_as_long_as_slack_takes_and_never_nothing() -> None:
    for words, length in (("🙂" * 3_000, 2_000), ("", 1)):
        (block,) = blockkit.render(card_with(elements.Image(url="https://x.y/z.png", alt_text=words))).blocks
        assert length - 2 <= len(block["alt_text"].encode("utf-16-le")) // 2 <= length


def test_a_folded_picture_is_its_words() -> None:
    image = elements.Image(url="https://x.y/z.png", alt_text="9 events")
    card = card_with(Container(id="x", is_visible=False, items=(image,)))
    assert [item["text"] for item in blockkit.render(card).blocks[0]["elements"]] == ["9 events"]
    assert "- 9 events" in markdown.render(card)
    assert text.render(card) == "  9 events"


def test_a_run_of_nothing_but_blanks_keeps_its_neighbours_apart() -> None:
    runs = (
        elements.TextRun(text="a"),
        elements.TextRun(text="  "),
        elements.TextRun(text=" b ", weight="bolder"),
        elements.TextRun(text="c"),
    )
    assert markdown.render(card_with(elements.RichTextBlock(inlines=runs))) == "a  **b** c"


def test_a_line_is_one_line_with_the_address_behind_it(a_task: A_TASK) -> None:
    card = task_card(a_task(url="https://hub.example/t/42"))
    assert text.line(card) == "AICRM-42 · HIGH · Todo · Implement user authentication system https://hub.example/t/42"
    assert text.render(card).splitlines()[:3] == [
        "AICRM-42 · Todo · HIGH",
        "Implement user authentication system",
        "Agent       security-auditor (recommended)",
    ]


def test_what_teams_gets_is_described_by_the_published_schema(root: Path, a_task: A_TASK) -> None:
    schema = jsonschema.Draft202012Validator(json.loads((root / "schemas" / "card.schema.json").read_text()))
    rendered = adaptive.render(task_card(a_task(url="https://hub.example/t"), answered=True))
    assert [error.message for error in schema.iter_errors(rendered)] == []
    assert list(schema.iter_errors({**rendered, "body": [{"type": "Image"}]}))
