"""What Microsoft's and Slack's own descriptions of a card or a message say about ours."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from slack_sdk.models.blocks import Block

from ai_crm.cards import adaptive, blockkit
from ai_crm.cards.elements import Card, OpenUrl
from tests.cards.conftest import NAMES

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def adaptive_cards() -> Any:
    schema = json.loads((HERE / "adaptive-card-1.5.schema.json").read_text())
    return jsonschema.Draft6Validator(schema)


@pytest.fixture(scope="module")
def slack_blocks(node: str, node_modules: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Made from the types that Slack publishes for TypeScript."""
    generator = node_modules / "ts-json-schema-generator" / "bin" / "ts-json-schema-generator.js"
    options = {"module": "nodenext", "moduleResolution": "nodenext", "strict": True, "skipLibCheck": True}
    folder = tmp_path_factory.mktemp("blocks")
    (folder / "node_modules").symlink_to(node_modules)  # where TypeScript looks for packages
    (folder / "message.ts").write_text((HERE / "message.ts").read_text())
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "include": ["message.ts"]}))
    made = subprocess.run(
        [
            node,
            str(generator),
            "--path",
            "message.ts",
            "--tsconfig",
            "tsconfig.json",
            "--no-type-check",
            "--type",
            "Blocks",
        ],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return jsonschema.Draft7Validator(json.loads(made.stdout))


def problems(validator: Any, document: Any) -> list[str]:
    return [f"{list(error.absolute_path)}: {error.message[:200]}" for error in validator.iter_errors(document)]


@pytest.mark.parametrize("name", NAMES)
def test_a_card_is_an_adaptive_card_of_version_1_5(adaptive_cards: Any, cards: dict[str, Card], name: str) -> None:
    assert problems(adaptive_cards, adaptive.render(cards[name])) == []


def test_the_schema_of_adaptive_cards_sees_what_is_wrong(adaptive_cards: Any, cards: dict[str, Card]) -> None:
    card = adaptive.render(cards["task"])
    assert problems(adaptive_cards, {**card, "body": [{"type": "Nonsense"}]})
    assert problems(adaptive_cards, {**card, "actions": [{"type": "Action.OpenUrl", "title": "x"}]})


@pytest.mark.node
@pytest.mark.parametrize("name", NAMES)
def test_a_message_is_made_of_slacks_blocks(slack_blocks: Any, cards: dict[str, Card], name: str) -> None:
    assert problems(slack_blocks, list(blockkit.render(cards[name]).blocks)) == []


@pytest.mark.node
def test_slacks_types_see_what_is_wrong(slack_blocks: Any) -> None:
    assert problems(slack_blocks, [{"type": "nonsense"}])
    assert problems(slack_blocks, [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}])
    assert problems(slack_blocks, [{"type": "divider", "foo": 1}])


@pytest.mark.parametrize("name", NAMES)
def test_a_message_is_within_what_slacks_library_allows(cards: dict[str, Card], name: str) -> None:
    blocks = blockkit.render(cards[name]).blocks
    parsed = Block.parse_all([*blocks])
    assert None not in parsed
    assert [type(block) for block in parsed].count(Block) == 0
    assert [block.to_dict()["type"] for block in parsed] == [block["type"] for block in blocks]


@pytest.mark.parametrize("name", NAMES)
def test_a_message_keeps_the_limits_that_no_library_checks(cards: dict[str, Card], name: str) -> None:
    card = msgspec.structs.replace(cards[name], actions=(*cards[name].actions, OpenUrl(title="x", url="https://x.y")))
    message = blockkit.render(card)
    assert 0 < len(message.blocks) <= 50
    assert message.text.strip()
    ids = [
        button["action_id"] for block in message.blocks if block["type"] == "actions" for button in block["elements"]
    ]
    assert len(ids) == len(set(ids))
    for text in texts(list(message.blocks)):
        assert 0 < len(text.encode("utf-16-le")) // 2 <= 3000


def texts(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["text"]] if isinstance(node.get("text"), str) else []
        return own + [text for value in node.values() for text in texts(value)]
    return [text for value in node for text in texts(value)] if isinstance(node, list) else []
