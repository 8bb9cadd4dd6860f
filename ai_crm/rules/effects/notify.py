"""`slack_notification` and `teams_notification`: tell people in a channel, in a chat or directly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from msgspec import Struct
from msgspec.structs import replace

from ai_crm.cards.inert import mrkdwn, teams
from ai_crm.model.change import AnyChange, Notify, Text
from ai_crm.model.decision import Skip
from ai_crm.model.item import PlatformName
from ai_crm.rules import shapes
from ai_crm.rules.effects.planning import because, key, on_one_line, unresolved, words
from ai_crm.rules.effects.reading import MESSAGE, Words
from ai_crm.rules.rule import Place, Scene
from ai_crm.rules.shapes import described, given, object_of
from ai_crm.rules.source import Node, Problems, Scalar
from ai_crm.rules.templating import Template
from ai_crm.rules.vocabulary import Unresolved

_TARGET = shapes.Text(says="text", most=200)
_MOMENTS = shapes.Texts(each=shapes.Text(says="what happened, such as closed", most=40, pattern="[a-z_]+"), most=20)


class SlackNotification(Struct, frozen=True):
    action: ClassVar[str] = "slack_notification"
    creates: ClassVar[bool] = False
    params: ClassVar[Mapping[str, Any]] = object_of(
        {
            "channel": described(
                _TARGET,
                "A channel by name or id, or a person by id; `T0123ABCD/#dev-team` says in which Slack workspace.",
                "#dev-team",
            ),
            "message": described(MESSAGE, "The message, in Slack's mrkdwn.", "New task: {task.title}"),
            "channel_on": described(
                _MOMENTS,
                "What comes after an item's first message goes into its thread; on these events the channel sees it, too.",
                ["closed", "reopened"],
            ),
        },
        required=("channel", "message"),
    )

    channel: Template
    message: Template
    channel_on: tuple[str, ...] = ()

    @property
    def wants_analysis(self) -> bool:
        return False

    @classmethod
    def parse(cls, node: Node, place: Place, problems: Problems) -> SlackNotification | None:
        params = given(node, cls.params, cls.action, problems)
        channel = params.read(_Target(place, ".slack_id"), "channel", absent=None)
        message = params.read(Words(MESSAGE, place), "message", absent=None)
        moments = params.read(_MOMENTS, "channel_on", absent=())
        return cls(channel, message, moments) if channel is not None and message is not None else None

    def plan(self, scene: Scene, position: int) -> tuple[AnyChange | Skip, ...]:
        text = words(self.message, scene, mrkdwn)
        told = _told(scene, (self.action, position), PlatformName.SLACK, self.channel, text)
        if not any(name.rpartition(".")[2] in self.channel_on for name in scene.event.names):
            return told
        return tuple(replace(one, surface=True) if isinstance(one, Notify) else one for one in told)


class TeamsNotification(Struct, frozen=True):
    action: ClassVar[str] = "teams_notification"
    creates: ClassVar[bool] = False
    params: ClassVar[Mapping[str, Any]] = object_of(
        {
            "chat_id": described(
                _TARGET,
                "A chat by id, or a person by id; `TENANT_ID/PERSON_ID` says in which tenant.",
                "{pr.author.teams_id}",
            ),
            "channel": described(_TARGET, "A channel by id, such as 19:…@thread.tacv2."),
            "message": described(MESSAGE, "The message, in Markdown.", "Your PR is ready for AI review: {pr.url}"),
        },
        required=("message",),
        one_of=("chat_id", "channel"),
        never_both=(("chat_id", "channel"),),
    )

    target: Template
    message: Template

    @property
    def wants_analysis(self) -> bool:
        return False

    @classmethod
    def parse(cls, node: Node, place: Place, problems: Problems) -> TeamsNotification | None:
        params = given(node, cls.params, cls.action, problems)
        target = params.read(_Target(place, ".teams_id"), "chat_id", "channel", absent=None)
        message = params.read(Words(MESSAGE, place), "message", absent=None)
        return cls(target, message) if target is not None and message is not None else None

    def plan(self, scene: Scene, position: int) -> tuple[AnyChange | Skip, ...]:
        text = words(self.message, scene, teams)
        return _told(scene, (self.action, position), PlatformName.TEAMS, self.target, text)


class _Target(Struct, frozen=True):
    """Where a message goes. Only the file and its map of people decide that, never a stranger's title or label."""

    place: Place
    ids: str

    def read(self, node: Node, name: str, problems: Problems) -> Template | None:
        names = re.findall(r"\{([^{}]*)\}", node.text) if isinstance(node, Scalar) else []
        for other in names:
            if not other.endswith(self.ids):
                what = f"{name} cannot take {{{other}}}: strangers would choose who reads the message"
                problems.add(node.at, what, f"write it out, or use somebody's {self.ids.removeprefix('.')}")
                return None
        return Words(_TARGET, self.place).read(node, name, problems)


def _told(
    scene: Scene, step: tuple[str, int], platform: PlatformName, target: Template, text: Text | Unresolved
) -> tuple[Notify | Skip, ...]:
    where = words(target, scene, on_one_line)
    if isinstance(where, Unresolved):
        return (unresolved(scene, step[0], where),)
    if isinstance(text, Unresolved):
        return (unresolved(scene, step[0], text),)
    return (
        Notify(
            key=key(scene, *step),
            rule=scene.rule,
            item=scene.item.ref,
            because=because(scene, f"tells people on {platform}"),
            platform=platform,
            target=where.filled(None),
            text=text,
            tasks=(scene.task,) if scene.task else (),
        ),
    )
