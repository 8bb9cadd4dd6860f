"""The bot as a process of its own, beside a worker that shares its database and carries out what it plans."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.bots.slack.conftest import at_hub, environ, images, words
from tests.doubles.http import ask
from tests.doubles.hub import Hub
from tests.doubles.slack_workspace import BOB, SlackWorkspace


class Alone:
    """A launcher of `python -I -m bots.slack`."""

    def __init__(self, environ: Mapping[str, str], role: str, log: Path) -> None:
        assert role == "slack"
        with open(log, "a", encoding="utf-8") as written:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-m", "bots.slack"],
                env={**environ, "AI_CRM_PORT": "0"},
                stdout=subprocess.PIPE,
                stderr=written,
                text=True,
            )
        assert self._process.stdout is not None
        self.said = self._process.stdout.readline()
        self.url = self.said.split()[-1].removesuffix("/slack/events") if "http://" in self.said else ""

    def end(self, how: signal.Signals) -> int:
        self._process.send_signal(how)
        status = self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()
        return status


@pytest.mark.parametrize("way", ["http", "socket"])
def test_it_answers_and_a_worker_elsewhere_carries_out_what_it_plans(tmp_path: Path, way: str) -> None:
    with SlackWorkspace() as slack:
        given = environ(slack, socket=way == "socket")
        with Hub(tmp_path, given, "worker"), Hub(tmp_path, given, "slack", Alone) as bot:
            if way == "socket":
                slack.heard_on_a_socket()
            else:
                slack.heard_by(bot.url)
            slack.asks("link bob-gh", BOB)
            (picture,) = images(slack.asks("status dashboard"))
            if way == "http":
                assert ask("GET", at_hub(picture["image_url"], bot)).status == 200
            assert "From afar" in words(slack.asks('task create "From afar" --assign bob-gh'))
            slack.until(lambda: [each for each in slack.messages if each["channel"] == "D0BOB"], "the notice")
            assert bot.stop() == 0


def test_a_bot_that_could_hear_nothing_says_so_and_ends(tmp_path: Path) -> None:
    program = [sys.executable, "-I", "-m", "bots.slack"]
    ended = subprocess.run(
        program, env={"AI_CRM_DATA": str(tmp_path)}, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 2
    assert "AI_CRM_SLACK_APP_TOKEN" in ended.stderr


@pytest.mark.parametrize("way", ["http", "socket"])
def test_whoever_was_heard_is_answered_also_by_a_process_that_is_told_to_end(tmp_path: Path, way: str) -> None:
    with SlackWorkspace() as slack, Hub(tmp_path, environ(slack, socket=way == "socket")) as hub:
        if way == "socket":
            slack.heard_on_a_socket()
        else:
            slack.heard_by(hub.url)
        slack.asks("whoami")
        with contextlib.closing(sqlite3.connect(tmp_path / "hub.db", timeout=10, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert slack.command('task create "The last one"').status == 200
            with ThreadPoolExecutor(1) as hands:
                ended = hands.submit(hub.stop)
                time.sleep(0.5)
                other.execute("ROLLBACK")
                assert ended.result() == 0
        assert "The last one" in words(slack.answers[-1])
