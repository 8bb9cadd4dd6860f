"""What the hub tells about itself: one JSON line for each event, and counters; never a body, a header or a secret."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import MutableMapping
from datetime import datetime
from types import TracebackType
from typing import Any, TextIO

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from structlog.typing import EventDict, WrappedLogger

from ai_crm.errors import AiCrmError
from ai_crm.ports.queue import Backlog


class Metrics:
    """Counters of one process, each with a bounded set of labels."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.webhooks = self._counter("webhooks", "Webhook calls", "platform", "outcome")
        self.webhook_seconds = Histogram(
            "ai_crm_webhook_seconds",
            "Time from the first look at a webhook call to its answer",
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self.events = self._counter("events", "Events that were worked on", "platform", "outcome")
        self.changes = self._counter("changes", "Changes that were worked on", "platform", "kind", "outcome")
        self.decided_seconds = Histogram(
            "ai_crm_decided_seconds",
            "Time from the receipt of a delivery to the decision about it",
            ("platform",),
            buckets=_LONG_BUCKETS,
            registry=self._registry,
        )
        self.settled_seconds = Histogram(
            "ai_crm_settled_seconds",
            "Time from a decision to the end of a change that it wanted",
            ("platform",),
            buckets=_LONG_BUCKETS,
            registry=self._registry,
        )
        self._waiting = self._gauge("waiting", "How much waits in a queue or is being worked on, in all processes")
        self._oldest = self._gauge("waiting_oldest_seconds", "How long the oldest of it has been there")
        self.requests = self._counter("http_requests", "HTTP requests", "route", "status")

    def waits(self, backlog: tuple[Backlog, ...], now: datetime) -> None:
        """Sets what waits to this and nothing else."""
        self._waiting.clear()
        self._oldest.clear()
        for each in backlog:
            self._waiting.labels(each.queue).set(each.count)
            age = (now - each.oldest).total_seconds() if each.oldest else 0.0
            self._oldest.labels(each.queue).set(max(0.0, age))

    def exposition(self) -> tuple[bytes, str]:
        """All of it in the text format of Prometheus, and the content type of that."""
        return generate_latest(self._registry), CONTENT_TYPE_PLAIN_0_0_4

    def value(self, name: str, **labels: str) -> float:
        """What a sample is now; 0 where there is none yet."""
        return self._registry.get_sample_value(name, labels) or 0.0

    def _gauge(self, name: str, what: str) -> Gauge:
        return Gauge(f"ai_crm_{name}", what, ("queue",), registry=self._registry)

    def _counter(self, name: str, what: str, *labels: str) -> Counter:
        return Counter(f"ai_crm_{name}", what, labels, registry=self._registry)


_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0)
# What waits for a platform waits for as long as three days.
_LONG_BUCKETS = (
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    300.0,
    900.0,
    3600.0,
    21600.0,
    86400.0,
)


def start_logging(stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """From now on every record of ours and of libraries is one line of JSON on `stream` (stderr)."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            as_json,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers = [_FromLibraries()]
    root.setLevel(max(level, logging.WARNING))


def as_json(_logger: WrappedLogger, _method: str, record: EventDict) -> str:
    """One line. Whatever could break it or steer a terminal is escaped; every record says which action it is about."""
    record.setdefault("action", record.get("event", ""))
    fault = record.pop("exc_info", None)
    if fault:
        record["fault"] = fault_lines(fault)
    return json.dumps(record, default=str).replace("\x7f", "\\u007f")


def fault_lines(fault: object) -> list[str]:
    """What went wrong and where, the innermost last: types and places.

    The sentence of a foreign exception is left out: it may quote what it could not read, and that is a stranger's.
    """
    error = fault[1] if isinstance(fault, tuple) else fault
    if not isinstance(error, BaseException):
        error = sys.exception()
    lines: list[str] = []
    while error is not None and len(lines) < _MOST_LINES:
        lines = [_named(error), *_places(error.__traceback__), *lines]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return lines[-_MOST_LINES:]


_MOST_LINES = 200


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if isinstance(error, AiCrmError) else type(error).__name__


def _places(trace: TracebackType | None) -> list[str]:
    places = []
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return places


class _FromLibraries(logging.Handler):
    """Hands the records of libraries on. Their text is kept, their arguments are already in it."""

    def emit(self, record: logging.LogRecord) -> None:
        told: MutableMapping[str, Any] = {"action": record.name}
        if record.exc_info:
            told["exc_info"] = record.exc_info
        structlog.get_logger().log(record.levelno, record.getMessage(), **told)
