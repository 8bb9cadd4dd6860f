"""The PM analysis of a text: what kind of work, how much, how urgent, for whom, each with its evidence."""

from __future__ import annotations

from ai_crm import resources
from ai_crm.analysis.analyst import OfflineAnalyst
from ai_crm.analysis.learned import Learned
from ai_crm.analysis.lexicon import Lexicon, load_lexicon
from ai_crm.analysis.sizing import load_sizes
from ai_crm.ports import Analyst


def offline_analyst(learned: Learned | None = None) -> Analyst:
    """The analyst that needs no key and no network: word lists and trained weights, and what a team's history taught."""
    return OfflineAnalyst(shipped_lexicon(), load_sizes(resources.read("templates", "analysis", "sizes.bin")), learned)


def shipped_lexicon() -> Lexicon:
    """The word lists that the product ships."""
    return load_lexicon(lambda name: resources.read("templates", "analysis", name))
