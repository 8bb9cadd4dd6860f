"""The API's contract as one document: `schemas/openapi.yml` with the JSON Schemas that it refers to, and a page of it."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import yaml
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from ai_crm import resources
from ai_crm.hub.routes import Open, route

METHODS = ("get", "put", "post", "patch", "delete")

_REFERRED = ("task.schema.json", "decision.schema.json")
_COMPONENTS = "#/components/schemas/"


def contract_routes() -> tuple[Route, ...]:
    """The two doors to the contract. They need no key: the same document is published with the source."""
    public = Open("the contract is published with the source")
    return (
        route("/api/v1/openapi.json", _document, ("GET",), public),
        route("/api/v1/docs", _page, ("GET",), public),
    )


@cache
def contract() -> dict[str, Any]:
    """OpenAPI 3.1, complete in itself: whoever has it needs no other file."""
    document: dict[str, Any] = _rebased(yaml.safe_load(resources.read("schemas", "openapi.yml")), "")
    for file in _REFERRED:
        document["components"]["schemas"] |= _rebased(json.loads(resources.read("schemas", file))["$defs"], file)
    return document


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method in capitals and operation, in the order of the document."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method.upper(), item[method]


async def _document(_request: Request) -> Response:
    return Response(json.dumps(contract()), media_type="application/json")


async def _page(_request: Request) -> Response:
    return HTMLResponse(_written())


def _rebased(node: Any, file: str) -> Any:
    """The same with every reference pointing into the one document; `file` is where the node comes from."""
    match node:
        case dict():
            return {
                name: _address(value, file) if name == "$ref" else _rebased(value, file) for name, value in node.items()
            }
        case list():
            return [_rebased(each, file) for each in node]
        case _:
            return node


def _address(reference: str, file: str) -> str:
    """`task.schema.json` is its own `Task`; a definition keeps its name, whichever file it is in."""
    named, _, place = reference.partition("#")
    if not (named or file):
        return reference
    return _COMPONENTS + (place.rpartition("/")[2] or named.partition(".")[0].capitalize())


@cache
def _written() -> str:
    """Plain HTML that needs nothing else: no script, no style, nothing from elsewhere."""
    document = contract()
    info = document["info"]
    entries = "".join(_entry(*each) for each in operations(document))
    title = html.escape(info["title"])
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head><body>'
        f"<h1>{title}</h1><p>{html.escape(info['description'])}</p>"
        f'<p>For programs: <a href="/api/v1/openapi.json">openapi.json</a></p>{entries}</body></html>'
    )


def _entry(path: str, method: str, operation: dict[str, Any]) -> str:
    answers = "".join(f"<li>{status}</li>" for status in operation["responses"])
    return (
        f'<section id="{operation["operationId"]}"><h2><code>{method} {html.escape(path)}</code></h2>'
        f"<p>{html.escape(operation['summary'])}</p><p>Needs: <code>{operation['x-permission']}</code></p>"
        f"<ul>{answers}</ul></section>"
    )
