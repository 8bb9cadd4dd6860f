"""Hostile strings in every field of a task and at every sink, judged by models of the programs that will read them.

The judges compare: a text with a stranger's words in it must have the very structure that it has with a harmless word
in their place, and must show exactly those words. What the sinks find in plain text (mentions, references, addresses)
is looked for there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from ai_crm.cards import adaptive, blockkit, inert, markdown, text
from ai_crm.cards.state import State, read_state
from ai_crm.cards.sticky import LIMIT, sticky_body
from ai_crm.cards.task_card import analysis_card, task_card
from ai_crm.model.analysis import (
    AgentMatch,
    Analysis,
    Complexity,
    Effort,
    Evidence,
    Priority,
    TypeOfWork,
    Urgency,
    WorkType,
)
from ai_crm.model.item import ItemKind, ItemRef, PlatformName
from ai_crm.model.task import AgentChoice, RuleId, Task, TaskId
from ai_crm.rules.effects.planning import github_value

CORPUS = Path(__file__).parent / "corpus"
STRINGS: list[tuple[str, str]] = [
    (file.stem, string) for file in sorted(CORPUS.glob("*.json")) for string in json.loads(file.read_text())
]
FAMILIES = sorted({family for family, _ in STRINGS})
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
ZWSP = "\u200b"
LOOKALIKES = str.maketrans({"∗": "*", "∼": "~", "ˋ": "`", "ˍ": "_", "›": ">"})  # noqa: RUF001 - the look-alikes themselves

# Made of what means something to some sink, in orders that no one would think of.
hostile = st.text(alphabet="*_~`[]()<>!#@&;:/\\|$-+=.{}\"' \n\t\r1aw\u200b\u202e\ud800GH", max_size=30)


def of_family(family: str) -> list[str]:
    return [string for name, string in STRINGS if name == family]


def test_there_are_enough_strings_to_believe_the_rest() -> None:
    assert len(STRINGS) >= 700
    assert len(set(STRINGS)) == len(STRINGS)


# GitHub

GITHUB_PLACES = (
    "{}", "Title: {}", "{} is new", "**{}**", "*{}* x", "- {}", "1. {}", "> {}", "### {}", "| {} | b |\n| --- | --- |\n| {} | d |",
    "a **b** {} `c`", "[{}](https://ours.example)", "[ours] {}", "{}[ours](https://ours.example)", "{}{}", "x{}y", "({})", "a\n{}\nb",
)  # fmt: skip
GITHUB_FINDS = re.compile(
    rf"@[A-Za-z0-9]|\#\d|GH-\d|https?://|ftp://|www\.|[\w.+-]@[\w-]+\.|(?<![0-9A-Za-z{ZWSP}])[0-9a-f]{{7,64}}(?![0-9A-Za-z])",
    re.IGNORECASE,
)


def shape(tokens: list[Token]) -> Iterator[tuple[str, str, str]]:
    """The structure without the words: neighbouring pieces of text count as one."""
    for token in tokens:
        if token.type == "inline":
            yield from shape(token.children or [])
        elif token.type not in ("text", "text_special"):
            yield token.type, token.tag, token.content if "html" in token.type else str(token.attrs)


def words(tokens: list[Token]) -> str:
    """The text nodes, those of different elements on lines of their own."""
    pieces = []
    for token in tokens:
        if token.type == "inline":
            pieces.append(words(token.children or []))
        else:
            pieces.append(token.content if token.type in ("text", "text_special") else "\n")
    return "".join(pieces)


def parsed_alike(place: str, made_inert: str, visible: str) -> None:
    """With the words in it, the place has the structure and shows the text that it has with a harmless word."""
    found = MARKDOWN.parse(place.replace("{}", made_inert))
    wanted = MARKDOWN.parse(place.replace("{}", "word" if visible else ""))
    assert list(shape(found)) == list(shape(wanted))
    assert "".join(words(found).replace(ZWSP, "").translate(LOOKALIKES).split()) == "".join(
        words(wanted).replace("word", visible.translate(LOOKALIKES)).split()
    )


def judge_github(string: str) -> None:
    made_inert = inert.gfm(string)
    assert "\n" not in made_inert
    assert "$" not in made_inert  # formulas are looked for before Markdown is
    for place in GITHUB_PLACES:
        parsed_alike(place, made_inert, inert.one_line(string))
        shown = words(MARKDOWN.parse(place.replace("{}", made_inert)))
        assert not GITHUB_FINDS.search(shown), (place, shown)


def judge_github_block(string: str) -> None:
    block = inert.gfm_block(string)
    tokens = MARKDOWN.parse(f"<details><summary>x</summary>\n\n{block}\n\n</details>\n\nafter")
    fences = [token for token in tokens if token.type == "fence"]
    outline = [token.type for token in tokens if token.level == 0 and token.nesting >= 0]
    assert outline == ["html_block", *("fence" for _ in fences), "html_block", "paragraph_open"]
    assert len(fences) == bool(inert.one_line(string))
    shown = "".join(fence.content for fence in fences).replace(ZWSP, "")
    assert "".join(shown.split()) == "".join(inert.clean(string).split())


AUTHORS_FENCES = ("```\n{}\n```", "~~~\n{}\n~~~", "````text\n{}\n````", "```\nSays: {} and\n{}\n```")


def judge_fence_of_an_author(string: str) -> None:
    """Whatever a rule's author put a fence around, no line of it is parsed: nothing but the author's words is outside."""
    for place in AUTHORS_FENCES:
        tokens = MARKDOWN.parse(place.replace("{}", github_value(string)))
        outside = [
            token.content for token in tokens if token.type not in ("fence", "paragraph_open", "paragraph_close")
        ]
        assert set(outside) <= {"and"}, (place, outside)


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_comes_alive_in_githubs_markdown(family: str) -> None:
    for string in of_family(family):
        judge_github(string)
        judge_github_block(string)
        judge_fence_of_an_author(string)


@settings(max_examples=150, deadline=None)
@given(hostile)
def test_nothing_random_comes_alive_in_githubs_markdown(string: str) -> None:
    judge_github(string)
    judge_github_block(string)
    judge_fence_of_an_author(string)


# Slack. What its documentation says about messages: https://docs.slack.dev/messaging/formatting-message-text

SLACK_PLACES = (
    "{}",
    "New: {}",
    "{} is new",
    "*{}*",
    "_{}_ x",
    "> {}",
    "{} {}",
    "*new* {} `x`",
    "a\n{}\nb",
    "<https://ours.example|{}>",
)
SLACK_CONTROL = re.compile(r"<[^>]*>?")
SLACK_STYLES = {
    "bold": re.compile(r"(?<![^\W_])\*(?!\s)[^*\n]*\*"),
    "italic": re.compile(r"(?<![^\W_])_(?!\s)(?:[^_\n]|(?<=[^\W_])_(?=[^\W_]))*_(?![^\W_])"),
    "strike": re.compile(r"~(?!\s)[^~\n]*~"),
    "code": re.compile(r"`[^`]*`"),
    "quote": re.compile(r"^\s*(?:>|&gt;)", re.MULTILINE),
    "name": re.compile(r"(?<!\w)@\w|(?<!\w)#\w"),
    "address": re.compile(r"https?://|www\.|\w@\w+\.\w", re.IGNORECASE),
    "raw": re.compile(r"&(?!amp;|lt;|gt;)"),
}


def slack_structure(message: str) -> tuple[list[str], list[tuple[str, int]]]:
    control = [found[0].partition("|")[0] for found in SLACK_CONTROL.finditer(message)]
    rest = SLACK_CONTROL.sub("", message)
    return control, [(name, len(style.findall(rest))) for name, style in SLACK_STYLES.items()]


def slack_text(message: str) -> str:
    return (
        message.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace(ZWSP, "").translate(LOOKALIKES)
    )


def judge_slack(made_inert: str, visible: str) -> None:
    for place in SLACK_PLACES:
        harmless = place.replace("{}", "word" if visible else "")
        assert slack_structure(place.replace("{}", made_inert)) == slack_structure(harmless), (place, made_inert)
    assert slack_text(made_inert) == visible.translate(LOOKALIKES)


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_comes_alive_in_slacks_mrkdwn(family: str) -> None:
    for string in of_family(family):
        judge_slack(inert.mrkdwn(string), inert.one_line(string))


@settings(max_examples=200, deadline=None)
@given(hostile)
def test_nothing_random_comes_alive_in_slacks_mrkdwn(string: str) -> None:
    judge_slack(inert.mrkdwn(string), inert.one_line(string))


# Teams

TEAMS_PLACES = (
    "{}",
    "Task: {}",
    "**{}**",
    "- {}",
    "{} is new",
    "[ours] {}",
    "{}{}",
    "a\n{}\nb",
)
TEAMS_FINDS = re.compile(r"</?[A-Za-z!?]|\{\{|\]\(|https?://|www\.|\w@\w|&(?:#|\w+;)", re.IGNORECASE)


def judge_teams(made_inert: str, visible: str) -> None:
    for place in TEAMS_PLACES:
        parsed_alike(place, made_inert, visible)
    assert not TEAMS_FINDS.search(made_inert), made_inert
    assert made_inert.replace(ZWSP, "").translate(LOOKALIKES) == visible.translate(LOOKALIKES)


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_comes_alive_in_teams(family: str) -> None:
    for string in of_family(family):
        judge_teams(inert.teams(string), inert.one_line(string))


@settings(max_examples=150, deadline=None)
@given(hostile)
def test_nothing_random_comes_alive_in_teams(string: str) -> None:
    judge_teams(inert.teams(string), inert.one_line(string))


# Terminals and logs


def judge_terminal(line: str) -> None:
    assert all(sign.isprintable() or sign.isspace() for sign in line), line
    assert not re.search(r"[\n\r\x0b\x0c\x1b\x85\u2028\u2029]", line)
    assert not line.lstrip().startswith("::")
    assert "##[" not in line


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_moves_a_terminal_or_commands_a_runner(family: str) -> None:
    for string in of_family(family):
        judge_terminal(inert.plain(string).replace("\uffff", "").replace("\ufffe", "").replace("\U0010ffff", ""))


# What cannot be seen


@pytest.mark.parametrize("string", of_family("hidden"))
def test_what_cannot_be_seen_is_gone_everywhere(string: str) -> None:
    hidden = re.compile(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ud800-\udfff\U000e0000-\U000e0fff]"
    )
    assert not hidden.search(inert.clean(string))
    for function in (inert.gfm, inert.gfm_block, inert.mrkdwn, inert.teams, inert.plain):
        function(string).encode()
        assert not hidden.search(function(string).replace(ZWSP, ""))


# Whole cards, a hostile string in every field at once


def task_with(string: str, safe_project: str = "acme/app") -> Task:
    evidence = (Evidence(string, string, 100), Evidence("crash", "title", 50))
    return Task(
        id=TaskId("AICRM-1"),
        rule=RuleId(string),
        item=ItemRef(PlatformName.GITHUB, safe_project, ItemKind.PUSH, string),
        title=string,
        description=string,
        agent=AgentChoice(name=string, assigned=True, because=string, runner_up=string, confidence=50),
        assignees=(string, "octocat"),
        labels=(string,),
        analysis=Analysis(
            type=TypeOfWork(WorkType.BUG, 50, evidence),
            effort=Effort(Complexity.SIMPLE, 2, 1, 4, 50, evidence),
            urgency=Urgency(Priority.HIGH, 50, evidence),
            agents=(AgentMatch(string, 50, evidence), AgentMatch("debugger", 40, ())),
            analyst="test",
        ),
    )


def neutral(string: str) -> str:
    return "word" if inert.one_line(string) else ""


def texts_of(element: Any) -> Iterator[tuple[str, str]]:
    """Every text of an Adaptive Card with the kind of thing it stands in."""
    match element:
        case {"type": "TextBlock", "text": str(found)}:
            yield "markdown", found
        case {"type": "TextRun", "text": str(found)}:
            yield "literal", found
        case {"title": str(title), "value": str(value)}:
            yield from (("markdown", title), ("markdown", value))
        case dict():
            for value in element.values():
                yield from texts_of(value)
        case list():
            for value in element:
                yield from texts_of(value)
        case _:
            pass


@pytest.mark.parametrize("family", FAMILIES)
def test_a_teams_card_has_no_markup_but_ours(family: str) -> None:
    for string in of_family(family):
        for card in (task_card(task_with(string), answered=True), analysis_card(string, task_with(string).analysis)):  # type: ignore[arg-type] # it has one
            for kind, found in texts_of(adaptive.render(card)):
                found.encode()
                if kind == "markdown":
                    assert not TEAMS_FINDS.search(found)
                    assert not re.search(r"[*`~]", found)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_slack_message_parses_no_strangers_word(family: str) -> None:
    for string in of_family(family):
        message = blockkit.render(task_card(task_with(string), answered=True))
        encoded = msgspec.json.encode(message.blocks).decode()
        assert '"mrkdwn"' not in encoded
        assert '"link"' not in encoded
        assert {block["type"] for block in message.blocks} <= {"header", "rich_text", "context", "actions"}
        control, _ = slack_structure(message.text)
        assert control == []


@pytest.mark.parametrize("family", FAMILIES)
def test_a_github_card_has_the_same_structure_whatever_the_words(family: str) -> None:
    for string in filter(_fits, of_family(family)):
        task, harmless = task_with(string), task_with(neutral(string))
        body = sticky_body(task.item, (task,), ())
        assert len(body) <= LIMIT
        tokens, wanted = (MARKDOWN.parse(visible(one)) for one in (body, sticky_body(harmless.item, (harmless,), ())))
        assert list(shape(tokens)) == list(shape(wanted))
        assert not GITHUB_FINDS.search(words(tokens))
        assert len(MARKDOWN.parse(body)) == len(tokens) + 2  # the mark and the block, each one hidden comment
        assert read_state(body) == State((surrogates_replaced(task),), ())


def _fits(string: str) -> bool:
    return len(string) < 1000  # the longest is cut away, so that its card is another


def visible(body: str) -> str:
    return "\n".join(line for line in body.split("\n") if not line.startswith("<!-- ai-crm:"))


def surrogates_replaced(task: Task) -> Task:
    def replaced(value: Any) -> Any:
        match value:
            case str():
                return value.encode("utf-8", "replace").decode()
            case dict():
                return {name: replaced(inner) for name, inner in value.items()}
            case list() | tuple():
                return [replaced(inner) for inner in value]
            case _:
                return value

    cleaned = msgspec.structs.replace(task, title=inert.clean(task.title), description=inert.clean(task.description))
    return msgspec.convert(replaced(msgspec.to_builtins(cleaned)), Task)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_terminal_card_has_the_same_lines_whatever_the_words(family: str) -> None:
    for string in of_family(family):
        lines = text.render(task_card(task_with(string))).split("\n")
        assert len(lines) == len(text.render(task_card(task_with(neutral(string)))).split("\n"))
        for line in (*lines, text.line(task_card(task_with(string)))):
            judge_terminal(line.replace("\uffff", "").replace("\ufffe", "").replace("\U0010ffff", ""))


# Where a button leads


@pytest.mark.parametrize("url", of_family("addresses"))
def test_no_button_leads_where_an_address_only_pretends_to_lead(url: str) -> None:
    card = task_card(msgspec.structs.replace(task_with("x"), url=url))
    assert [action for action in adaptive.render(card)["actions"] if action["type"] == "Action.OpenUrl"] == []
    assert [block for block in blockkit.render(card).blocks if block["type"] == "actions"] == []
    assert "](" not in markdown.render(card)
    assert "Open" not in text.render(card)


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/app/issues/1#issuecomment-2",
        "http://localhost:8080/x?y=z&a=b",
        "https://[::1]:8443/x",
        "https://example.com/a_b*c~d",
    ],
)
def test_a_button_leads_to_every_honest_address(url: str) -> None:
    card = task_card(msgspec.structs.replace(task_with("x"), url=url))
    assert adaptive.render(card)["actions"][0]["url"] == url
    assert blockkit.render(card).blocks[-1]["elements"][0]["url"] == url
    links = [token for top in MARKDOWN.parse(markdown.render(card)) for token in top.children or [] if token.tag == "a"]
    assert [link.attrs.get("href") for link in links if link.nesting == 1] == [url]
    assert text.line(card).endswith(f" {url}")


def test_every_judge_sees_what_it_is_there_for() -> None:
    """A judge that finds nothing in raw text proves nothing."""
    blind = {
        "github": [s for s in ("@octocat", "#1", "GH-1", "a5c3785", "https://x.y", "*x*", "<b>", "a\n\n# b") if _passes(judge_raw_github, s)],
        "slack": [s for s in ("<!channel>", "<@U1>", "*x*", "_x_", "~x~", "`x`", ">x", "@here", "https://x.y") if _passes(judge_raw_slack, s)],
        "teams": [s for s in ("<at>x</at>", "[x](y)", "**x**", "- x", "{{x}}", "https://x.y") if _passes(judge_raw_teams, s)],
        "terminal": [s for s in ("\x1b[2J", "a\nb", "::error::x", "a ##[group]x") if _passes(judge_terminal, s)],
    }  # fmt: skip
    assert blind == {"github": [], "slack": [], "teams": [], "terminal": []}


def judge_raw_github(string: str) -> None:
    parsed_alike("{}", string, string)
    assert not GITHUB_FINDS.search(string)


def judge_raw_slack(string: str) -> None:
    judge_slack(string, string)


def judge_raw_teams(string: str) -> None:
    judge_teams(string, string)


def _passes(judge: Callable[[str], None], string: str) -> bool:
    try:
        judge(string)
    except AssertionError:
        return False
    return True
