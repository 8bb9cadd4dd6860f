"""Who gets a picture: whoever has an address that this hub made, for two weeks, and nobody else."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.cards.picture import draw, figures_of
from ai_crm.hub.pictures import picture_routes
from ai_crm.model.record import Workflow
from ai_crm.model.secret import Secret
from ai_crm.store.pictures import Pictures
from ai_crm.store.vault import Vault
from tests.doubles.answer_cards import report
from tests.doubles.hub_parts import NOW, Answer, Hub, call

BASE = "https://hub.example.com"
REPORT = report()


class Ahead:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Ahead:
    return Ahead()


@pytest.fixture
def vault() -> Vault:
    return Vault(bytes(32))


@pytest.fixture
def pictures(vault: Vault, clock: Ahead) -> Pictures:
    return Pictures(vault, BASE, clock)


@pytest.fixture
def get(pictures: Pictures) -> Callable[..., Answer]:
    app = Hub(api=picture_routes(pictures)).app

    def ask(path: str, method: str = "GET") -> Answer:
        return asyncio.run(call(app, method, path))

    return ask


def path_of(pictures: Pictures) -> str:
    return pictures.address(REPORT).removeprefix(BASE)


def test_the_address_gives_the_picture_of_its_report(pictures: Pictures, get: Callable[..., Answer]) -> None:
    answer = get(path_of(pictures))
    assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
    assert answer.body == draw(figures_of(REPORT))
    assert answer.headers["cache-control"] == "public, max-age=86400, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    head = get(path_of(pictures), "HEAD")
    assert (head.status, head.headers["content-length"]) == (200, str(len(answer.body)))
    assert get(path_of(pictures), "POST").status == 405


def test_an_address_says_nothing_and_is_never_the_same_twice(pictures: Pictures) -> None:
    one, two = pictures.address(REPORT), pictures.address(REPORT)
    assert one != two
    assert re.fullmatch(r"https://hub\.example\.com/pictures/[A-Za-z0-9._~-]+\.png", one)
    assert "rule" not in one


def test_an_address_is_good_for_two_weeks(pictures: Pictures, clock: Ahead, get: Callable[..., Answer]) -> None:
    path = path_of(pictures)
    clock.time = NOW + timedelta(days=14) - timedelta(seconds=1)
    assert get(path).status == 200
    clock.time = NOW + timedelta(days=14)
    answer = get(path)
    assert (answer.status, answer.headers["cache-control"]) == (404, "no-store")


def sealed(vault: Vault, place: str = "picture", **more: str) -> str:
    """An address of this hub's own key, with whatever in it."""
    box = vault.seal({name: Secret(value) for name, value in more.items()}, place)
    return f"/pictures/{box.translate(str.maketrans('+/=:', '-_.~'))}.png"


def test_what_the_key_sealed_for_something_else_is_no_picture(vault: Vault, get: Callable[..., Answer]) -> None:
    good = {"figures": msgspec.json.encode(figures_of(REPORT)).decode(), "until": (NOW + timedelta(days=1)).isoformat()}
    assert get(sealed(vault, **good)).status == 200
    for path in (
        sealed(vault, "slack invitation", **good),
        sealed(Vault(b"1" * 32), **good),
        sealed(vault, figures=good["figures"]),
        sealed(vault, **{**good, "until": "tomorrow"}),
        sealed(vault, **{**good, "figures": "{}"}),
        sealed(vault, **{**good, "figures": "no JSON"}),
    ):
        assert get(path).status == 404


@settings(max_examples=60, deadline=None)
@given(
    token=st.text(st.characters(exclude_characters="/?"), max_size=200)
    | st.sampled_from(["v1~", "v1~AAAA", "A" * 9_000])
)
def test_what_a_stranger_makes_up_is_not_there(token: str) -> None:
    pictures = Pictures(Vault(bytes(32)), BASE, Ahead())
    assert pictures.figures(token) is None


@pytest.mark.parametrize("token", ["x", "%00", "%F0%9F%99%82", "..", "v1~" + "A" * 5_000, "a%2Fb", ""])
def test_what_a_stranger_asks_for_is_not_there(get: Callable[..., Answer], token: str) -> None:
    answer = get(f"/pictures/{token}.png")
    assert answer.status == 404
    assert len(answer.body) < 200


def test_one_sign_that_is_another_spoils_an_address(pictures: Pictures, get: Callable[..., Answer]) -> None:
    path = path_of(pictures)
    for at in range(len("/pictures/v1~"), len(path) - 10, 41):
        assert get(path[:at] + ("A" if path[at] != "A" else "B") + path[at + 1 :]).status in {404, 429}


def test_whoever_guesses_is_told_to_wait_and_whoever_knows_is_not(
    pictures: Pictures, get: Callable[..., Answer]
) -> None:
    assert [get("/pictures/guess.png").status for _ in range(31)] == [404] * 30 + [429]
    assert get(path_of(pictures)).status == 200
    assert get("/nowhere").status == 404


@pytest.mark.parametrize("base", ["", "http://hub.example.com", "http://127.0.0.1:8080", "https://" + "h" * 2_900])
def test_where_no_chat_could_load_it_there_is_no_picture(vault: Vault, base: str) -> None:
    assert Pictures(vault, base, Ahead()).address(REPORT) == ""


def test_the_longest_address_is_one_that_chats_take(pictures: Pictures) -> None:
    for name in ("🙂" * 60, '"' * 60, "\\" * 60):
        widest = msgspec.structs.replace(REPORT, top_workflows=(Workflow(rule=name, matched=2**63 - 1),) * 9)
        address = pictures.address(widest)
        assert 0 < len(address) <= 3_000
        assert pictures.figures(address.rpartition("/")[2].removesuffix(".png")) == figures_of(widest)
