"""How long a whole step takes beside `actions/labeler` on the same event, against the same small GitHub on loopback.

Every process starts from nothing, as a workflow step does; the programs take turns, so that what else the machine is
doing hits all of them. See README.md beside this file.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, cast
from urllib.request import urlopen

_PAYLOADS = Path(__file__).resolve().parent.parent / "tests" / "platforms" / "github" / "payloads"
_PROJECT = "Codertocat/Hello-World"

_RULES = b"""\
auto_task_creation:
  rules:
    - trigger: issue_opened
      conditions:
        - labels: ["bug", "enhancement"]
        - not_labels: ["wontfix", "duplicate"]
      task: {title_template: "GitHub Issue: {issue.title}", pm_analysis: true, auto_assign: true}
    - trigger: pull_request_opened
      conditions:
        - files_changed: ["*.py", "*.js", "*.ts"]
      task: {title_template: "Code Review: {pr.title}", agent_hint: code-reviewer, priority: high}
"""
_LABELER_RULES = b"""\
python:
- changed-files:
  - any-glob-to-any-file: ['**/*.py', '**/*.js', '**/*.ts']
docs:
- changed-files:
  - any-glob-to-any-file: ['docs/**', '**/*.md']
"""
_LABELER_INPUTS = {
    "INPUT_CONFIGURATION-PATH": ".github/labeler.yml",
    "INPUT_DOT": "true",
    "INPUT_PR-NUMBER": "",
    "INPUT_REPO-TOKEN": "t",
    "INPUT_SYNC-LABELS": "false",
}
_FILES = ("src/app/core.py", "docs/index.md", ".github/workflows/ci.yml", "README.md", "src/app/util.py")


class Program(NamedTuple):
    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str]


class Run(NamedTuple):
    """One process: milliseconds, milliseconds, MiB."""

    wall: float
    cpu: float
    memory: float


def main() -> None:
    options = _options()
    if options.serve:
        asyncio.run(_serve())
        return
    with tempfile.TemporaryDirectory() as folder, _github() as url:
        programs = _programs(options, url, Path(folder))
        _print_calls(programs, url)
        if options.rounds:
            _print_table(_measure(programs, options.rounds))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labeler", type=Path, help="a checkout of actions/labeler; without it only ours is measured")
    parser.add_argument("--node", default="node", help="the Node.js that runs it")
    parser.add_argument("--python", default=sys.executable, help="the Python that AI-CRM is installed for")
    parser.add_argument("--rounds", type=int, default=15, help="how often each program runs")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


# --- the programs


def _programs(options: argparse.Namespace, url: str, folder: Path) -> list[Program]:
    """The first ones also tell how often they call the API."""
    ours = (options.python, "-I", "-m", "action")
    subprocess.run([*ours[:2], "-c", "import action"], check=True)  # says at once where it is not installed
    request = _runner(url, folder, "pull_request_target", "pull_request.opened")
    issue = _runner(url, folder, "issues", "issues.opened")
    token = {"INPUT_GITHUB_TOKEN": "t"}
    look = {**token, "INPUT_DRY_RUN": "true"}
    found = [
        Program("ours, pull request, decides only", ours, {**request, **look}),
        Program("ours, pull request, writes", ours, {**request, **token}),
        Program("ours, issue, decides only", ours, {**issue, **look}),
        Program("ours, issue, writes", ours, {**issue, **token}),
    ]
    if options.labeler:
        script = str(options.labeler.resolve() / "dist" / "index.js")
        node = _which(options.node)
        found.append(Program("actions/labeler, pull request", (node, script), {**request, **_LABELER_INPUTS}))
        found.append(Program("node, nothing", (node, "-e", "0"), {}))
    return [*found, Program("python, nothing", (options.python, "-I", "-c", "pass"), {})]


def _runner(url: str, folder: Path, event: str, payload: str) -> dict[str, str]:
    """What a runner says about the run."""
    for name in ("output", "summary"):
        (folder / name).touch()
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": url,
        "GITHUB_EVENT_NAME": event,
        "GITHUB_EVENT_PATH": str(_PAYLOADS / f"{payload}.json"),
        "GITHUB_GRAPHQL_URL": f"{url}/graphql",
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_REF": "refs/heads/master",
        "GITHUB_REPOSITORY": _PROJECT,
        "GITHUB_SHA": "c" * 40,
        "GITHUB_STEP_SUMMARY": str(folder / "summary"),
        "GITHUB_WORKSPACE": str(folder),
    }


def _which(program: str) -> str:
    found = subprocess.run(["sh", "-c", f'command -v "{program}"'], capture_output=True, text=True, check=True)
    return found.stdout.strip()


# --- measuring


def _measure(programs: list[Program], rounds: int) -> dict[str, list[Run]]:
    runs: dict[str, list[Run]] = {program.name: [] for program in programs}
    for _ in range(rounds):
        for program in programs:
            runs[program.name].append(_run(program))
    return runs


def _run(program: Program) -> Run:
    nothing = os.open(os.devnull, os.O_WRONLY)
    silent = [(os.POSIX_SPAWN_DUP2, nothing, 1), (os.POSIX_SPAWN_DUP2, nothing, 2)]
    environ = {"LANG": "C.UTF-8", **program.environ}
    before = time.perf_counter()
    pid = os.posix_spawn(program.command[0], program.command, environ, file_actions=silent)
    _, status, used = os.wait4(pid, 0)
    wall = time.perf_counter() - before
    os.close(nothing)
    if status:
        raise SystemExit(f"{program.name} failed ({os.waitstatus_to_exitcode(status)}): {' '.join(program.command)}")
    return Run(wall * 1000, (used.ru_utime + used.ru_stime) * 1000, used.ru_maxrss / 1024)


def _print_table(runs: Mapping[str, list[Run]]) -> None:
    peer = next((name for name in runs if name.startswith("actions/")), "")
    print(f"\n| medians of {len(next(iter(runs.values())))} | wall | CPU | memory | wall beside the peer |")
    print("|---|---:|---:|---:|---:|")
    for name, found in runs.items():
        wall, cpu, memory = (statistics.median(column) for column in zip(*found, strict=True))
        ratio = f"{wall / statistics.median(run.wall for run in runs[peer]):.2f}" if peer else ""
        print(f"| {name} | {wall:.0f} ms | {cpu:.0f} ms | {memory:.0f} MiB | {ratio} |")


def _print_calls(programs: list[Program], url: str) -> None:
    """Which calls one run of each program makes. It also warms up what an image has compiled beforehand."""
    for program in programs:
        _run(program)
        with urlopen(f"{url}/calls") as answer:  # noqa: S310 - loopback
            calls = json.load(answer)
        if calls:
            print(f"{program.name}: {len(calls)} API calls")
            print(*(f"    {call.replace(f'/repos/{_PROJECT}', '')}" for call in calls), sep="\n")


# --- the small GitHub: it forgets what it is told, so that each run finds what the first one found


@contextmanager
def _github() -> Iterator[str]:
    command = [sys.executable, __file__, "--serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            port = process.stdout.readline() if process.stdout else ""
            yield f"http://127.0.0.1:{int(port)}"
        finally:
            process.terminate()


async def _serve() -> None:
    calls: list[str] = []
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(calls), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


class _Connection(asyncio.Protocol):
    def __init__(self, calls: list[str]) -> None:
        self._calls = calls
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while found := re.match(rb"(\S+) (\S+) [^\r]*\r\n(.*?\r\n)?\r\n", self._received, re.DOTALL):
            length = re.search(rb"content-length:\s*(\d+)", found[3] or b"", re.IGNORECASE)
            end = found.end() + (int(length[1]) if length else 0)
            if len(self._received) < end:
                return
            body, self._received = self._received[found.end() : end], self._received[end:]
            self._transport.write(self._answer(found[1].decode(), found[2].decode(), body))

    def _answer(self, method: str, target: str, body: bytes) -> bytes:
        if target == "/calls":
            status, text = 200, json.dumps(self._calls).encode()
            self._calls.clear()
        else:
            self._calls.append(f"{method} {target}")
            status, value = _reply(method, target.partition("?")[0], body)
            text = json.dumps(value).encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: {len(text)}\r\n\r\n"
        return head.encode() + text


def _reply(method: str, path: str, body: bytes) -> tuple[int, object]:
    if found := re.search("/contents/(.+)", path):
        return 200, _file(found[1], _LABELER_RULES if found[1].endswith("labeler.yml") else _RULES)
    if method in {"POST", "PUT"} and path.endswith("/labels"):
        return 200, [{"name": name} for name in json.loads(body)["labels"]]
    if method == "POST" and path.endswith("/comments"):
        bot = {"login": "github-actions[bot]", "id": 1, "type": "Bot"}
        made = {"id": 1, "html_url": "https://github.example/1", "user": bot, "author_association": "NONE"}
        times = {"created_at": "2026-11-24T10:00:00Z", "updated_at": "2026-11-24T10:00:00Z"}
        return 201, {**made, **times, "body": json.loads(body)["body"]}
    if path.endswith("/files"):
        return 200, [{"filename": name, "status": "modified", "changes": 2} for name in _FILES]
    if re.search(r"/pulls/\d+$", path):
        return 200, json.loads((_PAYLOADS / "pull_request.opened.json").read_bytes())["pull_request"]
    if re.search(r"/issues/\d+$", path):
        return 200, json.loads((_PAYLOADS / "issues.opened.json").read_bytes())["issue"]
    return 200, []


def _file(path: str, text: bytes) -> dict[str, object]:
    content = base64.b64encode(text).decode()
    named = {"name": path.rpartition("/")[2], "path": path, "sha": "d" * 40}
    return {"type": "file", "encoding": "base64", "size": len(text), "content": content, **named}


if __name__ == "__main__":
    main()
