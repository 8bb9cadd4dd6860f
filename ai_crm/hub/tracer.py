"""Whether an operator wants traces."""

from __future__ import annotations

from collections.abc import Mapping

from ai_crm.errors import Problem, SettingsInvalid
from ai_crm.hub.tracing import NoTraces, Traces

# In the words of every program that makes traces: https://opentelemetry.io/docs/specs/otel/protocol/exporter/
_WHERE = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_HOW = ("OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
_SPOKEN = "http/protobuf"


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
