"""Whatever is asked, rightly or wrongly, the API answers as its contract says."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.applications import Starlette

from ai_crm.hub.api.contract import contract, operations
from tests.doubles.hub_parts import OPERATOR, bearer, call

CONTRACT = contract()
CHECKS: list[Any] = [
    not_a_server_error,
    negative_data_rejection,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# Who may come in has tests of its own: here every request has a key, so that what is wrong with it is something else.
SCHEMA = schemathesis.openapi.from_dict(
    CONTRACT | {"components": CONTRACT["components"] | {"securitySchemes": {}}, "security": []}
)


def _can_be_wrong(operation: Mapping[str, Any]) -> bool:
    """Any text will do as an id or a version; what is left are bodies and queries."""
    parameters = [parameter.get("$ref", parameter.get("in")) for parameter in operation.get("parameters", ())]
    return "requestBody" in operation or any(each != "header" for each in parameters)


@pytest.mark.parametrize(
    ("path", "method", "mode"),
    [
        (path, method, mode)
        for path, method, operation in operations(CONTRACT)
        for mode in GenerationMode
        if mode is GenerationMode.POSITIVE or _can_be_wrong(operation)
    ],
)
def test_whatever_is_asked_is_answered_as_documented(
    app: Starlette, path: str, method: str, mode: GenerationMode
) -> None:
    @given(case=SCHEMA[path][method].as_strategy(generation_mode=mode))
    @settings(max_examples=15, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def ask(case: Case[Any]) -> None:
        if "id" in case.path_parameters and path.startswith("/api/v1/tasks/") and mode is GenerationMode.POSITIVE:
            case.path_parameters["id"] = "AICRM-1"
            if case.method == "PATCH":  # a version of chance is only ever the wrong one
                case.headers["If-Match"] = "*"
        case.validate_response(asyncio.run(_answered(app, case)), checks=CHECKS)

    ask()


async def _answered(app: Starlette, case: Case[Any]) -> Response:
    """The case as a request to the app in this process, with a key that may do everything."""
    sent = requests.Request(**case.as_transport_kwargs(base_url="http://127.0.0.1")).prepare()
    headers = [(name, _text(value)) for name, value in sent.headers.items() if name.lower() != "authorization"]
    body = sent.body if isinstance(sent.body, bytes) else str(sent.body or "").encode()
    answer = await call(app, sent.method or "", sent.path_url, (*bearer(OPERATOR), *headers), body)
    told = {name: [value] for name, value in answer.headers.items()}
    return Response(answer.status, told, answer.body, sent, elapsed=0.0, verify=False)


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
