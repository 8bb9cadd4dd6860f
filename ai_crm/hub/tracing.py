"""Whether an operator wants traces, and what is told about work while it is done: never what a delivery or change says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from ai_crm.errors import Problem, SettingsInvalid
from ai_crm.ports.queue import Inbox

# In the words of every program that makes traces: https://opentelemetry.io/docs/specs/otel/protocol/exporter/
_WHERE = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_HOW = ("OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
_SPOKEN = "http/protobuf"

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


def start_tracing(environ: Mapping[str, str]) -> Traces:
    """What the environment asks for; the SDK reads the rest of its own variables. Raises SettingsInvalid."""
    wanted = any(environ.get(name, "").strip() for name in _WHERE)
    if not wanted or environ.get("OTEL_TRACES_EXPORTER", "").strip() == "none":
        return NoTraces()
    for name in _HOW:
        if environ.get(name, "").strip() not in {"", _SPOKEN}:
            raise SettingsInvalid((Problem(name, 0, 0, "is not spoken here", f"only {_SPOKEN} is"),))
    try:
        from ai_crm.hub.spans import SpanTraces, provider_for  # noqa: PLC0415 - only where traces are wanted
    except ModuleNotFoundError as error:
        hint = 'install it: pip install "ai-crm[tracing]"'
        raise SettingsInvalid((Problem(_WHERE[0], 0, 0, "OpenTelemetry is missing", hint),)) from error
    return SpanTraces(provider_for(environ))


def _nobody(_outcome: str) -> None:
    """Hears what became of work that nobody traces."""
