"""What other rules would have made of an event that was: nothing is looked up, and nothing follows. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from ai_crm.flow.decide import analysed, decide
from ai_crm.model.decision import Decision
from ai_crm.model.event import Event
from ai_crm.model.item import Needs
from ai_crm.model.task import Task
from ai_crm.ports import Analyst
from ai_crm.rules.evaluate import needs_of
from ai_crm.rules.rule import Policy


class Rehearsal(Struct, frozen=True):
    """A decision that is not carried out. `unknown` says what its rules would have asked the platform for."""

    decision: Decision
    unknown: tuple[str, ...]


def rehearse(event: Event, tasks: tuple[Task, ...], policy: Policy, analyst: Analyst, at: datetime) -> Rehearsal:
    """The decision of these rules at the time `at`, from what the event itself tells and the item's tasks of today.

    What it made itself counts as unfinished, so that it is decided as if for the first time.
    """
    quiet = event.echo or not policy.enabled
    needs = Needs() if quiet else needs_of(policy, event, at)
    learned = policy.learned if analysed(event, event.item, tasks, policy, at) else ""
    return Rehearsal(decide(event, event.item, tasks, policy, analyst, at), tuple(_words(needs, learned)))


def _words(needs: Needs, learned: str) -> Iterator[str]:
    if needs.files:
        yield "which files were changed"
    for team in needs.teams:
        yield f"whether the author is in {team}"
    if learned:
        yield f"what {learned} taught the analysis"
