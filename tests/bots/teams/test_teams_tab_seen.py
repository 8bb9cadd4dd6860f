"""The tab in Chromium, in a window of Teams: Microsoft's own library, real cookies over TLS, and what a person sees."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ai_crm.hub import server
from ai_crm.model.task import TaskId
from bots.teams.tab import PATH
from tests.doubles.teams_server import GUEST, TeamsServer, key_pair
from tests.doubles.teams_tab import BASE, HOST, Entra, TabRoom

pytestmark = [pytest.mark.node, pytest.mark.browser]

TAB = f"{BASE}{PATH}"
_OTHER = "99999999-9999-4999-8999-999999999999"
_WINDOW = Path(__file__).parents[2] / "doubles" / "teams_window.html"


class World:
    """Every host of the world on one socket: Teams, Microsoft's network, the hub, and a stranger."""

    def __init__(self, hub: ASGIApp, library: Path) -> None:
        self._hub = hub
        self._library = library

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        host = request.headers.get("host", "")
        app = self._hub if host == HOST else self._elsewhere(host, request.url.path)
        await app(scope, receive, send)

    def _elsewhere(self, host: str, path: str) -> Response:
        if host == "res.cdn.office.net":
            headers = {"Access-Control-Allow-Origin": "*"}
            if path == "/teams-js/validDomains/json/validDomains.json":
                return JSONResponse({"validOrigins": ["teams.microsoft.com", "*.cloud.microsoft"]}, headers=headers)
            return Response(self._library.read_bytes(), headers=headers, media_type="text/javascript")
        if host in {"teams.microsoft.com", "teams.cloud.microsoft", "evil.example"}:
            return HTMLResponse(_WINDOW.read_text(encoding="utf-8"))
        return PlainTextResponse("a stranger's page")


def certificate(folder: Path) -> tuple[str, str]:
    """A certificate that only this browser believes, and its key."""
    key, now = key_pair("tls"), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return str(folder / "cert.pem"), str(folder / "key.pem")


@pytest.fixture(scope="module")
def seen(
    node: str, node_modules: Path, chromium: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """What is seen of each visit. With AI_CRM_PICTURES=FOLDER the pictures stay there."""
    folder = tmp_path_factory.mktemp("tab")
    pictures = os.environ.get("AI_CRM_PICTURES") or str(folder)
    library = node_modules / "@microsoft/teams-js/dist/umd/MicrosoftTeams.min.js"
    script = str(Path(__file__).with_name("tab.cjs"))
    with TeamsServer() as teams:
        entra, stranger = Entra(teams), Entra(teams, _OTHER)
        with TabRoom(folder / "data", teams) as room:
            room.say("link ann-lee")
            room.say('task create "Fix the login of the mobile app" --assign @me --priority high')
            room.say('task create "Write the guide" --assign @me')

            async def played() -> dict[str, Any]:
                cert, key = certificate(folder)
                config = uvicorn.Config(
                    World(room.app, library), log_config=None, ssl_certfile=cert, ssl_keyfile=key, lifespan="off"
                )
                serving, listener = uvicorn.Server(config), server.listen(port=0)
                task = asyncio.ensure_future(serving.serve(sockets=[listener]))
                port = str(listener.getsockname()[1])
                done = await asyncio.create_subprocess_exec(
                    *(node, script, str(node_modules), chromium, port, pictures),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                )
                out, _ = await asyncio.wait_for(done.communicate(json.dumps(visits(entra, stranger)).encode()), 110)
                serving.should_exit = True
                await task
                assert done.returncode == 0
                found: dict[str, Any] = json.loads(out)
                return found

            assert ssl.HAS_TLSv1_3
            found = room.run(played())
            found["status"] = room.run(room.hub.records.task("default", TaskId("AICRM-2"))).status
            yield found


def visits(entra: Entra, stranger: Entra) -> dict[str, Any]:
    good = [True, entra.token()]
    usual = {"page": TAB, "subEntityId": "", "tokens": [good]}
    hostile = ("//evil.example/x", "/\\evil.example", ".//evil.example/x", "x/..//evil.example", "teams/tab")
    return {
        "home": usual,
        "task": {**usual, "subEntityId": "tasks/AICRM-1"},
        "pressed": {**usual, "subEntityId": "tasks/AICRM-2", "steps": [{"role": "button", "name": "Done"}]},
        "ended": {**usual, "page": f"{BASE}/tasks/AICRM-1"},
        "left": {**usual, "steps": [{"role": "button", "name": "Sign out"}]},
        "back": {**usual, "steps": [{"role": "button", "name": each} for each in ("Sign out", "Sign in")]},
        "guest": {**usual, "host": "teams.cloud.microsoft", "tokens": [[True, entra.token(GUEST, acct=1)]]},
        "consent": {**usual, "tokens": [[False, "resourceRequiresConsent"]]},
        "agreed": {
            **usual,
            "tokens": [[False, "resourceRequiresConsent"], good],
            "steps": [{"role": "button", "name": "Try again"}],
        },
        "disabled": {**usual, "tokens": [[False, "resourceDisabled"]]},
        "wrong": {**usual, "subEntityId": "tasks/AICRM-1", "tokens": [[True, entra.token(aud=_OTHER)]]},
        "stranger": {**usual, "tokens": [[True, stranger.token()]]},
        "offline": {**usual, "dead": ["**/teams/tab/session"]},
        "blocked": {**usual, "dead": ["https://res.cdn.office.net/**"]},
        "cookieless": {**usual, "forgetful": ["**/teams/tab/session"]},
        "framed by a stranger": {**usual, "host": "evil.example"},
        "dashboard framed by a stranger": {**usual, "host": "evil.example", "page": f"{BASE}/"},
        **{f"hostile-{number}": {**usual, "subEntityId": path} for number, path in enumerate(hostile)},
    }


def test_who_is_in_teams_is_on_the_dashboard_at_once(seen: dict[str, Any]) -> None:
    home = seen["home"]
    assert home["url"] == f"{BASE}/"
    assert "Fix the login of the mobile app" in home["text"]
    assert "Ann Lee" in home["text"]
    assert home["complaints"] == []
    assert home["scripts"] == 0
    assert [
        each["func"] for each in home["heard"] if each["func"] in {"initialize", "authentication.getAuthToken"}
    ] == [
        "initialize",
        "authentication.getAuthToken",
    ]
    assert {each["origin"] for each in home["heard"]} == {BASE}


def test_the_session_is_kept_for_this_frame_in_teams_alone(seen: dict[str, Any]) -> None:
    ((name, partition),) = seen["home"]["cookies"]
    assert (name, "microsoft.com" in partition) == ("__Host-ai-crm-tab", True)


def test_a_deep_link_leads_to_its_task(seen: dict[str, Any]) -> None:
    assert seen["task"]["url"] == f"{BASE}/tasks/AICRM-1"
    assert "Fix the login of the mobile app" in seen["task"]["text"]


def test_buttons_work_in_the_frame(seen: dict[str, Any]) -> None:
    assert seen["status"] == "done"


def test_a_page_without_a_session_lets_in_on_its_own_and_goes_on(seen: dict[str, Any]) -> None:
    assert seen["ended"]["url"] == f"{BASE}/tasks/AICRM-1"
    assert "Fix the login" in seen["ended"]["text"]


def test_who_signs_out_stays_out_until_they_want_in_again(seen: dict[str, Any]) -> None:
    assert seen["left"]["url"] == f"{TAB}?left"
    assert "You signed out" in seen["left"]["text"]
    assert seen["left"]["cookies"] == []
    assert seen["back"]["url"] == f"{BASE}/"


def test_a_guest_is_on_the_dashboard_too_and_teams_has_two_addresses(seen: dict[str, Any]) -> None:
    assert seen["guest"]["url"] == f"{BASE}/"
    assert "gus" in seen["guest"]["text"]


@pytest.mark.parametrize(
    ("name", "said", "hint"),
    [
        ("consent", "may not know yet who you are", "agree"),
        ("disabled", "does not say who you are", "ai-crm teams doctor"),
        ("wrong", "does not believe", "ai-crm teams doctor"),
        ("stranger", "another organisation", "ask an operator"),
        ("offline", "cannot be reached", "connection"),
        ("blocked", "could not be loaded", "res.cdn.office.net"),
        ("cookieless", "keeps no cookies", "open AI-CRM in the browser"),
    ],
)
def test_what_went_wrong_is_said_with_what_to_do(seen: dict[str, Any], name: str, said: str, hint: str) -> None:
    shown = seen[name]
    assert shown["url"] == TAB
    assert said in shown["text"]
    assert hint in shown["text"]
    assert "Open in the browser" in shown["text"]
    assert "Try again" in shown["text"]
    assert shown["browser"] == ("/tasks/AICRM-1" if name == "wrong" else "/")


def test_who_agrees_then_is_let_in(seen: dict[str, Any]) -> None:
    assert seen["agreed"]["url"] == f"{BASE}/"
    assert "Fix the login" in seen["agreed"]["text"]


@pytest.mark.parametrize("name", ["framed by a stranger", "dashboard framed by a stranger"])
def test_nobody_else_shows_it(seen: dict[str, Any], name: str) -> None:
    assert seen[name]["url"].startswith("chrome-error://")
    assert "Fix" not in seen[name]["text"]
    assert seen[name]["cookies"] == []


def test_no_deep_link_leads_away(seen: dict[str, Any]) -> None:
    hostile = [visit for name, visit in seen.items() if name.startswith("hostile-")]
    assert len(hostile) == 5
    assert [visit["url"] for visit in hostile if not visit["url"].startswith(f"{BASE}/")] == []
    assert [visit["url"] for visit in hostile if visit["url"].startswith(TAB)] == []
