"""A hub with Redis in front of PostgreSQL: what it acknowledged is done once, however often it is killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from tests.doubles.github_server import FakeGitHub
from tests.doubles.hub import Hub
from tests.hub_end_to_end.conftest import UNPACED, opened

pytestmark = [pytest.mark.postgres, pytest.mark.redis]


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    client = Redis.from_url(redis_url)
    client.flushall()
    yield client
    client.config_set("appendfsync", "always")
    client.close()


@pytest.fixture
def environ(database_url: str, redis_url: str) -> dict[str, str]:
    return {
        "AI_CRM_DATABASE_URL": database_url,
        "AI_CRM_REDIS_URL": redis_url,
        "AI_CRM_SECRET_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "AI_CRM_LEASE_SECONDS": "2",
        **UNPACED,
    }


@pytest.mark.usefixtures("redis")
def test_what_redis_took_in_is_done_once_although_the_hub_is_killed(
    tmp_path: Path, environ: dict[str, str], github: FakeGitHub, root: Path
) -> None:
    hub = Hub(tmp_path, environ)
    hub.connect(github.url)
    key = hub.key()
    with hub:
        bodies = [opened(github, root, f"Issue {number}") for number in range(20)]
        events = []
        for number, body in enumerate(bodies):
            answer = hub.send("issues", body)
            assert answer.status == 202
            events.append(answer.json()["event_id"])
            known = hub.ask(answer.headers["location"], key)
            assert known.status == 200, known.body
            if number in (7, 15):
                hub.kill()
                hub.start()
        for body in bodies:
            assert hub.send("issues", body).status == 202
        assert {hub.settled(event, key)["state"] for event in events} == {"done"}
    for number in range(1, 21):
        texts = github.comments_of(number)
        assert len(texts) == 2, texts
        assert sum("Thank you" in text for text in texts) == 1


def test_a_redis_that_may_forget_keeps_the_hub_from_starting(
    tmp_path: Path, environ: dict[str, str], redis: Redis
) -> None:
    redis.config_set("appendfsync", "everysec")

    done = Hub(tmp_path, environ).command("serve", "--port", "0", check=False)

    assert done.returncode == 2
    assert "appendfsync everysec" in done.stderr
    assert "AI_CRM_REDIS_URL" in done.stderr


def test_a_hub_whose_redis_is_forgetful_or_gone_is_not_ready(
    tmp_path: Path, environ: dict[str, str], redis: Redis
) -> None:
    with Hub(tmp_path, environ, "web") as hub:
        assert hub.ask("/readyz", "").status == 200
        redis.config_set("appendfsync", "everysec")
        assert hub.ask("/readyz", "").status == 503
        assert "appendfsync" in hub.log()
