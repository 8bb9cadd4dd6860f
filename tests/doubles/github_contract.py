"""Whether a request is one that GitHub's own OpenAPI description allows: address, query, body, nothing unknown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from openapi_schema_validator import OAS30Validator

EXCERPT = Path(__file__).parents[1] / "platforms" / "github" / "openapi" / "api.github.com.excerpt.json"


class GitHubContract:
    def __init__(self, description: Path = EXCERPT) -> None:
        self._described = json.loads(description.read_text(encoding="utf-8"))
        self._paths = [(_pattern(path), operations) for path, operations in self._described["paths"].items()]

    def problems(self, method: str, target: str, body: bytes | None = None) -> list[str]:
        """What is wrong with a request; nothing when GitHub would understand it."""
        split = urlsplit(target)
        operation = self._operation(method, split.path)
        if operation is None:
            return [f"{method} {split.path}: GitHub has no such operation"]
        query = dict(parse_qsl(split.query, keep_blank_values=True))
        return [f"{method} {target}: {what}" for what in self._wrong(operation, query, body)]

    def _operation(self, method: str, path: str) -> Mapping[str, Any] | None:
        fitting = (operations for pattern, operations in self._paths if pattern.fullmatch(path))
        return next((operations[method.lower()] for operations in fitting if method.lower() in operations), None)

    def _wrong(self, operation: Mapping[str, Any], query: Mapping[str, str], body: bytes | None) -> Iterator[str]:
        known = {parameter["name"]: parameter for parameter in operation["parameters"] if parameter["in"] == "query"}
        for name, value in query.items():
            if name not in known:
                yield f"unknown query {name}"
                continue
            yield from self._invalid(_read(value, known[name]["schema"]), known[name]["schema"])
        described = operation["requestBody"]
        if not described:
            if body:
                yield "a body where none belongs"
            return
        if not body:
            if described.get("required"):
                yield "no body"
            return
        sent, schema = json.loads(body), described["content"]["application/json"]["schema"]
        yield from self._invalid(sent, schema)
        properties = _properties(schema)
        yield from (f"unknown field {field}" for field in sent if properties and field not in properties)

    def _invalid(self, value: Any, schema: Mapping[str, Any]) -> Iterator[str]:
        validator = OAS30Validator({**schema, "components": self._described["components"]})
        for error in validator.iter_errors(value):
            yield f"{'/'.join(map(str, error.path))}: {error.message[:200]}"


def _properties(schema: Mapping[str, Any]) -> set[str]:
    found = set(schema.get("properties", {}))
    for variant in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        found |= _properties(variant)
    return found


def _read(value: str, schema: Mapping[str, Any]) -> str | int:
    return int(value) if schema.get("type") == "integer" and value.isdigit() else value


def _pattern(path: str) -> re.Pattern[str]:
    """A file's path and a ref may hold slashes; nothing else may."""
    whole = re.sub(r"\\\{(path|ref)\\\}", "(.+)", re.escape(path))
    return re.compile(re.sub(r"\\\{[^}]+\\\}", "([^/]+)", whole))
