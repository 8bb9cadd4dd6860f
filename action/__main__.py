"""The step as a program: inputs in, exit status out, and every error as a sentence that says what to do."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import suppress

from action.inputs import FailOn, Inputs, Run, read_inputs, read_run
from action.log import Log
from action.step import Step
from action.summary import failure_summary, write_summary
from ai_crm import wiring
from ai_crm.errors import AiCrmError, ConfigError, SettingsInvalid, Unsupported
from ai_crm.model.secret import mask_forms


def main(environ: Mapping[str, str]) -> int:
    """The step's exit status: 0, 1 for what could not be done, 2 for what a person must mend in inputs or rules."""
    log = Log(on_runner=environ.get("GITHUB_ACTIONS") == "true")
    try:
        return _guarded(environ, log)
    except Exception:  # noqa: BLE001 - a bug of ours; its traceback is text too, and the runner must obey none of it
        from traceback import format_exc  # noqa: PLC0415 - cold start

        log.lines(format_exc().splitlines())
        log.complain("AI-CRM has a bug; please report the lines above", failing=True)
        return 1
    finally:
        log.close()


def _guarded(environ: Mapping[str, str], log: Log) -> int:
    """The exit status for everything that is no bug."""
    fail_on = FailOn.CONFIG
    try:
        inputs, run = _read(environ)
        fail_on = inputs.fail_on
        log.mask(form for secret in inputs.secrets for form in mask_forms(secret))
        errors = wiring.finish(Step(inputs, run, log).take())
    except ConfigError as error:
        for problem in error.problems:
            log.point(problem, failing=fail_on is not FailOn.NONE)
        _summarise(environ, [str(problem) for problem in error.problems])
        return 0 if fail_on is FailOn.NONE else 2
    except AiCrmError as error:
        _summarise(environ, [str(error)])
        errors = (error,)
    return max((_complain(error, fail_on, log) for error in errors), default=0)


def _summarise(environ: Mapping[str, str], problems: list[str]) -> None:
    """The job summary of a run that came to nothing; best effort, because the log says it too."""
    with suppress(AiCrmError):
        write_summary(environ.get("GITHUB_STEP_SUMMARY", ""), failure_summary(problems))


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


def _complain(error: AiCrmError, fail_on: FailOn, log: Log) -> int:
    failing = fails(error, fail_on)
    log.complain(str(error), failing=failing)
    return int(failing)


def fails(error: AiCrmError, fail_on: FailOn) -> bool:
    """Whether the step fails for it.

    An outage may be over next time, and what a platform cannot do, or is not connected for, took nothing from the rest:
    only `any` minds these. Everything else somebody must mend.
    """
    passing = error.retry or isinstance(error, Unsupported)
    return fail_on is FailOn.ANY or (fail_on is FailOn.CONFIG and not passing)


if __name__ == "__main__":
    sys.exit(main(os.environ))
