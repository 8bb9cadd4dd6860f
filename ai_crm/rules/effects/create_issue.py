"""`create_issue`: opens another issue in the same repository."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from msgspec import Struct

from ai_crm.model.change import AnyChange, CreateItem, Text
from ai_crm.model.decision import Skip
from ai_crm.model.item import ItemKind
from ai_crm.rules.effects.planning import because, github_value, key, on_one_line, unresolved, words
from ai_crm.rules.effects.reading import MESSAGE, TITLE, Words
from ai_crm.rules.rule import Place, Scene
from ai_crm.rules.shapes import LABELS, described, given, object_of
from ai_crm.rules.source import Node, Problems
from ai_crm.rules.templating import Template
from ai_crm.rules.vocabulary import Unresolved


class CreateIssue(Struct, frozen=True):
    """Titles on GitHub are plain text in which nothing comes alive; the body is Markdown."""

    action: ClassVar[str] = "create_issue"
    creates: ClassVar[bool] = False
    params: ClassVar[Mapping[str, Any]] = object_of(
        {
            "title": described(TITLE, "The issue's title.", "Deploy {release.tag_name}"),
            "body": described(MESSAGE, "The issue's text, in Markdown."),
            "labels": described(LABELS, "The issue's labels."),
        },
        required=("title",),
    )

    title: Template
    body: Template | None = None
    labels: tuple[str, ...] = ()

    @property
    def wants_analysis(self) -> bool:
        return False

    @classmethod
    def parse(cls, node: Node, place: Place, problems: Problems) -> CreateIssue | None:
        params = given(node, cls.params, cls.action, problems)
        if any(trigger.kind is ItemKind.REPORT for trigger in place.triggers):
            what = "create_issue cannot be done for report, which belongs to no repository"
            problems.add(node.at, what, "make a task of it with `task:`, or tell people in a chat")
        title = params.read(Words(TITLE, place), "title", absent=None)
        body = params.read(Words(MESSAGE, place), "body", absent=None)
        labels = params.read(LABELS, "labels", absent=())
        return cls(title, body, labels) if title is not None else None

    def plan(self, scene: Scene, position: int) -> tuple[AnyChange | Skip, ...]:
        title = words(self.title, scene, on_one_line)
        body = words(self.body, scene, github_value) if self.body is not None else Text(())
        if isinstance(title, Unresolved):
            return (unresolved(scene, self.action, title),)
        if isinstance(body, Unresolved):
            return (unresolved(scene, self.action, body),)
        return (
            CreateItem(
                key=key(scene, self.action, position),
                rule=scene.rule,
                item=scene.item.ref,
                because=because(scene, "opens an issue"),
                project=scene.event.project,
                title=title,
                body=body,
                labels=self.labels,
            ),
        )
