"""The ways in and out in a real browser, at a hub that runs as an operator runs it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ai_crm.hub.dashboard.gate import own_path
from tests.doubles.hub import Hub
from tests.hub.dashboard.test_sign_in import ELSEWHERE, OURS

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory, node: str, node_modules: Path, chromium: str) -> dict[str, Any]:
    """What a person saw at each step."""
    folder = tmp_path_factory.mktemp("walk")
    with Hub(folder) as hub:
        port = hub.url.rpartition(":")[2]
        links = [hub.command("sign-in", "--as", "Ann Lee").stdout.strip().rpartition("/")[2] for _ in range(2)]
        key = hub.key()
        asked = {
            "hub": hub.url,
            "lan": f"http://hub.lan:{port}",
            "link": f"{hub.url}/sign-in/{links[0]}",
            "second": f"{hub.url}/sign-in/{links[1]}",
            "key": key,
            "paths": [own_path(each) for each in (*ELSEWHERE, *OURS)],
        }
        done = subprocess.run(
            [node, HERE / "sign_in.cjs", node_modules, chromium, folder],
            input=json.dumps(asked),
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
        )
        found: dict[str, Any] = json.loads(done.stdout)
        assert not [each for each in (*links, key) if each in hub.log()]
        return {**found, "url": hub.url}


def test_a_link_from_the_terminal_opens_the_dashboard_after_one_press(walked: dict[str, Any]) -> None:
    assert "This link makes you Ann Lee, operator of default" in walked["invited"]["text"]
    assert walked["entered"]["path"] == "/"
    assert "Ann Lee, operator of default" in walked["entered"]["text"]


def test_no_script_reads_the_cookie_and_no_other_site_is_sent_it(walked: dict[str, Any]) -> None:
    [cookie] = walked["cookies"]
    assert (cookie["name"], cookie["value"], cookie["path"]) == ("ai-crm", 43, "/")
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    assert cookie["expires"] == -1  # gone with the browser
    assert walked["readable"] == ""


def test_somebody_elses_page_signs_nobody_out_and_nobody_in(walked: dict[str, Any]) -> None:
    for step in ("forgedOut", "forgedIn", "lanForged"):
        assert "did not come from a page of this hub" in walked[step]["text"], step
    assert "Ann Lee" in walked["still"]["text"]
    assert walked["forgedCookies"] == 0


def test_who_signs_out_is_out_and_the_link_was_for_once(walked: dict[str, Any]) -> None:
    assert walked["left"]["path"] == "/sign-in"
    assert walked["kept"] == 0
    assert "This link is over" in walked["again"]["text"]


def test_whoever_signs_in_with_a_key_gets_to_where_they_wanted(walked: dict[str, Any]) -> None:
    assert walked["asked"]["path"].startswith("/sign-in?next=")
    assert "No key is like that" in walked["refused"]["text"]
    assert walked["withKey"]["path"] == "/tasks?q=status:open"


def test_where_browsers_say_nothing_the_origin_does(walked: dict[str, Any]) -> None:
    assert walked["lan"]["path"] == "/"
    assert "Ann Lee" in walked["lan"]["text"]


def test_a_browser_reads_no_address_as_somebody_elses(walked: dict[str, Any]) -> None:
    assert set(walked["led"]) == {walked["url"]}


def test_a_browser_has_nothing_to_complain_about(walked: dict[str, Any]) -> None:
    """But the answers that said no."""
    expected = "Failed to load resource: the server responded with a status of"
    assert [each for each in walked["complaints"] if not each.startswith(expected)] == []
