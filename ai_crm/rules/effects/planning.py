"""What every effect's plan is made of: the key, the reason, the words, and the skip that says what cannot be done."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ai_crm.cards.inert import clean, gfm, gfm_block
from ai_crm.model.change import ChangeKey, Text, change_key
from ai_crm.model.decision import Skip
from ai_crm.rules.rule import Scene
from ai_crm.rules.templating import Template
from ai_crm.rules.vocabulary import Unresolved


def key(scene: Scene, action: str, position: int) -> ChangeKey:
    """Once per item for a rule that creates a task, else once per event."""
    return change_key(scene.rule, scene.item.ref, f"{action}#{position}", "" if scene.once else scene.event.id)


def because(scene: Scene, does: str) -> str:
    return f'rule "{scene.rule}" {does}'


def skip(scene: Scene, action: str, reason: str) -> Skip:
    return Skip(rule=scene.rule, action=action, because=reason)


def words(template: Template, scene: Scene, inert: Callable[[str], str]) -> Text | Unresolved:
    """The text for people. In a rule that creates no task, `{task.…}` is about the first task that the item has.

    That one is stored already, so that nothing of it is only known later.
    """
    if scene.once or not scene.tasks:
        return template.expand(scene, inert)
    task = scene.tasks[0]
    text = template.expand(msgspec.structs.replace(scene, task=task), inert)
    return text if isinstance(text, Unresolved) else Text((text.filled(task),))


def unresolved(scene: Scene, action: str, gap: Unresolved) -> Skip:
    return skip(scene, action, f"{{{gap.name}}} has no value: {gap.because}")


def on_one_line(value: str) -> str:
    return " ".join(clean(value).split())


def github_value(value: str) -> str:
    """A value inside a comment or an issue's body: a line stays in its sentence, several become a block."""
    return f"\n\n{gfm_block(value)}\n\n" if "\n" in value.strip() else gfm(value)
