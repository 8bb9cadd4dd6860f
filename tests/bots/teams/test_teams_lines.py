"""How often the bot tries what passes, and to whom its token goes."""

from __future__ import annotations

import asyncio

import pytest

from ai_crm.errors import CredentialsRefused, RateLimited, UpstreamError, UpstreamUnavailable
from ai_crm.platforms.teams.client import Connector
from ai_crm.platforms.teams.login import NoProof
from bots.teams.lines import Lines


def lines(slept: list[float]) -> Lines:
    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    return Lines(lambda url: "127.0.0.1" in url, NoProof(), "", sleep)


@pytest.mark.parametrize(
    ("errors", "waited"),
    [
        ((), []),
        ((RateLimited("slower", retry_after=3),), [3.0]),
        ((RateLimited("slower", retry_after=900),), [10.0]),
        ((UpstreamUnavailable("away"), RateLimited("slower", retry_after=2)), [1.0, 2.0]),
    ],
)
def test_what_passes_is_tried_three_times(errors: tuple[UpstreamError, ...], waited: list[float]) -> None:
    left, slept = list(errors), list[float]()

    def work(_connector: Connector) -> str:
        if left:
            raise left.pop(0)
        return "done"

    assert asyncio.run(lines(slept).ask("http://127.0.0.1:9", work)) == "done"
    assert slept == waited


def test_what_does_not_pass_is_told_after_the_third_time() -> None:
    tried = list[int]()

    def work(_connector: Connector) -> str:
        tried.append(1)
        raise UpstreamUnavailable("away")

    with pytest.raises(UpstreamUnavailable):
        asyncio.run(lines([]).ask("http://127.0.0.1:9", work))
    assert len(tried) == 3


def test_the_token_goes_to_no_service_that_is_not_allowed() -> None:
    with pytest.raises(CredentialsRefused):
        asyncio.run(lines([]).ask("https://evil.example/", lambda _connector: "asked"))


def test_many_services_are_no_burden() -> None:
    async def asked() -> list[str]:
        line = lines([])
        return [await line.ask(f"http://127.0.0.1:{port}", lambda _connector: "done") for port in range(1000, 1040)]

    assert asyncio.run(asked()) == ["done"] * 40
