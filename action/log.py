"""What the runner reads from our output: commands are ours alone, every other line is text whatever it looks like."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from actions_toolkit.command import issue_command

from ai_crm.cards.inert import clean
from ai_crm.errors import Problem

# The runner shows at most ten annotations of each kind per step; the rest stand in the summary.
_ANNOTATIONS = 10


class Log:
    """Writes the step's log. Away from a runner (`make run`) commands become plain lines.

    The runner obeys every line that looks like a command, even in the middle of an issue's title, so commands are
    switched off before any text, with a token that nobody can guess, and on again only for commands of ours.
    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands (2026-11)
    """

    def __init__(self, *, on_runner: bool) -> None:
        self._on_runner = on_runner
        self._token = os.urandom(16).hex()
        self._obeys = True
        self._shown = {"error": 0, "warning": 0, "notice": 0}

    def line(self, text: str = "") -> None:
        if self._on_runner and self._obeys:
            issue_command("stop-commands", {}, self._token)
            self._obeys = False
        sys.stdout.write(clean(text) + "\n")

    def lines(self, texts: Iterable[str]) -> None:
        for text in texts:
            self.line(text)

    def group(self, title: str, text: str) -> None:
        """A part of the log that folds."""
        if not self._on_runner:
            self.line(f"── {title}")
            self.lines(f"   {line}" for line in text.splitlines())
            return
        self._command("group", title)
        self.lines(text.splitlines())
        self._command("endgroup", "")

    def mask(self, forms: Iterable[str]) -> None:
        """Has the runner print these as stars from now on."""
        if self._on_runner:
            for form in forms:
                self._command("add-mask", form)

    def complain(self, message: str, *, failing: bool) -> None:
        """What a person must know of: an error where it fails the step, else a warning."""
        self._annotation("error" if failing else "warning", message, {})

    def point(self, problem: Problem, *, failing: bool) -> None:
        """The same, shown at its place in the file."""
        level = "error" if failing else "warning"
        if problem.line:
            self._annotation(level, problem.sentence, _place(problem))
        else:
            self._annotation(level, str(problem), {})

    def notice(self, message: str) -> None:
        self._annotation("notice", message, {})

    def close(self) -> None:
        """Gives the commands back to the runner."""
        if not self._obeys:
            issue_command(self._token, {}, "")
            self._obeys = True

    def _annotation(self, level: str, message: str, place: dict[str, str]) -> None:
        self._shown[level] += 1
        if not self._on_runner or self._shown[level] > _ANNOTATIONS:
            where = "{file}:{line}:{col}: ".format(**place) if place else ""
            self.line(f"{level}: {where}{message}")
            return
        self._command(level, message, {"title": "AI-CRM", **place})

    def _command(self, name: str, message: str, properties: dict[str, str] | None = None) -> None:
        self.close()
        issue_command(name, properties or {}, message)


def _place(problem: Problem) -> dict[str, str]:
    """Only these three: the toolkit prints a property that is empty as `endLine=`, which the runner refuses."""
    return {"file": problem.file, "line": str(problem.line), "col": str(problem.column)}
