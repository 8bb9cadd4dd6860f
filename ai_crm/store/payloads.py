"""How a value stands in the column of its row, and becomes a value again."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import Struct

from ai_crm.errors import StoreError

T = TypeVar("T")


def written(value: Struct) -> str:
    return msgspec.json.encode(value).decode()


def read(decoder: msgspec.json.Decoder[T], payload: str) -> T:
    """Raises StoreError for what somebody else wrote there."""
    try:
        return decoder.decode(payload)
    except msgspec.DecodeError as error:
        raise StoreError(
            "a stored value cannot be read", hint="Somebody else changed it: restore the database from a backup"
        ) from error
