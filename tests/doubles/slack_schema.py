"""What Slack's own types, its library and its documentation say of the messages and views that the bot made.

Types: npm `@slack/types`. Library: the models of slack_sdk. Documentation (read 2026-11) for what neither sees: numbers
of blocks, ids that must be unique, a text for notifications, the length of a title and of what a window carries.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
from slack_sdk.models.blocks import Block

from tests.doubles.slack_workspace import SlackWorkspace

_TYPES = """
import type { HomeView, KnownBlock, ModalView, Option } from "@slack/types";
export interface Made { blocks?: KnownBlock[]; modal?: ModalView; home?: HomeView; options?: Option[] }
"""
_OPTIONS = {"module": "nodenext", "moduleResolution": "nodenext", "strict": True, "skipLibCheck": True}


def types(node: str, node_modules: Path, folder: Path) -> Any:
    """A validator of `made`, from the types that Slack publishes for TypeScript."""
    program = node_modules / "ts-json-schema-generator" / "bin" / "ts-json-schema-generator.js"
    (folder / "node_modules").symlink_to(node_modules)
    (folder / "made.ts").write_text(_TYPES)
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": _OPTIONS, "include": ["made.ts"]}))
    arguments = ("--path", "made.ts", "--tsconfig", "tsconfig.json", "--no-type-check", "--type", "Made")
    schema = subprocess.run(
        [node, str(program), *arguments], cwd=folder, check=True, capture_output=True, text=True, timeout=120
    ).stdout
    return jsonschema.Draft7Validator(json.loads(schema))


def made(slack: SlackWorkspace) -> Iterator[dict[str, Any]]:
    """Everything that the bot showed in this workspace, in the words of `_TYPES`, and the messages' texts."""
    for call in slack.calls:
        match call.method:
            case "views.open" | "views.update":
                yield {"modal": _document(call.asked["view"])}
            case "views.publish":
                yield {"home": _document(call.asked["view"])}
            case "chat.postMessage" | "chat.postEphemeral" | "chat.update":
                yield _message(call.asked)
            case "chat.unfurl":
                yield from ({"blocks": each["blocks"]} for each in _document(call.asked["unfurls"]).values())
            case _:
                pass
    yield from map(_message, slack.answers)
    yield from ({"options": each} for each in slack.offered)


def problems(document: dict[str, Any]) -> Iterator[str]:
    """What Slack would not take."""
    view: dict[str, Any] = document.get("modal") or document.get("home") or {}
    blocks = (view or document).get("blocks", [])
    yield from _of_blocks(blocks, 100 if view else 50)
    if "text" in document and not document["text"].strip():
        yield "a message without a text"
    if view and len(json.dumps(view)) > 250_000:
        yield "a view that is too large"
    if modal := document.get("modal"):
        yield from (
            f"{name} is too long"
            for name in ("title", "submit", "close")
            if len(modal.get(name, {}).get("text", "")) > 24
        )
        if len(modal.get("private_metadata", "")) > 3_000:
            yield "the window carries too much"
        if any(block["type"] == "input" for block in blocks) and "submit" not in modal:
            yield "fields, and no way to send them"
    for option in document.get("options", ()):
        if len(option["text"]["text"]) > 75 or len(option["value"]) > 150 or len(option["description"]["text"]) > 75:
            yield f"an option that is too long: {option}"
    if len(document.get("options", ())) > 100:
        yield "too many options"


def _of_blocks(blocks: list[dict[str, Any]], most: int) -> Iterator[str]:
    if len(blocks) > most:
        yield f"{len(blocks)} blocks"
    parsed: list[Block | None] = [*Block.parse_all([*blocks])]
    for block, given in zip(parsed, blocks, strict=True):
        if block is None or block.to_dict()["type"] != given["type"]:
            yield f"no block: {given}"
    ids = [each["block_id"] for each in blocks if "block_id" in each]
    actions = [each["action_id"] for block in blocks for each in _elements(block) if "action_id" in each]
    for names in (ids, actions):
        yield from (f"twice: {name}" for name in set(names) if names.count(name) > 1)
    for text in texts(blocks):
        if not 0 < len(text.encode("utf-16-le")) // 2 <= 3_000:
            yield f"a text of {len(text)} characters"


def _elements(block: dict[str, Any]) -> list[dict[str, Any]]:
    if block["type"] == "actions":
        return list(block["elements"])
    return [block["element"]] if block["type"] == "input" else []


def texts(node: Any) -> list[str]:
    """Every `text`, however deep."""
    if isinstance(node, dict):
        own = [node["text"]] if isinstance(node.get("text"), str) else []
        return own + [text for value in node.values() for text in texts(value)]
    return [text for value in node for text in texts(value)] if isinstance(node, list) else []


def _message(asked: dict[str, Any]) -> dict[str, Any]:
    return {"text": asked.get("text", ""), "blocks": _document(asked.get("blocks", []))}


def _document(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value
