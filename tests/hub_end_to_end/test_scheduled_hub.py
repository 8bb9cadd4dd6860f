"""Rules that come by the clock in a hub as its operator runs it: the timetable is set near, and the hub started again."""

from __future__ import annotations

import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.doubles.github_server import FakeGitHub
from tests.doubles.hub import Hub
from tests.hub_end_to_end.conftest import RULES, opened

# New Year: far enough from any day on which a test may run, but for the minute of it that nobody sees.
REPORT = """
workflows:
  yearly:
    trigger: report
    cron: "0 0 1 1 *"
    time_zone: Europe/Berlin
    task: {title: "{report.total_events} events, {report.tasks_created} tasks", pm_analysis: false}
"""
STALE = """
auto_task_creation:
  rules:
    - name: stale
      use: stale-escalation
      with: {cron: "0 0 1 1 *", after: 7d}
"""
OWN = f"""{RULES}
  remind:
    trigger: {{platform: hub, event: schedule, cron: "0 0 1 1 *", conditions: [{{inactive_for: 7d}}]}}
    actions: [{{action: github_comment, params: {{message: "Anybody there?"}}}}]
"""
LATELY = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def put_rules(hub: Hub, **files: str) -> None:
    folder = hub.data / "rules" / "default"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")


def turns(hub: Hub, most: int) -> dict[str, str]:
    """The timetable, once it has so many turns: a hub looks at its rules as soon as it runs."""
    found: dict[str, str] = {}
    end = time.monotonic() + 20
    while len(found) < most and time.monotonic() < end:
        found = dict(_database(hub, "SELECT name, next_at FROM schedule"))
        time.sleep(0.05)
    assert len(found) == most, hub.log()
    return found


def make_due(hub: Hub) -> None:
    """As if the last New Year had been missed."""
    hub.stop()
    _database(hub, "UPDATE schedule SET next_at = '2026-01-01T00:00:00.000000+00:00'")
    hub.start()


def _database(hub: Hub, statement: str) -> list[Any]:
    with sqlite3.connect(hub.data / "hub.db", timeout=10) as connection:
        return connection.execute(statement).fetchall()


def occasions(hub: Hub, key: str, name: str, most: int) -> list[Any]:
    """Events of that name, settled."""
    end, found = time.monotonic() + 20, list[Any]()
    while len(found) < most and time.monotonic() < end:
        found = [each for each in hub.ask("/api/v1/events", key).json()["events"] if each["name"] == name]
        time.sleep(0.05)
    assert len(found) == most, hub.log()
    return [hub.settled(each["id"], key) for each in found]


def test_a_missed_report_comes_once_and_is_told_like_any_event(tmp_path: Path) -> None:
    """With no connection to anything: what is reported is the hub's own."""
    hub = Hub(tmp_path)
    put_rules(hub, report=REPORT)
    key = hub.key()
    with hub:
        assert set(turns(hub, 1)) == {"report  hub/yearly"}
        make_due(hub)
        (record,) = occasions(hub, key, "report", 1)

        assert (record["platform"], record["state"], record["connection"]) == ("hub", "done", "")
        (decision,) = hub.ask(f"/api/v1/events/{record['id']}/decisions", key).json()["decisions"]
        assert [verdict["rule"] for verdict in decision["decision"]["verdicts"]] == ["hub/yearly"]
        assert [task["title"] for task in hub.ask("/api/v1/tasks", key).json()["tasks"]] == ["0 events, 0 tasks"]
        assert turns(hub, 1)["report  hub/yearly"] > "2026-06"


def test_stale_items_are_asked_about_by_the_hubs_rules_and_the_projects_own(
    hub: Hub, key: str, github: FakeGitHub, root: Path
) -> None:
    """Each rule at its own time, about the items that nobody touched, once."""
    github.put_file(".github/ai-crm.yml", OWN)
    event = hub.send("issues", opened(github, root, "It crashes")).json()["event_id"]
    hub.settled(event, key)
    github.repo.issues[1]["updated_at"] = "2026-01-02T00:00:00Z"  # nobody touched it since
    github.open_issue("Fresh", updated_at=LATELY)
    put_rules(hub, stale=STALE)
    hub.stop()
    hub.start()
    assert set(turns(hub, 2)) == {"schedule  hub/stale", "schedule octo/hello remind"}

    make_due(hub)
    records = occasions(hub, key, "schedule", 2)

    assert {(record["state"], record["connection"]) for record in records} == {("done", "main")}
    (task,) = [each for each in hub.ask("/api/v1/tasks", key).json()["tasks"] if "crashes" in each["title"]]
    assert "needs-attention" in task["labels"]
    assert "needs-attention" in github.labels_of(1)
    assert github.labels_of(2) == []
    assert len([text for text in github.comments_of(1) if "Anybody there?" in text]) == 1
    assert github.comments_of(2) == []
    asked = [
        (one["decision"]["item"]["id"], [verdict["rule"] for verdict in one["decision"]["verdicts"]])
        for record in records
        for one in hub.ask(f"/api/v1/events/{record['id']}/decisions", key).json()["decisions"]
    ]
    assert sorted(asked) == [("1", ["hub/stale"]), ("1", ["remind"])]


def test_a_hub_whose_rules_are_broken_says_so_and_goes_on(tmp_path: Path) -> None:
    hub = Hub(tmp_path)
    put_rules(hub, report=REPORT.replace("0 0 1 1 *", "0 0 31 2 *"))
    with hub:
        end = time.monotonic() + 20
        while "never comes" not in hub.log() and time.monotonic() < end:
            time.sleep(0.05)
        assert "never comes: no month that it names has 31 days" in hub.log()
        assert hub.ask("/healthz", "").status == 200
