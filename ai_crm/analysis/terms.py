"""How the words of a list are found in a text: whole words and phrases, the longest first, and never a denied one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from ai_crm.analysis.words import ANSWER, Words, fold, split, stem

# Words that turn what follows into its opposite, and words that may stand between the two.
_DENIALS = frozenset(("no", "not", "non", "never", "without", "nothing", "neither", "nor", "cannot", "hardly", "zero"))
_BETWEEN_WORDS = """
    a an the any is be been very really so too at all this that it more known actual real immediate particularly
    especially super terribly yet exactly considered as causing cause causes being by means
"""
_BETWEEN = frozenset(_BETWEEN_WORDS.split())
_REACH = 5
_ANSWERS_NO = frozenset(("no", "none", "nope", "false"))
_NOT_THE_TOPIC = (
    ("not", "a"),
    ("not", "an"),
    ("not", "about"),
    ("unrelated", "to"),
    ("instead", "of"),
    ("nothing", "to", "do", "with"),
)


# Words, the target they speak for, and their weight in hundredths.
Entry = tuple[str, str, int]


class Term(Struct, frozen=True):
    """A word or phrase and what it speaks for: (target, weight in hundredths).

    `forms` are the words as they must be written, () when any form of them will do. `first` means that it counts at
    the beginning of a title only.
    """

    stems: tuple[str, ...]
    forms: tuple[str, ...]
    first: bool
    meanings: tuple[tuple[str, int], ...]


class Found(Struct, frozen=True):
    """A term in a text, as the text spells it."""

    term: Term
    seen: str


class Terms:
    """A word list made ready for searching.

    The words of an entry are in lower case with single spaces; `=down` asks for exactly that form, `^add` for the
    beginning of a title. Where a target claims the same words twice, the first claim counts.
    `shares` are the percentages of its weight that a term keeps when one, two, three … targets claim it.
    """

    def __init__(self, entries: Iterable[Entry], shares: tuple[int, ...] = (100,)) -> None:
        self._shares = shares
        self._waiting: dict[str, list[Entry]] = {}
        self._ready: dict[str, tuple[Term, ...]] = {}
        for entry in entries:
            self._waiting.setdefault(stem(entry[0].partition(" ")[0].lstrip("=^")), []).append(entry)

    def claims(self, words: Words) -> Iterator[Found]:
        """The terms that the words contain, left to right, without those that are denied (`no crash`)."""
        denied_until = -1
        for term, at, end in self._all(words):
            carried = denied_until == at - 1 and words.seen[at - 1] in {"or", "nor"}
            if carried or _denied_before(words, at) or _denied_after(words, end):
                denied_until = end
            else:
                yield Found(term, " ".join(words.seen[at:end]))

    def topics(self, words: Words) -> Iterator[Found]:
        """The terms that the words are about. `no tests` is about tests; `not a test problem` is not."""
        for term, at, end in self._all(words):
            if not any(words.seen[max(0, at - len(denial)) : at] == denial for denial in _NOT_THE_TOPIC):
                yield Found(term, " ".join(words.seen[at:end]))

    def whole(self, words: Words) -> Term | None:
        """The term that is all of the words, as a label must be."""
        candidates = self._starting(words.stems[0]) if words.stems else ()
        return next((term for term in candidates if term.stems == words.stems), None)

    def _all(self, words: Words) -> Iterator[tuple[Term, int, int]]:
        at, count = 0, len(words.stems)
        while at < count:
            term = next((term for term in self._starting(words.stems[at]) if _stands(term, words, at)), None)
            if term is not None:
                yield term, at, at + len(term.stems)
            at += len(term.stems) if term else 1

    def _starting(self, first: str) -> tuple[Term, ...]:
        """The terms that start with this stem, the longest first; prepared when a text first asks: most never do."""
        ready = self._ready.get(first)
        if ready is None:
            waiting = self._waiting.get(first)
            if waiting is None:
                return ()
            # Two threads may both do this; they do the same.
            ready = self._ready[first] = tuple(sorted(_terms(waiting, self._shares), key=_precedence))
        return ready


def entry_of(text: str) -> str:
    """Anyone's spelling of a word or phrase (`Smart-Pointer`) as a list entry; "" when it has no words."""
    return " ".join(split(fold(text)).seen)


def _terms(entries: list[Entry], shares: tuple[int, ...]) -> Iterator[Term]:
    claims: dict[tuple[tuple[str, ...], tuple[str, ...], bool], dict[str, int]] = {}
    for words, target, weight in entries:
        forms = tuple(words.lstrip("=^").split(" "))
        key = tuple(map(stem, forms)), forms if words[0] == "=" else (), words[0] == "^"
        claims.setdefault(key, {}).setdefault(target, weight)
    for (stems, forms, first), weights in claims.items():
        yield Term(stems, forms, first, _shared(weights, shares))


def _shared(weights: dict[str, int], shares: tuple[int, ...]) -> tuple[tuple[str, int], ...]:
    """Less for each when several claim a word; who claims it at half of another's weight does not count."""
    most = max(weights.values())
    rivals = sum(2 * weight > most for weight in weights.values())
    share = shares[min(rivals, len(shares)) - 1]
    return tuple((target, weight * share // 100) for target, weight in weights.items() if weight)


def _precedence(term: Term) -> tuple[int, bool, bool]:
    return -len(term.stems), not term.first, not term.forms


def _stands(term: Term, words: Words, at: int) -> bool:
    end = at + len(term.stems)
    if words.stems[at:end] != term.stems or any(words.gaps[at + 1 : end]):
        return False
    if term.first and not (words.title and at <= 3 and words.gaps[at]):
        return False
    return not term.forms or words.seen[at:end] == term.forms


def _denied_before(words: Words, at: int) -> bool:
    for back in range(at, max(at - _REACH, 0), -1):
        if words.gaps[back]:
            return False
        word = words.seen[back - 1]
        if word in _DENIALS or word.endswith("n't"):
            return True
        if word not in _BETWEEN:
            return False
    return False


def _denied_after(words: Words, end: int) -> bool:
    return end < len(words.seen) and words.gaps[end] == ANSWER and words.seen[end] in _ANSWERS_NO
