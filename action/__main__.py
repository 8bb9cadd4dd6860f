"""The step as a program: inputs in, exit status out, and every error as a sentence that says what to do."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from action.inputs import FailOn, Inputs, Run, read_inputs, read_run
from action.log import Log
from action.step import Step
from ai_crm import wiring
from ai_crm.config.secret import mask_forms
from ai_crm.errors import AiCrmError, ConfigError, SettingsInvalid


def main(environ: Mapping[str, str]) -> int:
    """The step's exit status: 0, 1 for what could not be done, 2 for what a person must mend in inputs or rules."""
    log = Log(on_runner=environ.get("GITHUB_ACTIONS") == "true")
    fail_on = FailOn.CONFIG
    try:
        inputs, run = _read(environ)
        fail_on = inputs.fail_on
        log.mask(form for secret in inputs.secrets for form in mask_forms(secret))
        errors = wiring.finish(Step(inputs, run, log).take())
    except ConfigError as error:
        for problem in error.problems:
            log.point(problem, failing=fail_on is not FailOn.NONE)
        return 0 if fail_on is FailOn.NONE else 2
    except AiCrmError as error:
        errors = (error,)
    finally:
        log.close()
    return max((_complain(error, fail_on, log) for error in errors), default=0)


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
    """An outage may be over next time: only `any` fails the step for it. Everything else somebody must mend."""
    return fail_on is FailOn.ANY or (fail_on is FailOn.CONFIG and not error.retry)


if __name__ == "__main__":
    sys.exit(main(os.environ))
