"""A certificate in the place of the client secret, as Entra ID takes it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as elliptic
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from ai_crm.config.hub_settings import read_hub_settings
from ai_crm.errors import CredentialsRefused, SettingsInvalid
from ai_crm.model.address import parse_address
from ai_crm.platforms.teams.certificate import parse_certificate, read_certificate
from ai_crm.platforms.teams.login import BotAccount, Login, cloud_of
from tests.doubles.teams_server import APP, TENANT, TeamsServer, key_pair


@pytest.fixture
def teams() -> Iterator[TeamsServer]:
    with TeamsServer() as server:
        yield server


def pem(key: RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def certificate(key: RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ai-crm")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    return made.not_valid_before(now).not_valid_after(now + timedelta(days=1)).sign(key, SHA256())


@pytest.fixture(scope="module")
def registered() -> x509.Certificate:
    return certificate(key_pair("certificate"))


@pytest.fixture(scope="module")
def both(registered: x509.Certificate) -> str:
    return pem(key_pair("certificate")) + registered.public_bytes(Encoding.PEM).decode()


def login(teams: TeamsServer, text: str) -> Login:
    account = BotAccount(app_id=APP, tenant=TENANT, certificate=text)
    return Login(account, cloud_of(parse_address(teams.url), teams.url), lambda: 0.0, "")


def test_a_certificate_gets_a_token_again_and_again(
    teams: TeamsServer, registered: x509.Certificate, both: str
) -> None:
    fingerprint = base64.urlsafe_b64encode(registered.fingerprint(SHA256())).rstrip(b"=").decode()
    teams.registered = fingerprint
    proof = login(teams, both)
    first = proof.token()
    proof.forget()
    assert proof.token() != first
    proof.close()


def test_another_certificate_is_refused(teams: TeamsServer, both: str) -> None:
    teams.registered = "another"
    proof = login(teams, both)
    with pytest.raises(CredentialsRefused, match="AADSTS700027"):
        proof.token()
    proof.close()


def test_what_is_no_key_with_its_certificate_is_refused_and_not_told(registered: x509.Certificate, both: str) -> None:
    own = registered.public_bytes(Encoding.PEM).decode()
    curve = elliptic(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    for text in ("", "x", own, pem(key_pair("certificate")), pem(key_pair("stranger")) + own, curve + own):
        with pytest.raises(SettingsInvalid) as refused:
            parse_certificate(text)
        assert "PRIVATE" not in str(refused.value)
    assert "PRIVATE" not in repr(parse_certificate(both))


def test_a_file_that_is_not_there_is_told_by_its_settings_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="AI_CRM_TEAMS_CERTIFICATE"):
        read_certificate(str(tmp_path / "none.pem"))


def test_a_certificate_stands_for_the_password_and_not_beside_it() -> None:
    app = {"AI_CRM_TEAMS_APP_ID": APP, "AI_CRM_TEAMS_TENANT_ID": TENANT, "AI_CRM_TEAMS_CERTIFICATE": "bot.pem"}
    assert read_hub_settings(app).teams_certificate == "bot.pem"
    with pytest.raises(SettingsInvalid, match="beside"):
        read_hub_settings({**app, "AI_CRM_TEAMS_APP_PASSWORD": "x"})
    with pytest.raises(SettingsInvalid, match="AI_CRM_TEAMS_TENANT_ID"):
        read_hub_settings({"AI_CRM_TEAMS_APP_ID": APP, "AI_CRM_TEAMS_CERTIFICATE": "bot.pem"})
