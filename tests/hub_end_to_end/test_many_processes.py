"""Two web processes and two workers on one PostgreSQL: they share the work, and what a dead one held moves on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.doubles.github_server import FakeGitHub
from tests.doubles.hub import Hub
from tests.hub_end_to_end.conftest import UNPACED, opened

pytestmark = pytest.mark.postgres


@pytest.fixture
def machines(database_url: str, tmp_path: Path, github: FakeGitHub) -> Iterator[dict[str, Hub]]:
    shared = {
        "AI_CRM_DATABASE_URL": database_url,
        "AI_CRM_SECRET_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "AI_CRM_LEASE_SECONDS": "3",
        **UNPACED,
    }
    hubs: dict[str, Hub] = {}
    for name in ("web-1", "web-2", "worker-1", "worker-2"):
        (tmp_path / name).mkdir()
        hubs[name] = Hub(tmp_path / name, shared, name.partition("-")[0])
    hubs["web-1"].connect(github.url)
    with ExitStack() as running:
        for hub in hubs.values():
            running.enter_context(hub)
        yield hubs


def test_four_processes_share_the_work_and_one_that_dies_leaves_nothing_behind(
    machines: dict[str, Hub], github: FakeGitHub, root: Path
) -> None:
    key = machines["web-1"].key()
    events = []
    for number in range(1, 31):
        body = opened(github, root, f"Issue {number}")
        for web in ("web-1", "web-2"):  # the same delivery at both doors
            answer = machines[web].send("issues", body)
            assert answer.status == 202
            events.append(answer.json()["event_id"])
        if number == 15:
            machines["worker-1"].kill()

    for event in dict.fromkeys(events):
        assert machines["web-2"].settled(event, key)["state"] == "done"
    for number in range(1, 31):
        texts = github.comments_of(number)
        assert len(texts) == 2, texts
        assert sum("Thank you" in text for text in texts) == 1
    tasks = machines["web-2"].ask("/api/v1/tasks?limit=100", key).json()
    assert tasks["total"] == 30
    assert len({task["id"] for task in tasks["tasks"]}) == 30
