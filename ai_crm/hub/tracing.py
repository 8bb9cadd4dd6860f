"""What is told about work while it is done: never what a delivery or change says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from ai_crm.ports.queue import Inbox

# Takes what became of the work, in a word.
Tell = Callable[[str], None]


class Span(Struct, frozen=True):
    """One step of an event's way. `about` are names and numbers of ours; `began` is when, if that was before now."""

    step: str
    event: str
    about: Mapping[str, str | int]
    began: datetime | None = None


class Traces(Protocol):
    """Spans of one trace for each event, whichever processes work on it."""

    def receiving(self, inbox: Inbox) -> Inbox:
        """The same inbox, with a span from the receipt of each delivery until it is stored."""
        ...

    def work(self, span: Span) -> AbstractContextManager[Tell]:
        """A span for as long as this lasts."""
        ...

    def call(self) -> AbstractContextManager[None]:
        """A span for one call to somebody else, within the work that makes it."""
        ...

    def close(self) -> None:
        """Sends what is not sent yet. Blocks for some seconds where nobody takes it."""
        ...


class NoTraces:
    """Implements Traces where nobody wants any."""

    def receiving(self, inbox: Inbox) -> Inbox:
        return inbox

    def work(self, span: Span) -> AbstractContextManager[Tell]:  # noqa: ARG002 - as it says
        return nullcontext(_nobody)

    def call(self) -> AbstractContextManager[None]:
        return nullcontext()

    def close(self) -> None:
        return


def _nobody(_outcome: str) -> None:
    """Hears what became of work that nobody traces."""
