"""Cuts GitHub's OpenAPI description down to the operations that we use and their example answers: 13 MB become 50 KB.

    python tests/platforms/github/openapi/excerpt.py api.github.com.json

`api.github.com.json` is `generated/api.github.com.json` of the npm package @octokit/openapi (see NOTICE). Run it again
for a newer one, or after an operation was added below.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TARGET = Path(__file__).with_name("api.github.com.excerpt.json")
ANSWERS = Path(__file__).with_name("api.github.com.answers.json.gz")

OPERATIONS = (
    "GET /app/hook/deliveries",
    "POST /app/hook/deliveries/{delivery_id}/attempts",
    "POST /app/installations/{installation_id}/access_tokens",
    "GET /orgs/{org}/teams/{team_slug}",
    "GET /orgs/{org}/teams/{team_slug}/memberships/{username}",
    "GET /repos/{owner}/{repo}",
    "GET /repos/{owner}/{repo}/actions/runs/{run_id}",
    "GET /repos/{owner}/{repo}/check-runs/{check_run_id}",
    "GET /repos/{owner}/{repo}/check-suites/{check_suite_id}",
    "GET /repos/{owner}/{repo}/code-scanning/alerts/{alert_number}",
    "GET /repos/{owner}/{repo}/commits/{ref}",
    "GET /repos/{owner}/{repo}/compare/{basehead}",
    "GET /repos/{owner}/{repo}/contents/{path}",
    "GET /repos/{owner}/{repo}/dependabot/alerts/{alert_number}",
    "GET /repos/{owner}/{repo}/deployments/{deployment_id}",
    "GET /repos/{owner}/{repo}/deployments/{deployment_id}/statuses",
    "GET /repos/{owner}/{repo}/git/ref/{ref}",
    "GET /repos/{owner}/{repo}/hooks/{hook_id}/deliveries",
    "POST /repos/{owner}/{repo}/hooks/{hook_id}/deliveries/{delivery_id}/attempts",
    "GET /repos/{owner}/{repo}/installation",
    "GET /repos/{owner}/{repo}/issues",
    "POST /repos/{owner}/{repo}/issues",
    "GET /repos/{owner}/{repo}/issues/comments/{comment_id}",
    "PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}",
    "DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}",
    "GET /repos/{owner}/{repo}/issues/{issue_number}",
    "PATCH /repos/{owner}/{repo}/issues/{issue_number}",
    "POST /repos/{owner}/{repo}/issues/{issue_number}/assignees",
    "GET /repos/{owner}/{repo}/issues/{issue_number}/comments",
    "POST /repos/{owner}/{repo}/issues/{issue_number}/comments",
    "POST /repos/{owner}/{repo}/issues/{issue_number}/labels",
    "DELETE /repos/{owner}/{repo}/issues/{issue_number}/labels/{name}",
    "GET /repos/{owner}/{repo}/labels",
    "GET /repos/{owner}/{repo}/milestones/{milestone_number}",
    "GET /repos/{owner}/{repo}/pulls/{pull_number}",
    "GET /repos/{owner}/{repo}/pulls/{pull_number}/files",
    "POST /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers",
    "GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews",
    "GET /repos/{owner}/{repo}/releases/{release_id}",
    "GET /repos/{owner}/{repo}/secret-scanning/alerts/{alert_number}",
)
_KEPT = {"name", "in", "required", "schema", "content", "requestBody", "parameters", "operationId"}
_PROSE = {"description", "example", "examples", "summary", "externalDocs", "title"}


def excerpt(described: dict[str, Any]) -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        method, path = operation.split(" ")
        found = described["paths"][path][method.lower()]
        paths.setdefault(path, {})[method.lower()] = _lean(
            {
                "operationId": found["operationId"],
                "parameters": [_resolved(described, parameter) for parameter in found.get("parameters", [])],
                "requestBody": _resolved(described, found.get("requestBody", {})),
            }
        )
    return {
        "openapi": described["openapi"],
        "info": {"title": "excerpt of GitHub's REST API", "version": described["info"]["version"]},
        "paths": paths,
        "components": {"schemas": dict(sorted(_schemas(described, paths)))},
    }


def answers(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The example answers of each operation that only asks, by the names that GitHub gives them."""
    found = {}
    for operation in OPERATIONS:
        method, path = operation.split(" ")
        success = described["paths"][path][method.lower()]["responses"].get("200", {})
        shown = _resolved(described, success).get("content", {}).get("application/json", {}).get("examples", {})
        found[operation] = {name: _resolved(described, example)["value"] for name, example in shown.items()}
    return {operation: examples for operation, examples in found.items() if examples and operation.startswith("GET")}


def _resolved(described: dict[str, Any], thing: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in thing:
        return thing
    *_, section, name = thing["$ref"].split("/")
    found: dict[str, Any] = described["components"][section][name]
    return found


def _lean(thing: Any) -> Any:
    """Without prose and vendor extensions; a property may be called `description` and stays."""
    if isinstance(thing, list):
        return [_lean(one) for one in thing]
    if not isinstance(thing, dict):
        return thing
    return {
        key: {name: _lean(schema) for name, schema in value.items()} if key == "properties" else _lean(value)
        for key, value in thing.items()
        if key not in _PROSE and not key.startswith("x-")
    }


def _schemas(described: dict[str, Any], paths: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The schemas that the operations name, and those that these name."""
    known: set[str] = set()
    waiting = set(_named(paths))
    while waiting:
        name = waiting.pop()
        known.add(name)
        schema = _lean(described["components"]["schemas"][name])
        yield name, schema
        waiting |= set(_named(schema)) - known


def _named(thing: Any) -> Iterator[str]:
    if isinstance(thing, list):
        for one in thing:
            yield from _named(one)
    elif isinstance(thing, dict):
        for key, value in thing.items():
            if key == "$ref" and isinstance(value, str):
                yield value.rpartition("/")[2]
            else:
                yield from _named(value)


if __name__ == "__main__":
    whole = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    TARGET.write_text(json.dumps(excerpt(whole), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    ANSWERS.write_bytes(gzip.compress(json.dumps(answers(whole), sort_keys=True).encode(), 9, mtime=0))
