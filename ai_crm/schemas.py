"""The files of `schemas/` that are made from code: `python -m ai_crm.schemas FOLDER` writes them anew."""

from __future__ import annotations

import json
import os
import sys

from ai_crm.config.agents import load_agents
from ai_crm.config.policy import load_rule_templates
from ai_crm.rules.schema import card_schema, decision_schema, event_schema, rules_schema, task_schema


def published() -> dict[str, bytes]:
    """Each file's name and bytes."""
    agents = tuple(agent.name for agent in load_agents())
    schemas = {
        "ai-crm": rules_schema(agents, load_rule_templates()),
        "decision": decision_schema(),
        "task": task_schema(),
        "event": event_schema(),
        "card": card_schema(),
    }
    return {
        f"{name}.schema.json": json.dumps(schema, indent=2, ensure_ascii=False).encode() + b"\n"
        for name, schema in schemas.items()
    }


def write(folder: str) -> None:
    for name, text in published().items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(text)


if __name__ == "__main__":
    write(sys.argv[1])
