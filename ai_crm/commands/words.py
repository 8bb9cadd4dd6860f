"""How a line that a person typed falls into words: quotation marks of every kind, line breaks, and how chats write names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from ai_crm.errors import Misunderstood

LONGEST = 8_000  # characters


class Word(Struct, frozen=True, kw_only=True):
    """`text` is without quotation marks and escapes, `raw` as it was typed. `breaks` counts line breaks before it."""

    text: str
    raw: str
    quoted: bool = False
    breaks: int = 0


def split(text: str) -> tuple[Word, ...]:
    r"""The words of a line. What stands between quotation marks is one; in there `\\"` and `\\\\` are the sign itself.

    Takes text whose `&amp;`, `&lt;` and `&gt;` the chat's own adapter has turned back into signs. Raises Misunderstood.
    """
    if len(text) > LONGEST:
        raise Misunderstood(f"a command of {len(text)} characters", hint=f"{LONGEST} are possible: say less")
    return tuple(_words(_spelled_out(text)))


def quoted(text: str) -> str:
    """The text as one word of a command."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def readable(text: str) -> str:
    """The text with people as they are called: `<@U012|ann>` is `@ann`."""
    return re.sub(MENTION, lambda one: f"@{one['name'] or one['id']}", text)


def joined(words: Iterable[Word]) -> str:
    """The words as one text, with blanks and line breaks between them as they were."""
    parts = [f"{_gap(word)}{word.text}" for word in words]
    return readable("".join(parts)).strip()


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that was probably meant; empty when none is near."""
    import difflib  # noqa: PLC0415 - cold start

    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)), "")


def shown(text: str) -> str:
    """A stranger's words in a sentence: short, and without anything that moves a cursor."""
    return f'"{"".join(letter for letter in text[:40] if letter.isprintable())}"'


# Somebody whom a chat named by id. Transports of other chats than Slack write people in this way, too.
MENTION = r"<@(?P<id>[^|>\s]{1,200})(?:\|(?P<name>[^>\s]{0,200}))?>"

# https://docs.slack.dev/messaging/formatting-message-text (read 2026-11): channels, groups, `here`, addresses.
_SLACK_NAMED = r"<(?:[#!][^|<>]{1,200})\|([^<>]{1,200})>"
_SLACK_BARE = r"<([#!][^|<>\s]{1,200})>"
_SLACK_LINK = r"<((?:https?|mailto):[^|<>\s]{1,3000})(?:\|([^<>]{0,3000}))?>"
_SLACK_PERSON = r"<@([^|<>\s]{1,200})\|([^<>]{0,200})>"
_TEAMS_NAME = r"<at(?:\s[^<>]*)?>([^<>]{0,200})</at>"

# What opens a quotation, what closes it, and what closes it where that is missing: phones change only one of two.
_DOUBLE = {'"': ('"', "”"), "“": ("”", '"'), "„": ("“”", '"'), "«": ("»", '"')}
_ESCAPED = "\\\\([\\\\\"'\u2018\u2019\u201c\u201d\u00bb])"
_SINGLE = {"'": "'", "\N{LEFT SINGLE QUOTATION MARK}": "\N{RIGHT SINGLE QUOTATION MARK}"}


def _spelled_out(text: str) -> str:
    """The text without what only a chat understands; people keep their ids."""
    # A half of a surrogate pair can be neither stored nor looked for, and a control character moves cursors.
    text = text.encode(errors="replace").decode().replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(letter if letter in "\n\t" or letter >= " " else " " for letter in text).replace("\x7f", " ")
    text = re.sub(rf"^\s*{_TEAMS_NAME}", "", text)
    text = re.sub(_TEAMS_NAME, lambda one: f"@{one[1].strip()}", text)
    text = re.sub(_SLACK_PERSON, lambda one: f"<@{one[1]}|{''.join(one[2].split())}>", text)
    text = re.sub(_SLACK_LINK, _address, text)
    text = re.sub(_SLACK_NAMED, lambda one: one[1] if one[1].startswith("@") else f"{_sign(one[0])}{one[1]}", text)
    return re.sub(_SLACK_BARE, lambda one: f"{_sign(one[0])}{one[1][1:].partition('^')[0]}", text)


def _address(link: re.Match[str]) -> str:
    url, text = link[1].removeprefix("mailto:"), link[2] or ""
    return url if not text or text in url else f"{text} ({url})"


def _sign(escaped: str) -> str:
    return "#" if escaped[1] == "#" else "@"


def _words(text: str) -> Iterator[Word]:
    at = breaks = 0
    while at < len(text):
        if text[at].isspace():
            breaks += text[at] == "\n"
            at += 1
            continue
        inside, end = _quotation(text, at) or ("", 0)
        if end:
            yield Word(text=inside, raw=text[at:end], quoted=True, breaks=breaks)
        else:
            inside, end = _bare(text, at)
            yield Word(text=inside, raw=text[at:end], breaks=breaks)
        at, breaks = end, 0


def _bare(text: str, at: int) -> tuple[str, int]:
    """What reaches to the next blank; behind `=`, `:` and `,` a part of it may be quoted."""
    found: list[str] = []
    start = at
    while at < len(text) and not text[at].isspace():
        inside = _quotation(text, at) if at > start and text[at - 1] in "=:," else None
        piece, at = inside or (text[at], at + 1)
        found.append(piece)
    return "".join(found), at


def _quotation(text: str, at: int) -> tuple[str, int] | None:
    """What stands between quotation marks, and where it ends; None where there is no quotation."""
    if text[at] in _SINGLE:
        end = _closed(text, at + 1, _SINGLE[text[at]])
        # An apostrophe is none: a single mark counts only where a word ends behind the other one.
        ends = end > 0 and (end + 1 == len(text) or text[end + 1].isspace() or text[end + 1] == ",")
        return (_unescaped(text[at + 1 : end]), end + 1) if ends else None
    if text[at] not in _DOUBLE:
        return None
    end = next(filter(None, (_closed(text, at + 1, closing) for closing in _DOUBLE[text[at]])), 0)
    if not end:
        raise Misunderstood("a quotation mark that nobody closed", hint="Write one behind the words, too")
    return _unescaped(text[at + 1 : end]), end + 1


def _closed(text: str, at: int, closing: str) -> int:
    """Where the closing mark stands; 0 where there is none."""
    while at < len(text):
        if text[at] in closing:
            return at
        at += 2 if text[at] == "\\" and text[at + 1 : at + 2] in {"\\", *closing} else 1
    return 0


def _unescaped(text: str) -> str:
    return re.sub(_ESCAPED, r"\1", text)


def _gap(word: Word) -> str:
    return "\n" * min(word.breaks, 2) or " "
