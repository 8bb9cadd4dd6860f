"""`github_comment`: writes under the issue or pull request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from msgspec import Struct

from ai_crm.model.change import AnyChange, Comment
from ai_crm.model.decision import Skip
from ai_crm.model.item import HAS_THREAD
from ai_crm.rules.effects.planning import because, github_value, key, unresolved, words
from ai_crm.rules.effects.reading import MESSAGE, Words, check_kinds
from ai_crm.rules.rule import Place, Scene
from ai_crm.rules.shapes import described, given, object_of
from ai_crm.rules.source import Node, Problems
from ai_crm.rules.templating import Template
from ai_crm.rules.vocabulary import Unresolved


class GithubComment(Struct, frozen=True):
    """The message is the file's own Markdown; values in it are inert."""

    action: ClassVar[str] = "github_comment"
    creates: ClassVar[bool] = False
    params: ClassVar[Mapping[str, Any]] = object_of(
        {"message": described(MESSAGE, "The comment, in Markdown.", "✅ AI-CRM task created: {task.url}")},
        required=("message",),
    )

    message: Template

    @property
    def wants_analysis(self) -> bool:
        return False

    @classmethod
    def parse(cls, node: Node, place: Place, problems: Problems) -> GithubComment | None:
        params = given(node, cls.params, cls.action, problems)
        check_kinds(cls.action, HAS_THREAD, node.at, place, problems)
        message = params.read(Words(MESSAGE, place), "message", absent=None)
        return cls(message) if message is not None else None

    def plan(self, scene: Scene, position: int) -> tuple[AnyChange | Skip, ...]:
        text = words(self.message, scene, github_value)
        if isinstance(text, Unresolved):
            return (unresolved(scene, self.action, text),)
        return (
            Comment(
                key=key(scene, self.action, position),
                rule=scene.rule,
                item=scene.item.ref,
                because=because(scene, "writes a comment"),
                text=text,
            ),
        )
