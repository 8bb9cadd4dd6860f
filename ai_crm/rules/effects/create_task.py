"""`create_ai_crm_task`, which a rule may also write as its `task:` block: makes the rule's one task for an item."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from msgspec import Struct

from ai_crm.cards.inert import clean
from ai_crm.model.analysis import Analysis, Priority
from ai_crm.model.change import AddLabels, AnyChange, CreateTask, Text
from ai_crm.model.decision import Skip
from ai_crm.model.item import HAS_THREAD, Item, ItemKind
from ai_crm.model.task import AgentChoice
from ai_crm.rules.assignment import choose_agent, logins_behind, nobody_behind
from ai_crm.rules.effects.people import ask, assign, assignees_after, but_the_author
from ai_crm.rules.effects.planning import because, key, on_one_line, skip, unresolved, words
from ai_crm.rules.effects.reading import MESSAGE, TITLE, AgentName, Words, agent_described
from ai_crm.rules.rule import Place, Scene
from ai_crm.rules.shapes import FLAG, LABELS, LOGINS, PRIORITY, described, given, object_of
from ai_crm.rules.source import Node, Problems
from ai_crm.rules.templating import Template
from ai_crm.rules.vocabulary import Unresolved

# Keys of which a task may have only one.
ALTERNATIVES = (("title", "title_template"), ("description", "description_template"), ("agent", "agent_hint"))

_UNTITLED = "(no title)"
_TITLE_LIMIT = 256
_DESCRIPTION_LIMIT = 4_000
_TITLE = "The task's title, such as `GitHub Issue: {issue.title}`. The item's own title when it is left out."
_DESCRIPTION = "What the task says, with `{names}` for what is known about the item."


class CreateAiCrmTask(Struct, frozen=True, kw_only=True):
    """Besides the task it brings labels and people to the item where its kind can have them."""

    action: ClassVar[str] = "create_ai_crm_task"
    creates: ClassVar[bool] = True
    params: ClassVar[Mapping[str, Any]] = object_of(
        {
            "title": described(TITLE, _TITLE),
            "title_template": described(TITLE, _TITLE),
            "description": described(MESSAGE, _DESCRIPTION),
            "description_template": described(MESSAGE, _DESCRIPTION),
            "pm_analysis": described(
                FLAG,
                "Whether type, effort, priority and agent are worked out from the text. The step's input when left out.",
            ),
            "auto_assign": described(
                FLAG,
                "Whether the recommended agent gets the task, and the people behind it the issue or the review. "
                "The step's input when left out.",
            ),
            "agent": agent_described("The agent that gets the task.", "security-auditor"),
            "agent_hint": agent_described("The agent that is recommended for the task.", "code-reviewer"),
            "priority": described(
                PRIORITY, "The task's priority. When left out the analysis decides, else it is medium."
            ),
            "labels": described(LABELS, "Labels for the task, and for the issue or pull request."),
            "assignees": described(LOGINS, "People for the task, and for the issue or pull request."),
        },
        never_both=ALTERNATIVES,
    )

    pm_analysis: bool
    auto_assign: bool
    title: Template | None = None
    description: Template | None = None
    agent: str = ""
    agent_hint: str = ""
    priority: Priority | None = None
    labels: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()

    @property
    def wants_analysis(self) -> bool:
        return self.pm_analysis

    @property
    def assigns_nobody(self) -> bool:
        """Whether it is to assign somebody, and nothing can ever say whom."""
        return self.auto_assign and not (self.pm_analysis or self.agent or self.agent_hint)

    @classmethod
    def parse(cls, node: Node, place: Place, problems: Problems) -> CreateAiCrmTask:
        params = given(node, cls.params, "a task", problems)
        agent = AgentName(place)
        return cls(
            pm_analysis=params.read(FLAG, "pm_analysis", absent=place.defaults.pm_analysis),
            auto_assign=params.read(FLAG, "auto_assign", absent=place.defaults.auto_assign),
            title=params.read(Words(TITLE, place), "title", "title_template", absent=None),
            description=params.read(Words(MESSAGE, place), "description", "description_template", absent=None),
            agent=params.read(agent, "agent", absent=""),
            agent_hint=params.read(agent, "agent_hint", absent=""),
            priority=params.read(PRIORITY, "priority", absent=None),
            labels=params.read(LABELS, "labels", absent=()),
            assignees=params.read(LOGINS, "assignees", absent=()),
        )

    def plan(self, scene: Scene, position: int) -> tuple[AnyChange | Skip, ...]:
        title = words(self.title, scene, clean) if self.title else Text((scene.item.title,))
        description = words(self.description, scene, clean) if self.description else Text(())
        if isinstance(title, Unresolved):
            return (unresolved(scene, self.action, title),)
        if isinstance(description, Unresolved):
            return (unresolved(scene, self.action, description),)
        choice = choose_agent(
            scene.rule, agent=self.agent, hint=self.agent_hint, auto_assign=self.auto_assign, analysis=scene.analysis
        )
        people = self._behind(choice, scene)
        task = CreateTask(
            key=key(scene, self.action, position),
            rule=scene.rule,
            item=scene.item.ref,
            because=because(scene, "creates a task"),
            title=clean(on_one_line(title.filled(None)) or _UNTITLED, _TITLE_LIMIT),
            description=clean(description.filled(None), _DESCRIPTION_LIMIT),
            priority=self._priority(scene.analysis),
            agent=choice,
            assignees=assignees_after(scene.item, (*self.assignees, *_doers(people, scene.item))),
            labels=(*_foreign_labels(scene), *_missing(self.labels, scene.item)),
            analysis=scene.analysis,
            seen_at=scene.item.updated_at,
        )
        return (
            task,
            *self._labels(scene, position),
            *self._people(people, scene, position),
            *self._nobody(choice, people, scene),
        )

    def _behind(self, choice: AgentChoice | None, scene: Scene) -> tuple[str, ...]:
        return logins_behind(choice.name, scene.policy) if choice and self.auto_assign else ()

    def _priority(self, analysis: Analysis | None) -> Priority:
        return self.priority or (analysis.urgency.value if analysis else Priority.MEDIUM)

    def _labels(self, scene: Scene, position: int) -> Iterator[AddLabels]:
        missing = _missing(self.labels, scene.item)
        if missing and scene.item.ref.kind in HAS_THREAD:
            yield AddLabels(
                key=key(scene, f"{self.action}.labels", position),
                rule=scene.rule,
                item=scene.item.ref,
                because=because(scene, "labels what it makes a task of"),
                labels=missing,
            )

    def _people(self, behind: tuple[str, ...], scene: Scene, position: int) -> Iterator[AnyChange | Skip]:
        match scene.item.ref.kind:
            case ItemKind.ISSUE:
                yield from assign(scene, f"{self.action}.assignees", position, (*self.assignees, *behind))
            case ItemKind.PULL_REQUEST:
                yield from assign(scene, f"{self.action}.assignees", position, self.assignees)
                yield from ask(scene, f"{self.action}.reviewers", position, behind, "asks the people behind the agent")
            case _:
                return  # nothing else has people on GitHub: the task itself names them

    def _nobody(self, choice: AgentChoice | None, behind: tuple[str, ...], scene: Scene) -> Iterator[Skip]:
        if self.auto_assign and choice is None:
            nothing = "nothing speaks for any agent, so the task has none: name one with `agent` or `agent_hint`"
            yield skip(scene, f"{self.action}: auto_assign", nothing)
        elif self.auto_assign and choice and not behind and _maps_people(scene):
            yield skip(scene, f"{self.action}: auto_assign", nobody_behind(choice.name))


def _maps_people(scene: Scene) -> bool:
    """Whether the file says of any agent who is behind it: only then is one without people worth a word."""
    return any(agent.people for agent in scene.policy.agents)


def _doers(people: tuple[str, ...], item: Item) -> tuple[str, ...]:
    return but_the_author(people, item) if item.ref.kind is ItemKind.PULL_REQUEST else people


def _missing(labels: tuple[str, ...], item: Item) -> tuple[str, ...]:
    """GitHub takes labels for the same in any case."""
    there = {label.casefold() for label in item.labels}
    return tuple(label for label in labels if label.casefold() not in there)


def _foreign_labels(scene: Scene) -> tuple[str, ...]:
    """The item's labels without those that only show what the task says."""
    own = scene.policy.card.label_prefix
    return tuple(label for label in scene.item.labels if not (own and label.startswith(own)))
