"""A webhook on its way from the decision: to its own applier, once, and remembered wherever tasks are kept."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ai_crm.flow.deliver import Report, deliver, platform_of
from ai_crm.flow.describe import describe
from ai_crm.model.change import AnyChange, CallWebhook, Later, Outcome, Text, change_key
from ai_crm.model.item import PlatformName
from ai_crm.model.task import RuleId
from ai_crm.platforms.webhook import Webhooks
from ai_crm.ports import Store
from ai_crm.store.card import CardStore
from ai_crm.store.sql import SqlStore
from tests.conftest import Finish
from tests.doubles.card_platform import CardPlatform
from tests.doubles.decisions import ISSUE, NOON, Decisions
from tests.doubles.loopback import Loopback, Reply
from tests.doubles.notices import inline

KEY = change_key(RuleId("triage"), ISSUE, "webhook", "")


def change(url: str) -> CallWebhook:
    return CallWebhook(
        key=KEY,
        rule=RuleId("triage"),
        item=ISSUE,
        because="rule triage",
        url=url,
        body=Text(('{"task":"', Later("id"), '"}')),
    )


class _AsGitHub:
    """A platform double under GitHub's name."""

    name = PlatformName.GITHUB
    capabilities = msgspec.structs.replace(
        Webhooks.capabilities, changes=tuple(Webhooks.capabilities.absent), absent={CallWebhook: "x"}
    )

    def __init__(self, cards: CardPlatform) -> None:
        self.apply = cards.apply

    def close(self) -> None:
        pass


def run(finish: Finish, store: Store, cards: CardPlatform, *changes: AnyChange) -> Report:
    hooks = Webhooks(inline, lambda: NOON, allowed=(ip_network("127.0.0.1/32"),))
    appliers: Any = {PlatformName.GITHUB: _AsGitHub(cards), PlatformName.WEBHOOK: hooks}
    report = finish(deliver(Decisions().make("event-1", *changes), store, appliers, NOON))
    hooks.close()
    return report


@pytest.mark.parametrize("kept", ["card", "database"])
def test_a_webhook_is_called_once_however_often_its_event_comes(finish: Finish, tmp_path: Path, kept: str) -> None:
    make, cards = Decisions(), CardPlatform()
    with Loopback(lambda _: Reply(200)) as receiver:
        changes = (make.create("triage"), make.card("event-1"), change(f"{receiver.url}/x"))
        for _ in range(3):
            store: Store = (
                CardStore(cards) if kept == "card" else SqlStore(f"sqlite:///{tmp_path}/x.db", inline, "default")
            )
            report = run(finish, store, cards, *changes)
            store.close()
            assert report.failures == ()
            assert [task.rule for task in report.tasks] == ["triage"]
    (request,) = receiver.requests
    assert request.headers["webhook-id"] == KEY
    assert request.json()["task"].startswith("AICRM-")


def test_a_webhook_that_fails_stops_nothing_else_and_is_tried_by_the_next_run(finish: Finish) -> None:
    make, cards, answers = Decisions(), CardPlatform(), iter((500, 200))
    with Loopback(lambda _: Reply(next(answers))) as receiver:
        changes = (make.create("triage"), make.card("event-1"), change(receiver.url), make.labels("triage"))
        first = run(finish, CardStore(cards), cards, *changes)
        second = run(finish, CardStore(cards), cards, *changes)
    assert [type(failure.change) for failure in first.failures] == [CallWebhook]
    assert cards.marks
    assert second.failures == ()
    assert [request.headers["webhook-id"] for request in receiver.requests] == [KEY] * 2


def test_people_read_the_host_and_not_what_may_let_a_caller_in() -> None:
    secret = change("https://hooks.example.com/services/T0/s3cret?token=s3cret")
    assert platform_of(secret) is PlatformName.WEBHOOK
    assert describe(secret).planned() == "would call the webhook at hooks.example.com"
    assert describe(change("https://x.example?s3cret")).done() == "called the webhook at x.example"


# --- over TLS ---------------------------------------------------------------------------------------------------------


class _Secure:
    """Takes one TLS connection, answers one request with 204, and keeps the name that was asked for and the request."""

    def __init__(self, certificate: Path) -> None:
        self.names: list[str | None] = []
        self.request = b""
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._context.sni_callback = lambda _socket, name, _context: self.names.append(name)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        self._listener.close()
        with contextlib.suppress(OSError), self._context.wrap_socket(connection, server_side=True) as secure:
            while not self.request.endswith(b"}"):  # all of it: closing with something unread resets the connection
                self.request += secure.recv(65536)
            secure.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        connection.close()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    path, key = tmp_path / "hooks.pem", tmp_path / "hooks.key"
    asked = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=hooks.example.com"
    command = [
        *asked.split(),
        "-addext",
        "subjectAltName=DNS:hooks.example.com",
        "-keyout",
        str(key),
        "-out",
        str(path),
    ]
    subprocess.run(command, check=True, capture_output=True)
    path.write_text(path.read_text() + key.read_text())
    return path


@pytest.mark.parametrize(("host", "trusted"), [("hooks.example.com", True), ("other.example.com", False)])
def test_the_checked_address_is_connected_to_and_the_name_is_what_tls_and_host_say(
    finish: Finish, certificate: Path, monkeypatch: pytest.MonkeyPatch, host: str, *, trusted: bool
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server = _Secure(certificate)
    hooks = Webhooks(
        inline,
        lambda: datetime.now(UTC),
        allowed=(ip_network("127.0.0.0/8"),),
        resolve=lambda _host, _port: ("127.0.0.1",),
    )
    call = hooks.apply(change(f"https://{host}:{server.port}/x"))
    if trusted:
        assert finish(call).outcome is Outcome.DONE
        assert f"host: {host}:{server.port}\r\n".encode() in server.request.lower()
    else:
        with pytest.raises(Exception, match="certificate is not trusted"):
            finish(call)
    server.thread.join(10)
    hooks.close()
    assert server.names == [host]
    assert trusted or server.request == b""
