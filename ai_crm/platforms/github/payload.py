"""GitHub's JSON, wrapped so that every value remembers its path and leaves only as what its reader asked for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NoReturn

import msgspec

from ai_crm.cards.inert import clean
from ai_crm.errors import AnswerUnintelligible, PayloadInvalid

Refusal = type[PayloadInvalid] | type[AnswerUnintelligible]


class _Missing:
    """Stands for what is not there, so that a path can go on through it."""


_MISSING = _Missing()


class Value:
    """One value of a JSON document. A wrong shape raises `refusal`, which names the path (`issue.title`).

    What GitHub sends as `null` and what it leaves out are the same to a reader: absent. Nothing here is ever compared
    or printed; the only way out is to say what is expected.
    """

    __slots__ = ("_path", "_raw", "_refusal")

    def __init__(self, raw: Any, path: str = "", refusal: Refusal = PayloadInvalid) -> None:
        self._raw = raw
        self._path = path
        self._refusal = refusal

    def __getitem__(self, key: str) -> Value:
        """A member of an object; absent where the object is absent or has none."""
        path = f"{self._path}.{key}" if self._path else key
        if not self.exists:
            return Value(_MISSING, path, self._refusal)
        if not isinstance(self._raw, dict):
            self._refuse("an object")
        return Value(self._raw.get(key, _MISSING), path, self._refusal)

    @property
    def exists(self) -> bool:
        return self._raw is not None and self._raw is not _MISSING

    def required(self) -> Value:
        """The same value, unless it is absent."""
        if not self.exists:
            self._refuse("something")
        return self

    def each(self) -> Iterator[Value]:
        """The members of an array, none where it is absent."""
        if not self.exists:
            return
        if not isinstance(self._raw, list):
            self._refuse("an array")
        for position, raw in enumerate(self._raw):
            yield Value(raw, f"{self._path}[{position}]", self._refusal)

    def text(self) -> str:
        """Words for people, without what cannot be seen."""
        return clean(self.raw())

    def text_or(self, default: str) -> str:
        return self.text() if self.exists else default

    def name(self) -> str:
        """What rules compare letter by letter, such as a label: untouched but for what no encoder accepts."""
        return self.raw().encode("utf-8", "replace").decode().replace("\0", "")

    def name_or(self, default: str) -> str:
        return self.name() if self.exists else default

    def raw(self) -> str:
        """The text exactly as it came: for our own cards, which must be compared byte by byte."""
        if not isinstance(self._raw, str):
            self._refuse("a string")
        return str(self._raw)

    def link(self) -> str:
        """A web address; empty where it is absent."""
        if not self.exists:
            return ""
        link = self.name()
        if not link.startswith(("https://", "http://")) or not link.isprintable() or " " in link:
            self._refuse("a web address")
        return link

    def number(self) -> int:
        if not isinstance(self._raw, int) or isinstance(self._raw, bool):
            self._refuse("a whole number")
        return int(self._raw)

    def number_or(self, default: int) -> int:
        return self.number() if self.exists else default

    def flag(self) -> bool:
        """True or false; what is absent is false."""
        if not self.exists:
            return False
        if not isinstance(self._raw, bool):
            self._refuse("true or false")
        return self._raw

    def time(self) -> datetime | None:
        """A moment, in UTC. GitHub writes most as text and a few, such as `pushed_at`, as seconds since 1970."""
        if not self.exists:
            return None
        try:
            if isinstance(self._raw, int) and not isinstance(self._raw, bool):
                return datetime.fromtimestamp(self._raw, UTC)
            moment = datetime.fromisoformat(self.raw())
            return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError, OSError):
            self._refuse("a time")

    def is_text(self) -> bool:
        return isinstance(self._raw, str)

    def is_array(self) -> bool:
        return isinstance(self._raw, list)

    def _refuse(self, expected: str) -> NoReturn:
        found = (
            "nothing" if self._raw is None or self._raw is _MISSING else _KINDS.get(type(self._raw), "something else")
        )
        raise self._refusal(f"{self._path or 'the document'}: expected {expected}, found {found}", where="GitHub")


_KINDS: dict[type, str] = {
    str: "a string",
    int: "a number",
    float: "a fraction",
    bool: "true or false",
    list: "an array",
    dict: "an object",
}


def parse(document: bytes, refusal: Refusal = PayloadInvalid) -> Value:
    """The document that these bytes are. Raises `refusal`, never with any of the bytes in its message."""
    try:
        return Value(_load(document), refusal=refusal)
    except (ValueError, RecursionError) as error:
        raise refusal("the body is not JSON", where="GitHub") from error


def absent() -> Value:
    """What an empty answer says."""
    return Value(_MISSING)


def _load(document: bytes) -> Any:
    try:
        return msgspec.json.decode(document)
    except ValueError:
        # Half of an emoji, as programs that cut texts by length leave behind, is refused there but not here.
        import json  # noqa: PLC0415 - cold start: needed for one delivery in thousands

        return json.loads(document)
