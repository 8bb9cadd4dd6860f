"""`update_task`: changes tasks that the item already has: every one of them, or only the one of rule `of`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import UNSET, Struct

from ai_crm.model.analysis import Priority
from ai_crm.model.change import AnyChange, UpdateTask
from ai_crm.model.decision import Skip
from ai_crm.model.status_name import in_one_spelling, statuses_by_name
from ai_crm.model.task import AgentChoice, Task, TaskPatch, TaskStatus
from ai_crm.rules.effects.planning import because, key, skip
from ai_crm.rules.effects.reading import AgentName, agent_described
from ai_crm.rules.rule import Place, Scene
from ai_crm.rules.shapes import LABELS, LOGINS, NAME, PRIORITY, described, given, object_of
from ai_crm.rules.source import Node, Problems, did_you_mean


class UpdateExistingTask(Struct, frozen=True, kw_only=True):
    """Status, priority and agent replace what the task has; labels and assignees come on top of it."""

    action: ClassVar[str] = "update_task"
    creates: ClassVar[bool] = False
    params: ClassVar[Mapping[str, Any]] = object_of(
        {
            "of": described(NAME, "The rule whose task is meant. Every task of the item when left out."),
            "status": {
                "$ref": "#/$defs/status_name",
                "description": "The task's new status: one of ours, or a name of your own that stands under `statuses`.",
            },
            "priority": described(PRIORITY, "The task's new priority."),
            "agent": agent_described("The agent that gets the task.", "incident-responder"),
            "labels": described(LABELS, "Labels that the task gets besides those it has."),
            "assignees": described(LOGINS, "People who join those that the task has."),
        },
        one_of=("status", "priority", "agent", "labels", "assignees"),
    )

    of: str = ""
    status: TaskStatus | None = None
    priority: Priority | None = None
    agent: str = ""
    labels: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()

    @property
    def wants_analysis(self) -> bool:
        return False

    @classmethod
    def parse(cls, node: Node, place: Place, problems: Problems) -> UpdateExistingTask:
        params = given(node, cls.params, cls.action, problems)
        if place.creates and "of" not in params.nodes:
            what = "update_task without `of` would change the task that this very rule makes"
            problems.add(node.at, what, "say it where the task is made, or name another rule with `of`")
        return cls(
            of=params.read(_RuleName(place), "of", absent=""),
            status=params.read(_Status(place), "status", absent=None),
            priority=params.read(PRIORITY, "priority", absent=None),
            agent=params.read(AgentName(place), "agent", absent=""),
            labels=params.read(LABELS, "labels", absent=()),
            assignees=params.read(LOGINS, "assignees", absent=()),
        )

    def plan(self, scene: Scene, position: int) -> tuple[AnyChange | Skip, ...]:
        meant = tuple(task for task in scene.tasks if task.rule == self.of) if self.of else scene.tasks
        if not meant:
            missing = f'the rule "{self.of}" made no task for it' if self.of else "it has no task"
            return (skip(scene, self.action, f"nothing to update for this {scene.item.ref.kind}: {missing}"),)
        return tuple(self._updates(meant, scene, position))

    def _updates(self, tasks: tuple[Task, ...], scene: Scene, position: int) -> Iterator[AnyChange | Skip]:
        for task in tasks:
            patch = self._patch(task, scene)
            if patch == TaskPatch():
                continue
            if _is_late(scene, task):
                yield skip(scene, self.action, f"{scene.event.name} is older than what {task.id} already followed")
                continue
            yield UpdateTask(
                key=key(scene, f"{self.action}:{task.rule}", position),
                rule=task.rule,
                item=scene.item.ref,
                because=because(scene, "updates the task"),
                patch=patch,
                seen_at=scene.item.updated_at,
            )

    def _patch(self, task: Task, scene: Scene) -> TaskPatch:
        """Only what the task does not have already."""
        patch = TaskPatch()
        if self.status and self.status is not task.status:
            patch = msgspec.structs.replace(patch, status=self.status)
        if self.priority and self.priority is not task.priority:
            patch = msgspec.structs.replace(patch, priority=self.priority)
        if self.agent and not (task.agent and task.agent.assigned and task.agent.name == self.agent):
            patch = msgspec.structs.replace(patch, agent=self._choice(task, scene))
        return msgspec.structs.replace(
            patch, labels=_joined(task.labels, self.labels), assignees=_joined(task.assignees, self.assignees)
        )

    def _choice(self, task: Task, scene: Scene) -> AgentChoice:
        before = task.agent.name if task.agent else ""
        gives = because(scene, "gives it to this agent")
        return AgentChoice(
            name=self.agent, assigned=True, because=gives, runner_up=before if before != self.agent else ""
        )


class _Status(Struct, frozen=True):
    """One of our statuses, or a name that the file has for one; in any spelling."""

    place: Place

    def read(self, node: Node, name: str, problems: Problems) -> TaskStatus | None:
        said = NAME.read(node, name, problems)
        known = statuses_by_name(self.place.statuses)
        status = known.get(in_one_spelling(said))
        if said and status is None:
            hint = did_you_mean(in_one_spelling(said), known) or "names of your own go under statuses:"
            problems.add(node.at, f'{name} cannot be "{said}"; it is one of {", ".join(known)}', hint)
        return status


class _RuleName(Struct, frozen=True):
    """The name of a rule in the same file."""

    place: Place

    def read(self, node: Node, name: str, problems: Problems) -> str:
        rule = NAME.read(node, name, problems)
        if rule and rule not in self.place.rules:
            problems.add(node.at, f'there is no rule "{rule}" in this file', did_you_mean(rule, self.place.rules))
        return rule


def _joined(has: tuple[str, ...], gets: Iterable[str]) -> tuple[str, ...] | msgspec.UnsetType:
    both = tuple(dict.fromkeys((*has, *gets)))
    return UNSET if both == has else both


def _is_late(scene: Scene, task: Task) -> bool:
    return scene.item.updated_at is not None and task.seen_at is not None and scene.item.updated_at < task.seen_at
