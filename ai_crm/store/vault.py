"""How secrets of connections are kept: sealed with AES-256-GCM, each bound to the place that it was sealed for."""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections.abc import Mapping

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ai_crm.errors import Problem, SettingsInvalid, StoreError
from ai_crm.model.secret import Secret

_NONCE = 12
_VERSION = "v1:"


class Vault:
    """`place` names what a box belongs to (workspace and connection): a box that was moved elsewhere does not open."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, secrets: Mapping[str, Secret], place: str) -> str:
        nonce = os.urandom(_NONCE)
        plain = msgspec.json.encode({name: secret.reveal() for name, secret in secrets.items()})
        return _VERSION + b64encode(nonce + self._cipher.encrypt(nonce, plain, place.encode())).decode()

    def open(self, box: str, place: str) -> dict[str, Secret]:
        """Raises StoreError for a box that was sealed with another key or for another place."""
        try:
            raw = b64decode(box.removeprefix(_VERSION), validate=True)
            plain = self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], place.encode())
        except (InvalidTag, ValueError) as error:
            raise StoreError(
                "stored secrets cannot be opened",
                where=place,
                hint="AI_CRM_SECRET_KEY (or secret.key in the data folder) is not the one they were sealed with",
            ) from error
        return {name: Secret(value) for name, value in msgspec.json.decode(plain, type=dict[str, str]).items()}


def vault_key(given: Secret, file: str) -> bytes:
    """The key that was given, else the one in the file, which is made where there is none. Raises SettingsInvalid."""
    if given:
        return _read(given.reveal(), "AI_CRM_SECRET_KEY")
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        with open(file, encoding="ascii") as stored:
            return _read(stored.read().strip(), file)
    except OSError as error:
        raise _invalid(
            file, f"cannot be made: {error.strerror}", "let AI_CRM_DATA name a folder to write in"
        ) from error
    key = AESGCM.generate_key(256)
    with os.fdopen(descriptor, "w", encoding="ascii") as made:
        made.write(b64encode(key).decode() + "\n")
    return key


def _read(text: str, where: str) -> bytes:
    try:
        key = b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) != 32:
        hint = "make one: python -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())'"
        raise _invalid(where, "is not 32 bytes in base64", hint)
    return key


def _invalid(where: str, what: str, hint: str) -> SettingsInvalid:
    return SettingsInvalid((Problem(where, 0, 0, what, hint),))
