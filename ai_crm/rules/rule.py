"""What a rule is made of: triggers, one tree of conditions, effects; and the policy that a whole file amounts to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Protocol

from msgspec import Struct

from ai_crm.model.agent import Agent, Contact
from ai_crm.model.analysis import Analysis
from ai_crm.model.change import AnyChange, CreateTask
from ai_crm.model.decision import Finding, Skip
from ai_crm.model.event import Event
from ai_crm.model.item import Item, ItemKind, Needs
from ai_crm.model.status_name import StatusName
from ai_crm.model.task import RuleId, Task
from ai_crm.model.trigger import Trigger
from ai_crm.rules.schedule import Schedule
from ai_crm.rules.source import Mark, Node, Problems


class Condition(Protocol):
    """What must hold: one predicate, or several that `predicates.combine` puts together.

    `late` are the later events that can change its answer, such as `labeled` for labels.
    """

    @property
    def late(self) -> tuple[str, ...]: ...

    def needs(self) -> Needs: ...

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding: ...


class Predicate(Condition, Protocol):
    """One condition. A new one is a frozen Struct with these members and its line in `predicates.PREDICATES`.

    `keys` are its spellings in a file, the documented one first. `kinds` are the items it can be asked about, None for
    all. `schema` is the JSON Schema of its value: a test proves that schema and `parse` accept the same files.
    """

    keys: ClassVar[tuple[str, ...]]
    kinds: ClassVar[frozenset[ItemKind] | None]
    late: ClassVar[tuple[str, ...]]
    schema: ClassVar[dict[str, Any]]

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> Predicate | None:
        """The predicate, or None after telling `problems` what is wrong."""
        ...


class CardSettings(Struct, frozen=True, kw_only=True):
    """How tasks show on a platform: the card as a comment, and labels such as `ai-crm/high`."""

    comment: bool = True
    labels: tuple[str, ...] = ("priority", "agent")
    label_prefix: str = "ai-crm/"


class Team(Struct, frozen=True):
    """A team that the file itself declares, so that no platform needs to be asked who is in it."""

    name: str
    members: tuple[str, ...]


class Rule(Struct, frozen=True, kw_only=True):
    """`id` is the name that tasks remember. `condition` is always a tree whose root wants all of its parts.

    A rule that is not `enabled` stays in the policy, so that it can say so when someone asks why it did nothing.
    `schedule` says when the hub asks a rule whose trigger comes by the clock; None where the file does not say.
    """

    id: RuleId
    triggers: tuple[Trigger, ...]
    condition: Condition
    effects: tuple[Effect, ...]
    at: Mark
    note: str = ""
    enabled: bool = True
    schedule: Schedule | None = None

    @property
    def creates(self) -> bool:
        """Whether it makes a task: then it is done with an item once the task exists."""
        return any(effect.creates for effect in self.effects)


class Policy(Struct, frozen=True, kw_only=True):
    """Everything a rules file says. `fingerprint` is the sha256 of the file's bytes.

    `learned` is the path, in the project, of what the project's own history taught the analysis; empty for none.
    """

    enabled: bool
    rules: tuple[Rule, ...]
    agents: tuple[Agent, ...]
    people: tuple[Contact, ...]
    teams: tuple[Team, ...]
    card: CardSettings
    fingerprint: str
    statuses: tuple[StatusName, ...] = ()
    warnings: tuple[str, ...] = ()
    learned: str = ""


class Scene(Struct, frozen=True, kw_only=True):
    """What an effect may look at.

    `task` is the task that the rule already has for this item; `planned` the one that an earlier effect of the same
    rule is about to create. Templates take `{task.…}` from whichever there is. `tasks` are all of the item's, oldest
    first. `once` says that the rule creates a task, so that what it wants happens once per item, not per event.
    """

    rule: RuleId
    event: Event
    item: Item
    task: Task | None
    policy: Policy
    planned: CreateTask | None
    analysis: Analysis | None
    once: bool = False
    tasks: tuple[Task, ...] = ()


class Defaults(Struct, frozen=True, kw_only=True):
    """What holds for a rule that says nothing itself: the step's inputs of the same names."""

    pm_analysis: bool = True
    auto_assign: bool = False


class Place(Struct, frozen=True, kw_only=True):
    """Where an effect stands in its file: what its rule waits for, and the names that it may use.

    `task` says that templates may say `{task.…}` here; `creates` that the rule makes a task of its own.
    """

    triggers: tuple[Trigger, ...]
    task: bool
    creates: bool
    agents: tuple[str, ...]
    rules: tuple[str, ...]
    defaults: Defaults
    statuses: tuple[StatusName, ...] = ()


class Effect(Protocol):
    """One thing that a matching rule wants. A new one is a frozen Struct with its line in `effects.EFFECTS`.

    `action` is its name in a file's `actions:`, `params` the JSON Schema of its parameters, `creates` whether it makes
    the rule's task: a rule that does is done with an item once the task exists. `wants_analysis` asks for the PM
    analysis of the item before `plan` is called.
    """

    action: ClassVar[str]
    params: ClassVar[Mapping[str, Any]]
    creates: ClassVar[bool]

    @property
    def wants_analysis(self) -> bool: ...

    @classmethod
    def parse(cls, node: Node, place: Place, problems: Problems) -> Effect | None:
        """The effect from its parameters, or None after telling `problems` what is wrong."""
        ...

    def plan(self, scene: Scene, position: int) -> tuple[AnyChange | Skip, ...]:
        """The changes, in order; a Skip for what cannot be done. `position` tells equal effects of a rule apart."""
        ...
