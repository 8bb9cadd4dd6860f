"""What a form of ours sends: fields with one value each, and the id under which its work is done once."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import parse_qsl

from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request

from ai_crm.cards.html import DATA
from ai_crm.errors import PayloadInvalid
from ai_crm.hub.dashboard.render import ONCE
from ai_crm.ports.sessions import Visitor

_TYPE = "application/x-www-form-urlencoded"
_MOST_FIELDS = 60
# A quoted part, which ends before a comma or the end, or one that reaches to the next comma.
_PART = r'\s*+"((?:[^"]|"")*+)"\s*+(?=,|\Z)|([^,]+)'
_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


class Fields(Struct, frozen=True):
    """`values` by name; every line break is a line feed, and what is not UTF-8 is replaced."""

    values: Mapping[str, str]

    def one(self, name: str) -> str:
        """The field without blanks around it; empty where it was not sent."""
        return self.values.get(name, "").strip()

    def many(self, name: str) -> tuple[str, ...]:
        """What stands between commas; between quotation marks a comma is part of it, and two of them are one."""
        found = re.findall(_PART, self.values.get(name, ""))
        parts = (quoted.replace('""', '"') or plain for quoted, plain in found)
        return tuple(part.strip() for part in parts if part.strip())

    @property
    def data(self) -> Mapping[str, str]:
        """What a button carries."""
        return {name.removeprefix(DATA): value for name, value in self.values.items() if name.startswith(DATA)}

    def request_id(self, visitor: Visitor) -> str:
        """32 hexadecimal digits, the same when somebody sends the same form twice with the same in it."""
        once = self.one(ONCE)
        if not _ID.fullmatch(once):
            return secrets.token_hex(16)
        parts = "\x1f".join(_identity(visitor, self.values))
        return hashlib.sha256(parts.encode()).hexdigest()[:32]


def is_form(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == _TYPE


def listed(parts: Iterable[str]) -> str:
    """What `many` reads as these again."""
    return ", ".join('"{}"'.format(part.replace('"', '""')) if {",", '"'} & set(part) else part for part in parts)


async def fields_of(request: Request) -> Fields:
    """Raises PayloadInvalid for what is no form, HTTPException 415 for another kind of one."""
    if not is_form(request):
        raise HTTPException(415, "Only forms of these pages are taken here.")
    text = (await request.body()).decode("utf-8", "replace")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="replace", max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise PayloadInvalid(f"a form has {_MOST_FIELDS} fields at most") from error
    values: dict[str, str] = {}
    for name, value in pairs:
        values.setdefault(name, value.replace("\r\n", "\n").replace("\r", "\n"))
    return Fields(values)


def _identity(visitor: Visitor, values: Mapping[str, str]) -> Iterator[str]:
    yield from (visitor.principal.workspace, visitor.platform, visitor.id)
    yield from (f"{name}\x1e{value}" for name, value in sorted(values.items()))
