"""How a bot proves with a certificate what others prove with a client secret: a short statement that its key signed."""

from __future__ import annotations

import base64

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificate
from msgspec import Struct

from ai_crm.errors import Problem, SettingsInvalid

_LONGEST = 100_000  # bytes of a file
_GOOD_FOR = 300  # seconds


class Certificate(Struct, frozen=True):
    """A private key, and the fingerprint of the certificate that is registered for it."""

    key: RSAPrivateKey
    fingerprint: str

    def __repr__(self) -> str:
        return f"Certificate({self.fingerprint})"


def read_certificate(path: str) -> str:
    """The text of a PEM file. Raises SettingsInvalid."""
    try:
        with open(path, encoding="ascii") as file:
            return file.read(_LONGEST)
    except (OSError, ValueError) as error:
        raise _invalid("cannot be read", "the path of a PEM file with the private key and its certificate") from error


def parse_certificate(pem: str) -> Certificate:
    """The key and the certificate in a PEM text, in any order. Raises SettingsInvalid."""
    try:
        key = load_pem_private_key(pem.encode(), None)
        certificate = load_pem_x509_certificate(pem.encode())
    except (ValueError, TypeError) as error:
        raise _invalid("is no PEM of a private key without a password and its certificate") from error
    if not isinstance(key, RSAPrivateKey) or key.public_key() != certificate.public_key():
        raise _invalid("holds a key that is not the certificate's", "Entra ID takes RSA keys")
    return Certificate(key, base64.urlsafe_b64encode(certificate.fingerprint(SHA256())).rstrip(b"=").decode())


def assertion(certificate: Certificate, app_id: str, audience: str, now: float, id_: str) -> str:
    """What is sent in the secret's place to the login at `audience`. `now` is in seconds, `id_` never the same twice.

    https://learn.microsoft.com/en-us/entra/identity-platform/certificate-credentials (read 2026-11)
    """
    begin = int(now)
    said = {"aud": audience, "iss": app_id, "sub": app_id, "jti": id_, "nbf": begin, "exp": begin + _GOOD_FOR}
    return jwt.encode(said, certificate.key, "PS256", {"x5t#S256": certificate.fingerprint})


def _invalid(what: str, hint: str = "") -> SettingsInvalid:
    return SettingsInvalid((Problem("AI_CRM_TEAMS_CERTIFICATE", 0, 0, what, hint),))
