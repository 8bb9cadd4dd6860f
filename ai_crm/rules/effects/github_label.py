"""`github_label`: puts labels on the issue or pull request, or takes them off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from msgspec import Struct

from ai_crm.model.change import AddLabels, AnyChange, RemoveLabels
from ai_crm.model.decision import Skip
from ai_crm.model.item import HAS_THREAD
from ai_crm.rules.effects.planning import because, key
from ai_crm.rules.effects.reading import check_kinds
from ai_crm.rules.rule import Place, Scene
from ai_crm.rules.shapes import LABELS, described, given, object_of
from ai_crm.rules.source import Node, Problems


class GithubLabel(Struct, frozen=True):
    """Only what makes a difference is planned: GitHub takes labels for the same in any case."""

    action: ClassVar[str] = "github_label"
    creates: ClassVar[bool] = False
    params: ClassVar[Mapping[str, Any]] = object_of(
        {
            "add": described(LABELS, "Labels to put on.", "triage"),
            "remove": described(LABELS, "Labels to take off.", "stale"),
        },
        one_of=("add", "remove"),
    )

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    @property
    def wants_analysis(self) -> bool:
        return False

    @classmethod
    def parse(cls, node: Node, place: Place, problems: Problems) -> GithubLabel:
        params = given(node, cls.params, cls.action, problems)
        check_kinds(cls.action, HAS_THREAD, node.at, place, problems)
        return cls(params.read(LABELS, "add", absent=()), params.read(LABELS, "remove", absent=()))

    def plan(self, scene: Scene, position: int) -> tuple[AnyChange | Skip, ...]:
        return tuple(self._steps(scene, position))

    def _steps(self, scene: Scene, position: int) -> Iterator[AnyChange]:
        there = {label.casefold() for label in scene.item.labels}
        add = tuple(label for label in self.add if label.casefold() not in there)
        if add:
            yield AddLabels(
                key=key(scene, f"{self.action}.add", position),
                rule=scene.rule,
                item=scene.item.ref,
                because=because(scene, "adds labels"),
                labels=add,
            )
        off = {label.casefold() for label in self.remove}
        remove = tuple(label for label in scene.item.labels if label.casefold() in off)
        if remove:
            yield RemoveLabels(
                key=key(scene, f"{self.action}.remove", position),
                rule=scene.rule,
                item=scene.item.ref,
                because=because(scene, "takes labels off"),
                labels=remove,
            )
