"""Which analyst a hub works with: the shipped one, or the one that knows what its team's own history taught."""

from __future__ import annotations

import os

from ai_crm.analysis import offline_analyst
from ai_crm.analysis.learned import decode
from ai_crm.ports import Analyst


def analyst_with(path: str) -> Analyst:
    """The analyst with what the file learned, where there is one. Raises PayloadInvalid for a file that is none."""
    if not os.path.exists(path):
        return offline_analyst()
    with open(path, "rb") as file:
        return offline_analyst(decode(file.read(), path))
