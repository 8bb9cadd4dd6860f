"""The installed step among enemies: in a workspace that wants to be imported, and with text that wants to be obeyed."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from action.inputs import OUTPUTS
from tests.doubles.github_server import FakeGitHub
from tests.end_to_end.conftest import Done, Program

PROJECT = "Codertocat/Hello-World"
_RULES = ".github/ai-crm.yml"
_OPEN_RULE = """
auto_task_creation:
  rules:
    - trigger: pull_request_opened
      conditions: [{any: [{head: ["**"]}, {title_matches: "(?s).*"}]}, {not_labels: ["wontfix"]}]
      task: {title_template: "Look: {pr.title}", description_template: "{pr.body}", pm_analysis: true}
"""


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with FakeGitHub(PROJECT, default_branch="master") as github:
        yield github


@pytest.fixture
def payloads(root: Path) -> Path:
    return root / "tests" / "platforms" / "github" / "payloads"


@pytest.fixture
def seed(root: Path) -> str:
    return (root / "templates" / "examples" / "ai-crm.yml").read_text(encoding="utf-8")


def environ(github: FakeGitHub, **more: str) -> dict[str, str]:
    return {
        "GITHUB_API_URL": github.url,
        "GITHUB_GRAPHQL_URL": github.graphql_url,
        "GITHUB_REPOSITORY": PROJECT,
        "INPUT_GITHUB_TOKEN": github.token,
        **more,
    }


def opened(github: FakeGitHub, payloads: Path) -> bytes:
    """The recorded issue, on the fake as well."""
    body = (payloads / "issues.opened.json").read_bytes()
    issue = json.loads(body)["issue"]
    github.open_issue(issue["title"], issue["body"], labels=[label["name"] for label in issue["labels"]])
    return body


# --- a workspace that wants to be imported

_TRAP = "import os\nopen(os.path.join({folder!r}, {name!r} + '.sprung'), 'w').close()\nraise SystemExit(66)\n"
_TRAPS = (
    "action/__init__.py", "action/__main__.py", "actions_toolkit.py", "ai_crm.py", "ai_crm/__init__.py", "encodings.py",
    "github.py", "http.py", "json.py", "msgspec.py", "os.py", "requests.py", "runpy.py", "site.py", "sitecustomize.py",
    "startup.py", "usercustomize.py", "yaml.py", "_yaml.py",
)  # fmt: skip


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A checked-out repository in which whatever is loaded leaves a mark."""
    workspace = tmp_path / "workspace"
    for name in _TRAPS:
        (workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace / name).write_text(_TRAP.format(folder=str(tmp_path), name=name.replace("/", "_")), encoding="utf-8")
    (workspace / "trap.pth").write_text("import sitecustomize\n", encoding="utf-8")
    (workspace / "pyvenv.cfg").write_text("home = /nowhere\n", encoding="utf-8")
    (workspace / "pyproject.toml").write_text("[tool.ai-crm]\ndry_run = true\n", encoding="utf-8")
    (workspace / ".env").write_text("INPUT_DRY_RUN=true\nINPUT_API_KEY=x\n", encoding="utf-8")
    (workspace / ".netrc").write_text("machine 127.0.0.1 login mallory password hunter2\n", encoding="utf-8")
    return workspace


def sprung(workspace: Path) -> list[str]:
    return sorted(path.name for path in workspace.parent.glob("*.sprung"))


def test_the_traps_work(program: Program, trap: Path) -> None:
    subprocess.run([program.python, "-m", "action"], cwd=trap, env={}, capture_output=True, check=False)
    assert sprung(trap) != []


def test_nothing_in_the_workspace_is_imported_or_believed(
    program: Program, github: FakeGitHub, payloads: Path, seed: str, trap: Path
) -> None:
    github.put_file(_RULES, seed.replace('["bug", "enhancement"]', '["bug"]'))
    hostile = {
        "HOME": str(trap),
        "PYTHONPATH": ".",
        "PYTHONSTARTUP": "startup.py",
        "PYTHONHOME": str(trap),
        "PYTHONUSERBASE": str(trap),
        "PYTHONINSPECT": "1",
        "PYTHONPYCACHEPREFIX": str(trap),
        "PYTHONWARNINGS": "error::json.Warning",
        "PYTHONBREAKPOINT": "json.set_trace",
    }
    body = opened(github, payloads)
    done = program.start(trap.parent, "issues", body, environ(github, **hostile), trap).done()
    assert (done.status, done.errors, sprung(trap)) == (0, "", []), done.log.decode()
    (card,) = github.comments_of(1)
    assert "AICRM-1" in card
    assert not list(trap.rglob("*.pyc"))


def test_the_command_imports_nothing_from_where_it_is_started(program: Program, payloads: Path, trap: Path) -> None:
    (trap / ".github").mkdir()
    (trap / _RULES).write_text(_OPEN_RULE, encoding="utf-8")
    event = str(payloads / "pull_request.opened.json")
    for arguments in (["validate"], ["explain", "--event", event, "--name", "pull_request"], ["templates", "list"]):
        done = subprocess.run(
            [program.scripts / "ai-crm", *arguments],
            cwd=trap,
            env={"LANG": "C.UTF-8"},
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b""), done.stdout
    assert sprung(trap) == []


# --- a rules file that is no file

_REFUSED: dict[str, Callable[[Path], object]] = {
    "a link out of the workspace": lambda file: file.symlink_to("/etc/passwd"),
    "a link inside it": lambda file: file.symlink_to(file.parent.parent / "other.yml"),
    "a pipe": os.mkfifo,
    "a folder": lambda file: file.mkdir(),
    "an endless device": lambda file: file.symlink_to("/dev/zero"),
    "a megabyte": lambda file: file.write_bytes(b"# " + b"x" * 1_000_000),
}


@pytest.mark.parametrize("kind", _REFUSED)
def test_a_rules_file_that_is_no_small_ordinary_file_is_refused_with_a_reason(
    kind: str, program: Program, github: FakeGitHub, payloads: Path, tmp_path: Path
) -> None:
    workspace = tmp_path / "workspace"
    (workspace / ".github").mkdir(parents=True)
    (workspace / "other.yml").write_text("version: 1\n", encoding="utf-8")
    _REFUSED[kind](workspace / _RULES)
    given = environ(github, INPUT_CONFIG_SOURCE="workspace")
    done = program.start(tmp_path, "issues", opened(github, payloads), given, workspace).done()
    assert (done.status in {1, 2}, done.errors) == (True, "")
    assert re.search(rb"::error title=AI-CRM[^\n]*(ordinary file|larger than)", done.log), done.log
    assert b"root:" not in done.log
    assert github.comments_of(1) == []


def test_a_path_that_leaves_the_workspace_is_refused(
    program: Program, github: FakeGitHub, payloads: Path, tmp_path: Path
) -> None:
    (tmp_path / "outside.yml").write_text(_OPEN_RULE, encoding="utf-8")
    (tmp_path / "workspace").mkdir()
    for path in ("../outside.yml", str(tmp_path / "outside.yml")):
        given = environ(github, INPUT_CONFIG_SOURCE="workspace", INPUT_CONFIG_PATH=path)
        body = (payloads / "issues.opened.json").read_bytes()
        done = program.start(tmp_path, "issues", body, given, tmp_path / "workspace").done()
        assert done.status == 2, done.log
        assert b"leads out of the repository" in done.log


# --- text that wants to be obeyed


class Command(Struct, frozen=True):
    name: str
    properties: str
    data: str


# https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands (2026-11), and what the runner
# knows besides.
_KNOWN = {
    "add-mask", "add-matcher", "add-path", "debug", "echo", "endgroup", "error", "group", "internal-set-repo-path",
    "notice", "remove-matcher", "save-state", "set-env", "set-output", "stop-commands", "warning",
}  # fmt: skip


def obeyed(log: bytes) -> list[Command]:
    """What a runner would do with a log. Every commit of a line ends one: CR, LF or both."""
    found: list[Command] = []
    stopped = ""
    for line in re.split("\r\n|\r|\n", log.decode("utf-8", "replace")):
        command = _new_spelling(line, stopped) or _old_spelling(line, stopped)
        if command is None:
            continue
        if stopped:
            stopped = "" if command.name == stopped else stopped
        elif command.name == "stop-commands":
            stopped = command.data.lower()
        else:
            found.append(command)
    return found


def _new_spelling(line: str, stopped: str) -> Command | None:
    found = re.match(r"\s*::([^ :]*?)(?: (.*?))?::(.*)", line)
    return _registered(found, stopped)


def _old_spelling(line: str, stopped: str) -> Command | None:
    found = re.search(r"##\[([^ \]]*)(?: ([^\]]*))?\](.*)", line)
    return _registered(found, stopped)


def _registered(found: re.Match[str] | None, stopped: str) -> Command | None:
    if found is None or found[1].lower() not in _KNOWN | ({stopped} if stopped else set()):
        return None
    return Command(found[1].lower(), found[2] or "", found[3])


@pytest.mark.parametrize(
    ("log", "names"),
    [
        (b"::error::x\n  ::warning file=a::y", ["error", "warning"]),
        (b"a\r::group::b\ra ##[endgroup]", ["group", "endgroup"]),
        (b"a ::error::x\n::nothing::x", []),
        (b"::stop-commands::t\n::error::x\n##[error]x\n::T::\n::notice::y", ["notice"]),
    ],
)
def test_the_model_of_the_runner_obeys_as_documented(log: bytes, names: list[str]) -> None:
    assert [command.name for command in obeyed(log)] == names


_INJECTIONS = (
    "::add-mask::a",
    "x\n::set-output name=task_ids::[1]",
    "x\r::error::gone",
    "x\r\n  ::set-env name=LD_PRELOAD::x",
    "##[command]rm",
    "a ##[set-output name=decision]b",
    "%0A::error::x%0D::error::x",
    "::stop-commands::guess\n::guess::\n::error::x",
    "\n::stop-commands::\n::::\n::error::x",
    "\x1b[2K\x1b[1G::error::x",
    "x\u2028::error::x\u2029::error::x\x85::error::x\x0b::error::x\x0c::error::x",
    ":\u200b:error::x",
    "\ufeff::error::x",
    "\ud800::error::x",
    "x\0::error::x",
    "task_ids<<EOF\n[1]\nEOF\r\ntasks_created=99",
    "ai-crm-\ndecision<<ai-crm-0\nx\nai-crm-0",
    "EOF\n\nmatched_rules=x\n" * 50,
    "::error::" + "x" * 60_000 + "\n::error::x",
    "</details>\n\n| a | b |\n::error::x",
)


@pytest.fixture(scope="module")
def plain(program: Program, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """What the step leaves behind when nobody means it harm."""
    with FakeGitHub(PROJECT, default_branch="master") as github:
        payload = json.loads((root / "tests/platforms/github/payloads/pull_request.opened.json").read_bytes())
        return pull(program, github, payload, tmp_path_factory.mktemp("plain"), "harmless")


def pull(program: Program, github: FakeGitHub, payload: Any, folder: Path, text: str) -> Done:
    """The recorded pull request with that text wherever a stranger may write, as long as GitHub lets it be there."""
    github.put_file(_RULES, _OPEN_RULE)
    request = payload["pull_request"]
    request["title"], request["body"], request["user"]["login"] = text[:256], text, text[:39]
    request["labels"] = [{"name": text[:50]}, {"name": f"x {text[:48]}"}]
    request["head"].update(ref=text[:255], label=text[:255])
    payload["sender"]["login"] = text[:39]
    for _ in range(payload["number"]):
        github.open_issue(text[:256], text, pull_request={}, head=request["head"], labels=[text[:50]])
    return program.start(folder, "pull_request", json.dumps(payload).encode(), environ(github)).done()


@pytest.mark.parametrize("text", _INJECTIONS, ids=range(len(_INJECTIONS)))
def test_a_stranger_can_make_the_runner_do_nothing(
    text: str, plain: Done, program: Program, github: FakeGitHub, payloads: Path, tmp_path: Path
) -> None:
    payload = json.loads((payloads / "pull_request.opened.json").read_bytes())
    done = pull(program, github, payload, tmp_path, text)
    assert (done.status, done.errors) == (0, ""), done.log
    assert shape(done) == shape(plain)
    assert outputs(done).keys() == set(OUTPUTS)
    assert outputs(done)["tasks_created"] == "1"
    assert json.loads(outputs(done)["task_ids"]) == ["AICRM-2"]
    assert b"\x1b" not in done.log
    assert "\x1b" not in done.summary


def shape(done: Done) -> list[tuple[str, str]]:
    """The commands that were obeyed, and whatever of them no text may touch."""
    return [
        (command.name, command.data if command.name in {"add-mask", "group", "endgroup"} else command.properties)
        for command in obeyed(done.log)
        if "ghs_canary" not in command.data or command.name == "add-mask"
    ]


def outputs(done: Done) -> dict[str, str]:
    """What the runner reads from the output file: `name=value`, or `name<<end`, lines, `end`."""
    found: dict[str, str] = {}
    lines = iter(done.output.removesuffix("\n").split("\n"))
    for line in lines:
        name, sign, rest = re.split("(=|<<)", line, maxsplit=1)
        value = rest if sign == "=" else "\n".join(iter(lambda: next(lines), rest))
        assert name not in found
        found[name] = value
    return found


def test_a_broken_rules_file_makes_annotations_and_no_other_commands(
    program: Program, github: FakeGitHub, payloads: Path, tmp_path: Path
) -> None:
    lines = [
        f"  {json.dumps(text)}: {json.dumps(text)}" for text in _INJECTIONS if "\ud800" not in text and len(text) < 99
    ]
    github.put_file(_RULES, "auto_task_creation:\n" + "\n".join(lines) + "\n")
    done = program.start(tmp_path, "issues", opened(github, payloads), environ(github)).done()
    commands = [command for command in obeyed(done.log) if command.name != "add-mask"]
    assert done.status == 2
    assert commands != []
    assert {command.name for command in commands} == {"error"}
    assert all(re.fullmatch(r"title=AI-CRM,file=\.github/ai-crm\.yml,line=\d+,col=\d+", c.properties) for c in commands)
