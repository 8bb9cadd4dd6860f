"""Spans as OpenTelemetry makes them: an event's id is the id of its trace, so that no process hands it to the next one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Span, SpanKind, StatusCode, use_span

from ai_crm import __version__
from ai_crm.hub import tracing
from ai_crm.model.decision import Decision
from ai_crm.model.delivery import Delivery, Lease, Setback
from ai_crm.ports.queue import Accepted, HeldDelivery, Inbox

_EVENT: ContextVar[str] = ContextVar("event", default="")
_TRACE_ID = re.compile("[0-9a-f]{32}")


def provider_for(environ: Mapping[str, str]) -> TracerProvider:
    """Sends spans, many at once, to where the environment says."""
    ours = {"service.version": __version__}
    if not environ.get("OTEL_SERVICE_NAME") and "service.name" not in environ.get("OTEL_RESOURCE_ATTRIBUTES", ""):
        ours["service.name"] = "ai-crm"
    provider = TracerProvider(resource=Resource.create(dict(ours)), id_generator=EventIds(), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


class EventIds(RandomIdGenerator):
    """The ids of traces are those of events. Whether a trace is sampled follows from its id, and so from the event."""

    def generate_trace_id(self) -> int:
        event = _EVENT.get()
        if not event:
            return super().generate_trace_id()
        return int(event if _TRACE_ID.fullmatch(event) else hashlib.sha256(event.encode()).hexdigest()[:32], 16)


class SpanTraces:
    """Implements hub.tracing.Traces. The provider's ids are EventIds."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("ai-crm", __version__)

    def receiving(self, inbox: Inbox) -> Inbox:
        return _TracedInbox(inbox, self)

    @contextmanager
    def work(self, span: tracing.Span) -> Iterator[tracing.Tell]:
        began = self._begun(span)
        with _current(began):
            yield lambda outcome: began.set_attribute("ai_crm.outcome", outcome)

    @contextmanager
    def call(self) -> Iterator[None]:
        with _current(self._tracer.start_span("call", kind=SpanKind.CLIENT)):
            yield

    def close(self) -> None:
        self._provider.shutdown()

    def _begun(self, span: tracing.Span) -> Span:
        """A trace's beginning, whatever it is called from: what goes on elsewhere has the same trace by its id alone."""
        since = None if span.began is None else int(span.began.timestamp() * 1_000_000) * 1000
        attributes = {"ai_crm.event_id": span.event, **{f"ai_crm.{name}": value for name, value in span.about.items()}}
        named = _EVENT.set(span.event)
        try:
            return self._tracer.start_span(span.step, Context(), SpanKind.INTERNAL, attributes, start_time=since)
        finally:
            _EVENT.reset(named)


class _TracedInbox:
    """Implements ports.queue.Inbox."""

    def __init__(self, inbox: Inbox, traces: SpanTraces) -> None:
        self._inbox = inbox
        self._traces = traces

    async def accept(self, delivery: Delivery) -> Accepted:
        about = {"platform": delivery.platform, "connection": delivery.connection}
        span = tracing.Span("receive", delivery.id, about, began=delivery.received_at)
        with self._traces.work(span) as tell:
            accepted = await self._inbox.accept(delivery)
            tell("duplicate" if accepted.duplicate else "queued")
        return accepted

    async def take(self, holder: str, now: datetime, most: int) -> tuple[HeldDelivery, ...]:
        return await self._inbox.take(holder, now, most)

    async def decide(self, lease: Lease, decisions: tuple[Decision, ...], now: datetime) -> None:
        await self._inbox.decide(lease, decisions, now)

    async def postpone(self, lease: Lease, setback: Setback, until: datetime) -> None:
        await self._inbox.postpone(lease, setback, until)

    async def bury(self, lease: Lease, setback: Setback, now: datetime) -> None:
        await self._inbox.bury(lease, setback, now)


@contextmanager
def _current(span: Span) -> Iterator[None]:
    """An error is told by its type alone: its text may quote a stranger."""
    with use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
        try:
            yield
        except Exception as error:
            span.set_status(StatusCode.ERROR)
            span.set_attribute("error.type", type(error).__name__)
            raise
