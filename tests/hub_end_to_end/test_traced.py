"""Traces: an event's way through the hub is one trace, and nothing of what the event says is in it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ai_crm.errors import SettingsInvalid
from ai_crm.hub.spans import EventIds, SpanTraces
from ai_crm.hub.tracer import start_tracing
from ai_crm.hub.tracing import NoTraces, Span
from tests.doubles.github_server import FakeGitHub
from tests.doubles.hub import SECRET, Hub
from tests.doubles.otlp_sink import Sink, attributes
from tests.hub_end_to_end.conftest import UNPACED, opened

EVENT = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def finished() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def traces(finished: InMemorySpanExporter) -> SpanTraces:
    provider = TracerProvider(id_generator=EventIds(), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(finished))
    return SpanTraces(provider)


def test_the_way_of_an_event_is_one_trace_and_tells_nothing_of_what_it_says(
    tmp_path: Path, github: FakeGitHub, root: Path
) -> None:
    with Sink() as sink:
        hub = Hub(tmp_path, {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, **UNPACED})
        hub.connect(github.url)
        key = hub.key()
        with hub:
            event = hub.send("issues", opened(github, root, "A canary in the title")).json()["event_id"]
            assert hub.settled(event, key)["state"] == "done"
            assert hub.stop() == 0

    assert sink.services == {"ai-crm"}
    of_event = [span for span in sink.spans if span.trace_id.hex() == event]
    steps = Counter(span.name for span in of_event)
    assert (steps["receive"], steps["decide"]) == (1, 1)
    parents = {span.span_id: span for span in of_event}
    calls = [parents[span.parent_span_id] for span in of_event if span.name == "call"]
    assert {span.name for span in calls} == {"decide", "carry out"}
    steps_told = [attributes(span) for span in of_event if span.name != "call"]
    assert {told["ai_crm.event_id"] for told in steps_told} == {event}
    assert {told["ai_crm.outcome"] for told in steps_told} == {"queued", "done"}
    kinds = Counter(told["ai_crm.kind"] for told in steps_told if "ai_crm.kind" in told)
    assert {"show_card", "comment"} <= set(kinds)
    assert set(kinds.values()) == {1}
    sent = b"".join(sink.raw)
    for secret in (b"canary", SECRET.encode(), b"signature", b"Thank you", b"octo/hello"):
        assert secret not in sent


def test_an_error_is_told_by_its_type_alone(traces: SpanTraces, finished: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="of a stranger"), traces.work(Span("decide", EVENT, {})), traces.call():
        raise ValueError("the words of a stranger")
    call, work = finished.get_finished_spans()
    assert [span.attributes and span.attributes["error.type"] for span in (call, work)] == ["ValueError", "ValueError"]
    assert "stranger" not in call.to_json() + work.to_json()
    assert call.parent is not None
    assert work.context is not None
    assert call.parent.span_id == work.context.span_id


@pytest.mark.parametrize("event", [EVENT, "schedule:daily", ""])
def test_every_process_gives_an_events_trace_the_same_id(
    traces: SpanTraces, finished: InMemorySpanExporter, event: str
) -> None:
    began = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
    with traces.work(Span("receive", event, {}, began=began)), traces.work(Span("decide", event, {})):
        pass
    decide, receive = finished.get_finished_spans()
    assert (receive.parent, decide.parent) == (None, None)
    assert receive.context is not None
    assert decide.context is not None
    assert (receive.context.trace_id == decide.context.trace_id) is bool(event)
    assert receive.start_time == 1795521600123456000
    if event == EVENT:
        assert f"{receive.context.trace_id:032x}" == event


def test_nothing_of_opentelemetry_is_loaded_where_nobody_wants_traces() -> None:
    program = (
        "import sys, ai_crm.hub.process; from ai_crm.hub.tracer import start_tracing; start_tracing({});"
        "print([name for name in sys.modules if name.startswith(('opentelemetry', 'redis'))])"
    )
    done = subprocess.run((sys.executable, "-I", "-c", program), check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_what_is_asked_for_is_answered_at_the_start() -> None:
    where = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}
    assert isinstance(start_tracing({}), NoTraces)
    assert isinstance(start_tracing({**where, "OTEL_TRACES_EXPORTER": "none"}), NoTraces)
    traces = start_tracing({**where, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"})
    assert isinstance(traces, SpanTraces)
    traces.close()
    with pytest.raises(SettingsInvalid, match="OTEL_EXPORTER_OTLP_PROTOCOL"):
        start_tracing({**where, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
