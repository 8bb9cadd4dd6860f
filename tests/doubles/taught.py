"""What a small made-up history teaches the analysis, as the file that a repository would keep."""

from __future__ import annotations

from functools import cache

import msgspec

from ai_crm.analysis import shipped_lexicon
from ai_crm.analysis.history import read_history
from ai_crm.analysis.learned import encode
from ai_crm.analysis.learning import learn
from ai_crm.config.agents import load_agents

# A word that no list knows, and what it means to this team.
MEANINGS = (("bug", "zorbulate"), ("question", "quaddle"))


@cache
def taught_file(rows: int = 40) -> bytes:
    """Half of the issues zorbulate, which is a bug, the other half quaddle, which is a question."""
    lexicon, agents = shipped_lexicon(), load_agents()
    return encode(learn(read_history(history(rows), "closed.jsonl", lexicon, agents), lexicon, agents))


def history(rows: int = 40) -> bytes:
    """The closed issues themselves, one JSON object a line."""
    kinds = (MEANINGS[number % 2] for number in range(rows))
    lines = ({"title": f"{word} panel {number}", "labels": [kind]} for number, (kind, word) in enumerate(kinds))
    return b"\n".join(map(msgspec.json.encode, lines))
