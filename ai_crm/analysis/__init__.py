"""The PM analysis of a text: what kind of work, how much, how urgent, for whom, each with its evidence."""

from __future__ import annotations

from ai_crm import resources
from ai_crm.analysis.analyst import OfflineAnalyst
from ai_crm.analysis.lexicon import load_lexicon
from ai_crm.ports import Analyst


def offline_analyst() -> Analyst:
    """The analyst that needs no key and no network, with the word lists that the product ships."""
    return OfflineAnalyst(load_lexicon(lambda name: resources.read("templates", "analysis", name)))
