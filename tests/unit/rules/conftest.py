"""Items, events, policies and scenes in which a test says only what it is about, and YAML as the node it becomes."""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime
from typing import Any

from ai_crm.config.rules_file import read_document
from ai_crm.model.event import Event
from ai_crm.model.facts import FACTS
from ai_crm.model.item import Item, ItemKind, ItemRef, Person, PlatformName, Project
from ai_crm.model.task import RuleId
from ai_crm.model.trigger import Trigger, find_trigger
from ai_crm.rules.rule import CardSettings, Policy, Scene
from ai_crm.rules.source import Node, Problems, Scalar

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
PROJECT = Project(
    name="octocat/hello-world", url="https://github.com/octocat/hello-world", default_branch="main", private=False
)


def an_item(kind: ItemKind = ItemKind.ISSUE, /, facts: dict[str, str] | None = None, **fields: Any) -> Item:
    """An item with every fact of its kind, empty unless given."""
    ref = ItemRef(PlatformName.GITHUB, PROJECT.name, kind, "42")
    usual: dict[str, Any] = {
        "title": "Spelling error in the README file",
        "url": f"{PROJECT.url}/issues/42",
        "body": "It looks like you accidently spelled 'commit' with two 't's.",
        "author": Person("octocat"),
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Item(ref=ref, facts={**dict.fromkeys(FACTS[kind], ""), **(facts or {})}, **{**usual, **fields})


def an_event(item: Item | None = None, /, *names: str, **fields: Any) -> Event:
    usual: dict[str, Any] = {"actor": Person("octocat"), "project": PROJECT, "platform": PlatformName.GITHUB}
    return Event(id="delivery-1", names=names or ("issues.opened",), item=item or an_item(), **{**usual, **fields})


def a_policy(**fields: Any) -> Policy:
    usual: dict[str, Any] = {
        "enabled": True,
        "rules": (),
        "agents": (),
        "people": (),
        "teams": (),
        "card": CardSettings(),
        "fingerprint": "0" * 64,
    }
    return Policy(**{**usual, **fields})


def a_scene(event: Event | None = None, /, **fields: Any) -> Scene:
    """What a rule sees that matched the event; the item is the event's."""
    event = event or an_event()
    usual: dict[str, Any] = {
        "rule": RuleId("issue_opened"),
        "event": event,
        "item": event.item,
        "task": None,
        "policy": a_policy(),
        "planned": None,
        "analysis": None,
    }
    return Scene(**{**usual, **fields})


def value(yaml: str) -> Node:
    """The node that this YAML becomes behind a key. Its first line is line 2, its first column column 3."""
    document = read_document(f"value:\n{textwrap.indent(yaml, '  ')}\n".encode(), "rules.yml")
    return document.entries[0].value


def text(content: str) -> Scalar:
    """A text as a file's block scalar has it."""
    node = value("|-\n" + textwrap.indent(content, "  ", lambda _: True)) if content else value('""')
    assert isinstance(node, Scalar)
    return node


def triggers(*words: str) -> tuple[Trigger, ...]:
    found = tuple(find_trigger(word) for word in words)
    assert None not in found, words
    return tuple(trigger for trigger in found if trigger is not None)


def problems() -> Problems:
    return Problems("rules.yml")
