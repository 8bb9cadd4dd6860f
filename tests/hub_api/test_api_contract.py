"""The contract and the routes are the same thing, and every caller can read it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from starlette.applications import Starlette
from starlette.routing import Route

from ai_crm.errors import Problem
from ai_crm.hub.api.contract import contract, operations
from ai_crm.hub.routes import Guard
from ai_crm.model import record
from ai_crm.model.agent import Agent, Contact
from ai_crm.model.change import Applied
from ai_crm.ports import Commit
from ai_crm.ports.shared import Beginning, HandedIn, ItemTasks
from tests.doubles.hub_parts import OPERATOR, bearer, call

CONTRACT = contract()


def test_every_route_is_in_the_contract_and_every_operation_has_a_route_and_its_permission(app: Starlette) -> None:
    served = {
        (route.path, method): getattr(route.endpoint.policy, "value", "open")
        for route in app.routes
        if isinstance(route, Route) and isinstance(route.endpoint, Guard) and route.path.startswith("/api/")
        for method in (route.methods or set()) - {"HEAD"}
    }
    written = {(path, method): operation["x-permission"] for path, method, operation in operations(CONTRACT)}
    assert written == served


def test_an_operation_is_open_exactly_where_it_asks_for_no_key() -> None:
    for path, _, operation in operations(CONTRACT):
        assert (operation.get("security") == []) == (operation["x-permission"] == "open"), path


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((kind.__name__, kind) for kind in (Agent, Contact, record.TaskPage, record.TaskComment, record.TaskStep)),
        ("Stage", record.Stage),
        *((kind.__name__, kind) for kind in (record.EventRecord, record.DecisionRecord, record.DeadLetter)),
        *((kind.__name__, kind) for kind in (record.ConnectionHealth, record.Workflow, record.PlatformFigures)),
        ("Report", record.Report),
        ("Commit", Commit),
        ("ItemTasks", ItemTasks),
        ("FileProblem", Problem),
    ],
)
def test_the_contract_names_every_field_of_what_is_answered(name: str, kind: type[Struct]) -> None:
    described = CONTRACT["components"]["schemas"][name]
    assert tuple(described["properties"]) == kind.__struct_fields__
    assert tuple(described["required"]) == kind.__struct_fields__


@pytest.mark.parametrize("kind", [HandedIn, Beginning, Applied])
def test_the_contract_names_every_field_of_what_is_handed_in(kind: type[Struct]) -> None:
    described = CONTRACT["components"]["schemas"][kind.__name__]
    assert tuple(described["properties"]) == kind.__struct_fields__


def test_every_reference_leads_somewhere_in_the_same_document() -> None:
    for reference in _references(CONTRACT):
        node: Any = CONTRACT
        assert reference.startswith("#/")
        for step in reference[2:].split("/"):
            node = node[step]


def _references(node: Any) -> Iterator[str]:
    match node:
        case dict():
            for name, value in node.items():
                if name == "$ref":
                    yield value
                else:
                    yield from _references(value)
        case list():
            for each in node:
                yield from _references(each)
        case _:
            return


def test_definitions_of_the_same_name_are_the_same_in_every_schema(root: Path) -> None:
    files = [json.loads((root / "schemas" / f"{name}.schema.json").read_text("utf-8")) for name in ("task", "decision")]
    task, decision = (file["$defs"] for file in files)
    assert {name: task[name] for name in task.keys() & decision.keys()} == {
        name: decision[name] for name in task.keys() & decision.keys()
    }


def test_the_document_and_its_page_are_open_to_all_and_need_nothing_from_elsewhere(app: Starlette) -> None:
    async def work() -> None:
        document = await call(app, "GET", "/api/v1/openapi.json")
        page = await call(app, "GET", "/api/v1/docs")
        assert (document.status, document.json()) == (200, CONTRACT)
        assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        text = page.body.decode()
        assert "<script" not in text
        assert "http" not in text.replace("http-equiv", "")
        assert all(operation["operationId"] in text for _, _, operation in operations(CONTRACT))

    asyncio.run(work())


def test_what_is_left_out_of_a_request_is_told(app: Starlette) -> None:
    async def work() -> None:
        for path, method, operation in operations(CONTRACT):
            place = path.replace("{id}", "AICRM-1").replace("{key}", "0" * 32)
            answer = await call(app, method, place)
            assert answer.status == (200 if operation["x-permission"] == "open" else 401), path
            needs_body = operation.get("requestBody", {}).get("required", False)
            if needs_body:
                missing = {400, 428} if method == "PATCH" else {400}
                assert (await call(app, method, place, bearer(OPERATOR))).status in missing, path

    asyncio.run(work())
