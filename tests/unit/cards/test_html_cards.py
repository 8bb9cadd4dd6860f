"""A card on the hub's own pages: what is there for people, and that nothing in it is alive but our own forms and links."""

from __future__ import annotations

import json
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.cards import elements, html
from ai_crm.cards.answers import Button, Fact, Section, answer_card
from ai_crm.cards.elements import (
    Card,
    Container,
    Execute,
    FactSet,
    Image,
    OpenUrl,
    RichTextBlock,
    Submit,
    TextRun,
)
from ai_crm.cards.inert import clean
from ai_crm.commands import presses
from ai_crm.commands.presses import parse_press
from ai_crm.model.task import TaskId
from tests.doubles import answer_cards

CORPUS = Path(__file__).parents[2] / "security" / "corpus"
STRINGS = [string for file in sorted(CORPUS.glob("*.json")) for string in json.loads(file.read_text())]

hostile = st.one_of(
    st.sampled_from(STRINGS), st.text(alphabet="<>&\"'`=/ \n\t!-\x00\u202e\ud800aimgsrconerror:", max_size=40)
)


class Seen(HTMLParser):
    """Tags in their order, attributes, and the words between them; every tag must be closed in its turn."""

    _VOID = ("img", "input")

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in self._VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def values(self, tag: str, name: str) -> list[str]:
        return [value for at, attribute, value in self.attributes if (at, attribute) == (tag, name)]


def body(*elements: RichTextBlock | FactSet | Image | Container) -> Card:
    return Card(version="1.5", fallback_text="x", body=elements)


def full_of(text: str) -> Card:
    """A card with the text wherever a card can have one."""
    press = presses.Press(presses.Verb.CREATE_TASK, {"action": "create_task", "title": text})
    words = RichTextBlock(inlines=(TextRun(text=text), TextRun(text=text, weight="bolder", color="accent")))
    facts = FactSet(facts=(elements.Fact(text, text),))
    button = Execute(title=text, verb=press.verb, data=press.data, fallback=_submit(text))
    return Card(
        version="1.5",
        fallback_text=text,
        body=(words, facts, Image(url=text, alt_text=text), Container(items=(facts, words), id="a", is_visible=False)),
        actions=(OpenUrl(title=text, url=text), button),
    )


def _submit(text: str) -> Submit:
    return Submit(title=text, data={})


def test_a_heading_is_a_heading_and_facts_are_a_list_of_terms() -> None:
    seen = Seen(
        html.render(answer_card("Tasks", "All of them", (Section("Now", (Fact("Open", "3"),)),), "small print"))
    )
    assert [tag for tag in seen.tags if tag != "div"] == [
        "article",
        "h2",
        "p",
        "section",
        "h3",
        "dl",
        "dt",
        "dd",
        "p",
        "span",
    ]
    assert [word for word in seen.words if word.strip()] == ["Tasks", "All of them", "Now", "Open", "3", "small print"]


def test_a_button_posts_exactly_what_a_chat_would_send() -> None:
    create = presses.Press(
        presses.Verb.CREATE_TASK, {"action": "create_task", "title": 'a "b" <c> & d', "body": "x\ny"}
    )
    seen = Seen(html.render(answer_card("x", buttons=(Button("Create", create),)), {"token": '"t"'}))
    assert seen.values("form", "action") == ["/press"]
    assert seen.values("form", "method") == ["post"]
    sent = dict(zip(seen.values("input", "name"), seen.values("input", "value"), strict=True))
    assert sent == {
        "token": '"t"',
        "verb": "create_task",
        **{f"data.{name}": value for name, value in create.data.items()},
    }
    data = {name.removeprefix(html.DATA): value for name, value in sent.items() if name.startswith(html.DATA)}
    assert parse_press(sent["verb"], data) == parse_press(create.verb, create.data)


def test_what_only_looks_at_a_task_is_a_link_to_it() -> None:
    seen = Seen(html.render(answer_card("x", buttons=(Button("AICRM-7", presses.show_task(TaskId("AICRM-7"))),))))
    assert seen.values("a", "href") == ["/tasks/AICRM-7"]
    assert "form" not in seen.tags
    odd = Seen(html.render(answer_card("x", buttons=(Button("AICRM-7", presses.show_task(TaskId("../AICRM-7"))),))))
    assert odd.values("a", "href") == []


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://hub.example.com/pictures/v1~abc-_.png", ["/pictures/v1~abc-_.png"]),
        ("https://evil.example/else/v1.png", []),
        ("https://hub.example.com/pictures/../x.png", []),
        ("https://hub.example.com/pictures/a.png?x=1", []),
        ("data:image/png;base64,AAAA", []),
        ("//evil.example/pictures/a.png", []),
    ],
)
def test_a_picture_comes_from_our_own_door_or_is_told_in_words(url: str, shown: list[str]) -> None:
    seen = Seen(html.render(body(Image(url=url, alt_text="1,247 events"))))
    assert seen.values("img", "src") == shown
    assert seen.values("img", "alt") == ["1,247 events"] * len(shown)
    assert ("1,247 events" in seen.words) != bool(shown)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", " https://x.example", "https://a@b.example", "/x"]
)
def test_a_link_leads_to_plain_addresses_alone(url: str) -> None:
    card = Card(version="1.5", fallback_text="x", body=(), actions=(OpenUrl(title="Open", url=url),))
    assert Seen(html.render(card)).values("a", "href") == []


def test_every_card_that_there_is_can_be_shown() -> None:
    for card in answer_cards.cards("<b onclick=x>").values():
        assert "b" not in Seen(html.render(card)).tags


@settings(max_examples=150, deadline=None)
@given(hostile)
def test_whatever_stands_in_it_the_page_has_the_same_structure_and_shows_those_words(text: str) -> None:
    page = html.render(full_of(text), {"token": "t"})
    page.encode()
    seen, plain = Seen(page), Seen(html.render(full_of("harmless"), {"token": "t"}))
    linked = Counter({"a": len(seen.values("a", "href"))})
    assert Counter(seen.tags) - linked == Counter(plain.tags)
    assert all(value.startswith(("http://", "https://")) for value in seen.values("a", "href"))
    assert {name for _, name, _ in seen.attributes} <= {name for _, name, _ in plain.attributes} | {
        "href",
        "rel",
        "target",
    }
    if shown := clean(text).strip():
        assert shown in "".join(seen.words)
