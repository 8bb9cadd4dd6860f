"""What a doctor's command found out, and how it ends: each thing that it looked at, well or not, with what to do."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from msgspec import Struct

from ai_crm.cli.screen import show


class Finding(Struct, frozen=True):
    """One thing that was looked at; `hint` says what to do where it is not well."""

    what: str
    well: bool
    hint: str = ""

    def __str__(self) -> str:
        return f"{'✓' if self.well else '✗'} {self.what}{f'. {self.hint}' if self.hint else ''}"


def show_all(findings: Iterable[Finding]) -> None:
    """Shows them in their order, and ends the process with status 1 where one is not well."""
    found = tuple(findings)
    for finding in found:
        show(str(finding))
    if not all(finding.well for finding in found):
        sys.exit(1)
