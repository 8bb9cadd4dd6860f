"""Values that no print, log, traceback or copy shows, and the disguises in which they might still slip out."""

from __future__ import annotations

from binascii import b2a_base64
from typing import NoReturn


class Secret:
    """A token or password. Only `reveal` tells it; an empty one is false. Two are compared in constant time."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself, for the one place that sends it."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        from hmac import compare_digest  # noqa: PLC0415 - cold start

        return isinstance(other, Secret) and compare_digest(_bytes(self._value), _bytes(other._value))

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __repr__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return "***"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is neither pickled nor copied")


def mask_forms(secret: Secret) -> tuple[str, ...]:
    """Every text that a log must hide: each line of the secret as it is, percent-encoded, escaped as in JSON, and the
    whole of it in base64 at each of the three offsets that it can have inside a longer text.

    Forms of fewer than four characters are left out: hiding them would hide half the log and tell their length.
    """
    value = secret.reveal()
    lines = [line.strip() for line in value.splitlines()]
    plain = [form for line in lines for form in (line, _percent(line), _escaped(line))]
    forms = [form for whole in (value, *lines) if len(whole) >= _LEAST for form in _base64(_bytes(whole))]
    return tuple(dict.fromkeys(form for form in plain + forms if len(form) >= _LEAST))


_LEAST = 4


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")  # an environment may hold bytes that are no text


def _percent(text: str) -> str:
    return "".join(
        chr(byte) if (chr(byte).isalnum() and byte < 128) or chr(byte) in "-._~" else f"%{byte:02X}"
        for byte in _bytes(text)
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _base64(data: bytes) -> tuple[str, ...]:
    """In both alphabets, at each offset, without the characters that depend on what stands before and behind."""
    cores = tuple(_core(data, offset) for offset in range(3))
    return cores + tuple(core.replace("+", "-").replace("/", "_") for core in cores)


def _core(data: bytes, offset: int) -> str:
    encoded = b2a_base64(bytes(offset) + data, newline=False).decode()
    before = (0, 2, 3)[offset]
    behind = (0, 3, 2)[(offset + len(data)) % 3]
    return encoded[before : len(encoded) - behind]
