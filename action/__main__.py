"""The step from beginning to end: what happened, what the rules say, what came of it, and whether that is a failure."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from datetime import timedelta

from msgspec import Struct

from action.delivery import SCHEDULE, brand_new, only_looks, read_delivery, read_workspace_rules, scheduled
from action.inputs import ConfigSource, FailOn, Inputs, Run, read_inputs, read_run
from action.log import Log
from action.report import Told, outputs, tell, write_outputs
from action.summary import summary, write_summary
from ai_crm import wiring
from ai_crm.analysis import offline_analyst
from ai_crm.config.policy import load_policy
from ai_crm.config.secret import mask_forms
from ai_crm.errors import AiCrmError, ConfigError, SettingsInvalid
from ai_crm.flow.consider import consider
from ai_crm.flow.deliver import deliver
from ai_crm.model.event import Event
from ai_crm.model.item import PlatformName
from ai_crm.platforms.github import GitHub
from ai_crm.ports import Analyst, Applier, Platform, RulesText, Store
from ai_crm.rules.rule import Defaults, Policy

# A schedule asks about the items that nobody touched for the longest time, a page of them.
_SILENT_FOR = timedelta(days=1)
_MOST_SILENT = 100


class _Hands(Struct, frozen=True):
    """What deciding and carrying out needs. `looks_only` stops before the first write."""

    platform: Platform
    store: Store
    appliers: Mapping[PlatformName, Applier]
    analyst: Analyst
    looks_only: bool


def main(environ: Mapping[str, str]) -> int:
    """The step's exit status: 0, 1 for what could not be done, 2 for what a person must mend in inputs or rules."""
    log = Log(on_runner=environ.get("GITHUB_ACTIONS") == "true")
    fail_on = FailOn.CONFIG
    try:
        inputs, run = _read(environ)
        fail_on = inputs.fail_on
        log.mask(form for secret in inputs.secrets for form in mask_forms(secret))
        return wiring.finish(_step(inputs, run, log))
    except ConfigError as error:
        for problem in error.problems:
            log.complain(str(problem), problem, failing=fail_on is not FailOn.NONE)
        return 0 if fail_on is FailOn.NONE else 2
    except AiCrmError as error:
        return _complain(error, fail_on, log)
    finally:
        log.close()


def _read(environ: Mapping[str, str]) -> tuple[Inputs, Run]:
    """Inputs and run, with the problems of both at once."""
    try:
        inputs = read_inputs(environ)
    except SettingsInvalid as broken:
        try:
            read_run(environ)
        except SettingsInvalid as also:
            raise SettingsInvalid((*broken.problems, *also.problems)) from None
        raise
    return inputs, read_run(environ)


async def _step(inputs: Inputs, run: Run, log: Log) -> int:
    delivery = read_delivery(run)
    events = wiring.decoder(PlatformName.GITHUB)(delivery) if run.event_name != SCHEDULE else ()
    github = _github(inputs, run, events)
    if run.event_name == SCHEDULE:
        since = wiring.SystemClock().now() - _SILENT_FOR
        events = scheduled(run, delivery, await github.untouched(run.repository, since, _MOST_SILENT))
    rules = await _rules(github, inputs, run) if events else None
    if rules is None:
        log.notice(_idle(inputs, run, events))
        write_outputs(run.output, outputs(()))
        return 0
    log.line(f"Rules: {rules.path} ({rules.origin})")
    defaults = Defaults(pm_analysis=inputs.pm_analysis, auto_assign=inputs.auto_assign)
    policy = load_policy(rules.text, rules.path, defaults)
    log.lines(f"note: {warning}" for warning in policy.warnings)
    looked = only_looks(run, inputs, delivery)
    if looked:
        log.notice(f"Only looking, nothing is written: {looked}")
    told, errors = await _handle(events, policy, _hands(github, inputs, run, looked), log)
    write_summary(run.summary, summary(told, f"{rules.path} ({rules.origin})", looked, errors))
    write_outputs(run.output, outputs(told))
    return max((_complain(error, inputs.fail_on, log) for error in errors), default=0)


def _github(inputs: Inputs, run: Run, events: tuple[Event, ...]) -> GitHub:
    access = wiring.Access(
        token=inputs.github_token.reveal,
        api_url=run.api_url,
        graphql_url=run.graphql_url,
        proxy=run.proxy.reveal(),
    )
    branch = events[0].project.default_branch if events else ""
    setup = wiring.Setup(rules_path=inputs.config_path, default_branch=branch, fresh=brand_new(events, run))
    return wiring.github(access, setup)


async def _rules(github: GitHub, inputs: Inputs, run: Run) -> RulesText | None:
    if inputs.config_source is ConfigSource.WORKSPACE:
        return read_workspace_rules(run, inputs.config_path)
    return await github.rules(run.repository)


def _idle(inputs: Inputs, run: Run, events: tuple[Event, ...]) -> str:
    """Why there is nothing to do, and what to do about it."""
    if not events:
        return f"{run.event_name} says nothing that tasks are made of: nothing to do"
    return (
        f"There is no {inputs.config_path} in the {inputs.config_source.replace('_', ' ')} of {run.repository}: nothing to "
        "do. Add one that says what shall become a task: `ai-crm templates list` shows ready rules"
    )


def _hands(github: GitHub, inputs: Inputs, run: Run, looked: str) -> _Hands:
    connected = github if inputs.github_token else None
    return _Hands(
        platform=github,
        store=wiring.store(inputs.database_url, run.repository, connected),
        appliers=wiring.appliers(connected, inputs.chat),
        analyst=offline_analyst(),
        looks_only=bool(looked),
    )


async def _handle(
    events: tuple[Event, ...], policy: Policy, hands: _Hands, log: Log
) -> tuple[tuple[Told, ...], tuple[AiCrmError, ...]]:
    """What came of each event. One that fails does not stop the others."""
    told: list[Told] = []
    errors: list[AiCrmError] = []
    for event in events:
        try:
            one = await _handle_one(event, policy, hands)
        except AiCrmError as error:
            errors.append(error)
            continue
        tell(one, log)
        told.append(one)
        errors.extend(failure.error for failure in one.failures)
    return tuple(told), tuple(errors)


async def _handle_one(event: Event, policy: Policy, hands: _Hands) -> Told:
    now = wiring.SystemClock().now()
    considered = await consider(event, hands.platform, hands.store, policy, hands.analyst, now)
    if hands.looks_only:
        return Told(event=event, decision=considered.decision, report=None)
    report = await deliver(considered.decision, hands.store, hands.appliers, now)
    return Told(event=event, decision=considered.decision, report=report)


def _complain(error: AiCrmError, fail_on: FailOn, log: Log) -> int:
    failing = fails(error, fail_on)
    log.complain(str(error), failing=failing)
    return int(failing)


def fails(error: AiCrmError, fail_on: FailOn) -> bool:
    """An outage may be over next time: only `any` fails the step for it. Everything else somebody must mend."""
    return fail_on is FailOn.ANY or (fail_on is FailOn.CONFIG and not error.retry)


if __name__ == "__main__":
    sys.exit(main(os.environ))
