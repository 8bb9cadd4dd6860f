"""The PM analysis of a text: what kind of work, how much, how urgent, for whom, each with its evidence."""

from __future__ import annotations

import hashlib
from functools import cache, lru_cache

from ai_crm import resources
from ai_crm.analysis.analyst import OfflineAnalyst
from ai_crm.analysis.learned import Learned, decode
from ai_crm.analysis.lexicon import Lexicon, load_lexicon
from ai_crm.analysis.ranking import AgentRanking
from ai_crm.analysis.sizing import Sizes, load_sizes
from ai_crm.ports import Analyst

# Files of different repositories that a hub has at hand, a few hundred kilobytes each.
_KEPT = 32


def offline_analyst(learned: Learned | None = None, fingerprint: str = "") -> Analyst:
    """The analyst that needs no key and no network: word lists and trained weights, and what a team's history taught.

    `fingerprint` names what was learned in each analysis.
    """
    return OfflineAnalyst(shipped_lexicon(), _shipped_sizes(), _shipped_ranking(), learned, fingerprint)


@lru_cache(_KEPT)
def taught_analyst(file: bytes, where: str) -> Analyst:
    """The analyst with what a file learned, the same as long as the file stays the same. Raises PayloadInvalid."""
    return offline_analyst(decode(file, where), fingerprint_of(file))


def fingerprint_of(file: bytes) -> str:
    """What an analysis calls the file that it was made with."""
    return hashlib.sha256(file).hexdigest()[:12]


@cache
def shipped_lexicon() -> Lexicon:
    """The word lists that the product ships."""
    return load_lexicon(lambda name: resources.read("templates", "analysis", name))


@cache
def _shipped_ranking() -> AgentRanking:
    return AgentRanking(shipped_lexicon().agents)


@cache
def _shipped_sizes() -> Sizes:
    return load_sizes(resources.read("templates", "analysis", "sizes.bin"))
