"""What the step tells people and later steps: its part of the log, and its outputs."""

from __future__ import annotations

import os
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from action.log import Log
from ai_crm.cards import text
from ai_crm.cards.task_card import analysis_card
from ai_crm.errors import AiCrmError, Problem, SettingsInvalid
from ai_crm.flow.consider import LEARNED
from ai_crm.flow.deliver import Report
from ai_crm.flow.describe import Wording, describe
from ai_crm.model.change import (
    AnyChange,
    Applied,
    CallWebhook,
    CreateTask,
    Notify,
    OutboundChange,
    Outcome,
    UpdateTask,
)
from ai_crm.model.decision import Answer, Decision
from ai_crm.model.event import Event
from ai_crm.model.task import Task
from ai_crm.rules.explain import explain


class Told(Struct, frozen=True, kw_only=True):
    """One event, what was decided about it, and what came of it.

    `report` is None in a run that only looks, and in one that `stopped` before anything was carried out. `unseen` is
    what the rules asked for and the token must not see. `in_hub`: the hub sends the messages.
    """

    event: Event
    decision: Decision
    report: Report | None = None
    stopped: AiCrmError | None = None
    unseen: AiCrmError | None = None
    in_hub: bool = False

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
    def handed(self) -> tuple[OutboundChange, ...]:
        """The messages that the hub has now, and sends once."""
        if not self.in_hub or self.report is None:
            return ()
        return tuple(change for change in self.decision.changes if isinstance(change, Notify | CallWebhook))

    @property
    def changed(self) -> bool:
        """Whether anything is different now."""
        done = (
            (applied.outcome in {Outcome.DONE, Outcome.YIELDED} for _, applied in self.report.applied)
            if self.report
            else ()
        )
        return bool(self.tasks or self.handed) or any(done)

    @property
    def was_done(self) -> bool:
        """Whether rules matched and everything that they want is there already."""
        left = [skip for skip in self.decision.skips if skip.action != LEARNED]
        return bool(self.decision.matched) and not left and not self.errors

    @property
    def errors(self) -> tuple[AiCrmError, ...]:
        """What could not be done."""
        failures = tuple(failure.error for failure in self.report.failures) if self.report else ()
        return (*(error for error in (self.unseen, self.stopped) if error), *failures)

    def _planned(self, kind: type[AnyChange]) -> int:
        return 0 if self.stopped else sum(isinstance(change, kind) for change in self.decision.changes)


def tell(told: Told, log: Log) -> None:
    """The part of the log that is about one event."""
    event, decision = told.event, told.decision
    log.line(f'{event.name} on {event.item.ref.kind} {event.item.ref.id} "{event.item.title}" by {event.actor.login}')
    log.group("Why", explain(decision))
    for change in decision.changes:
        if isinstance(change, CreateTask) and change.analysis:
            log.group("PM analysis", text.render(analysis_card(change.title, change.analysis)))
    log.lines(f"  {line}" for line in _lines(told))
    if told.stopped or (told.report and not told.changed):
        log.line(f"  {_idle(told)}")
    for change, applied in told.report.applied if told.report else ():
        if applied.outcome is Outcome.SHOWN and applied.detail:
            visible = applied.detail.partition("<!-- ai-crm:state")[0]
            log.group(f"Would have posted to {change.item.kind} {change.item.id}", visible)
    for skip in decision.skips:
        if skip.action == LEARNED:
            log.complain(f"{skip.rule}: {skip.because}", failing=False)
        else:
            log.line(f"  skipped {skip.action} ({skip.rule}): {skip.because}")


def _idle(told: Told) -> str:
    match told.decision.answer:
        case Answer.ECHO:
            return "Nothing to do: this is our own doing coming back."
        case Answer.OFF:
            return "Nothing to do: automation is switched off in the rules file."
        case Answer.ACT | Answer.NOTHING if told.was_done:
            return "Nothing changed: all of this was done before."
        case Answer.ACT | Answer.NOTHING if told.decision.matched:
            return "Nothing changed: what the rules want could not be done."
        case Answer.ACT | Answer.NOTHING:
            return "Nothing to do: no rule matched, and no task of this item is touched by it."


def _lines(told: Told) -> Iterator[str]:
    """What was done, or would be."""
    if told.report is None:
        yield from (describe(change).planned() for change in told.decision.changes if not told.stopped)
        return
    for task in told.report.created:
        agent = f", {task.agent.name}" if task.agent else ""
        yield f'created {task.id} "{task.title}" ({task.priority}{agent})'
    for task in told.report.updated:
        yield f"updated {task.id}: {task.history[-1].what}"
    for change, applied in told.report.applied:
        yield result(change, applied, told.report.tasks)
    for change in told.handed:
        yield left_to_hub(change, told.report.tasks)


def result(change: OutboundChange, applied: Applied, tasks: tuple[Task, ...]) -> str:
    words = _worded(change, tasks)
    detail = f" ({applied.detail})" if applied.detail and applied.outcome is not Outcome.SHOWN else ""
    match applied.outcome:
        case Outcome.SHOWN:
            return words.planned()
        case Outcome.ALREADY:
            return f"already there: {words.rest}{detail}"
        case Outcome.DONE | Outcome.YIELDED:
            return f"{words.done()}{detail}"


def left_to_hub(change: OutboundChange, tasks: tuple[Task, ...]) -> str:
    return f"left to the hub: {_worded(change, tasks).rest}"


def _worded(change: OutboundChange, tasks: tuple[Task, ...]) -> Wording:
    return describe(change, next((task for task in tasks if task.rule == change.rule), None))


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
    for name, value in values.items():
        delimiter = f"ai-crm-{os.urandom(32).hex()}"
        append(path, f"{name}<<{delimiter}\n{value}\n{delimiter}\n", "GITHUB_OUTPUT")


def append(path: str, text: str, variable: str) -> None:
    """Adds to a file that the runner named; away from a runner there is none. Raises SettingsInvalid."""
    if not path:
        return
    try:
        with open(path, "a", encoding="utf-8", newline="") as file:
            file.write(text)
    except OSError as error:
        problem = Problem(variable, 0, 0, f"cannot be written: {error.strerror}", "the runner names it for each step")
        raise SettingsInvalid((problem,)) from error


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
