"""What the step tells people and later steps: its part of the log, and its outputs."""

from __future__ import annotations

import os
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from action.log import Log
from ai_crm.cards import text
from ai_crm.cards.task_card import analysis_card
from ai_crm.flow.deliver import Failure, Report
from ai_crm.flow.describe import describe
from ai_crm.model.change import AnyChange, Applied, CreateTask, OutboundChange, Outcome, UpdateTask
from ai_crm.model.decision import Answer, Decision
from ai_crm.model.event import Event
from ai_crm.model.task import Task
from ai_crm.rules.explain import explain

_NOTHING = {
    Answer.NOTHING: "Nothing to do: no rule matched, or all that they want is there already.",
    Answer.ECHO: "Nothing to do: this is our own doing coming back.",
    Answer.OFF: "Nothing to do: automation is switched off in the rules file.",
    Answer.ACT: "Nothing changed: all of this was done before.",
}


class Told(Struct, frozen=True, kw_only=True):
    """One event, what was decided about it, and what came of it. `report` is None in a run that only looks."""

    event: Event
    decision: Decision
    report: Report | None

    @property
    def created(self) -> int:
        return len(self.report.created) if self.report else self._planned(CreateTask)

    @property
    def updated(self) -> int:
        return len(self.report.updated) if self.report else self._planned(UpdateTask)

    @property
    def tasks(self) -> tuple[Task, ...]:
        return (*self.report.created, *self.report.updated) if self.report else ()

    @property
    def changed(self) -> bool:
        """Whether anything is different now."""
        done = (
            (applied.outcome in {Outcome.DONE, Outcome.YIELDED} for _, applied in self.report.applied)
            if self.report
            else ()
        )
        return bool(self.tasks) or any(done)

    @property
    def failures(self) -> tuple[Failure, ...]:
        return self.report.failures if self.report else ()

    def _planned(self, kind: type[AnyChange]) -> int:
        return sum(isinstance(change, kind) for change in self.decision.changes)


def tell(told: Told, log: Log) -> None:
    """The part of the log that is about one event."""
    event, decision = told.event, told.decision
    log.line(f'{event.name} on {event.item.ref.kind} {event.item.ref.id} "{event.item.title}" by {event.actor.login}')
    log.group("Why", explain(decision))
    for change in decision.changes:
        if isinstance(change, CreateTask) and change.analysis:
            log.group("PM analysis", text.render(analysis_card(change.title, change.analysis)))
    log.lines(f"  {line}" for line in _lines(told))
    if told.report and not told.changed:
        log.line(f"  {_NOTHING[decision.answer]}")
    for change, applied in told.report.applied if told.report else ():
        if applied.outcome is Outcome.SHOWN and applied.detail:
            log.group(f"Would have posted to {change.item.platform} {change.item.id}", applied.detail)
    log.lines(f"  skipped {skip.action} of {skip.rule}: {skip.because}" for skip in decision.skips)


def _lines(told: Told) -> Iterator[str]:
    """What was done, or would be."""
    if told.report is None:
        yield from (describe(change).planned() for change in told.decision.changes)
        return
    for task in told.report.created:
        agent = f", {task.agent.name}" if task.agent else ""
        yield f'created {task.id} "{task.title}" ({task.priority}{agent})'
    for task in told.report.updated:
        yield f"updated {task.id}: {task.history[-1].what}"
    for change, applied in told.report.applied:
        yield result(change, applied, told.report.tasks)


def result(change: OutboundChange, applied: Applied, tasks: tuple[Task, ...]) -> str:
    words = describe(change, next((task for task in tasks if task.rule == change.rule), None))
    detail = f" ({applied.detail})" if applied.detail and applied.outcome is not Outcome.SHOWN else ""
    match applied.outcome:
        case Outcome.SHOWN:
            return words.planned()
        case Outcome.ALREADY:
            return f"already there: {words.rest}{detail}"
        case Outcome.DONE | Outcome.YIELDED:
            return f"{words.done()}{detail}"


def outputs(all_told: tuple[Told, ...]) -> dict[str, str]:
    """The step's outputs. `decision` is one decision, or a list where one delivery was several events."""
    decisions = [told.decision for told in all_told]
    return {
        "tasks_created": str(sum(told.created for told in all_told)),
        "tasks_updated": str(sum(told.updated for told in all_told)),
        "task_ids": _json([task.id for told in all_told for task in told.tasks]),
        "matched_rules": _json(list(dict.fromkeys(rule for decision in decisions for rule in decision.matched))),
        "decision": _json(decisions[0] if len(decisions) == 1 else decisions),
    }


def write_outputs(path: str, values: dict[str, str]) -> None:
    """Appends outputs for later steps, each between delimiters that no value can guess.

    GitHub's own toolkit once used a fixed one, which let a value declare further outputs (CVE-2022-35954).
    """
    if not path:
        return
    with open(path, "a", encoding="utf-8") as file:
        for name, value in values.items():
            delimiter = f"ai-crm-{os.urandom(32).hex()}"
            file.write(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
