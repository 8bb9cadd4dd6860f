"""A small GitHub on loopback that remembers what it is told: issues, comments, labels, files, teams, and what goes wrong.

    with FakeGitHub() as github:
        github.put_file(".github/ai-crm.yml", "version: 1")
        number = github.open_issue("It crashes", author="mallory")
        ...                                      # point the program at github.url, with the token github.token
        assert github.comments_of(number) == [...]
        assert github.calls() == 5

`github.fail(Fault(status=502), "POST", "/labels")` spoils the next answer that fits; `github.grant("issues: read")`
takes rights away as a workflow's `permissions:` would. `github.app = FakeApp(...)` lets a GitHub App in.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote

from msgspec import Struct, field

from tests.doubles.github_app import FakeApp
from tests.doubles.github_routes import ROUTES, Reply, Seen, missing, user

BOT = {"login": "github-actions[bot]", "id": 41898282, "type": "Bot"}
_CLOCK = "2026-11-24T10:{:02d}:{:02d}Z"


class Fault(Struct, frozen=True):
    """What is answered instead. `done` carries the request out first, so that only its answer is lost."""

    status: int = 500
    body: bytes = b'{"message": "Server Error"}'
    headers: Mapping[str, str] = {}
    cut: bool = False  # promises more than it sends
    hang: float = 0.0  # seconds of silence before anything
    done: bool = False


class Repo(Struct):
    """What one repository holds."""

    issues: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, Any] = field(default_factory=dict)
    changed: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    reviews: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    shown: dict[str, Any] = field(default_factory=dict)  # what has no life of its own here: releases, runs, alerts


class FakeGitHub:
    """Serves between `with` and its end. One repository, `octo/hello`, unless it is told otherwise."""

    def __init__(self, project: str = "octo/hello", *, default_branch: str = "main") -> None:
        self.project = project
        self.default_branch = default_branch
        self.token = "ghs_canary_0123456789abcdefghijklmnop"
        self.repo = Repo()
        self.writer: Mapping[str, Any] = BOT
        self.writer_association = "NONE"
        self.collaborators = {"octocat", "hubot", "ann", "ben"}
        self.teams: dict[str, set[str]] = {}
        self.teams_visible = True
        self.issues_enabled = True
        self.issue_types = True  # an Enterprise Server from before 2025 has none
        self.discussions: dict[int, dict[str, Any]] = {}
        self.app: FakeApp | None = None
        self.connections = 0
        self.unchanged = 0  # answers that were not sent again, which GitHub does not count
        self.requests: list[Seen] = []
        self.before: Callable[[Seen], None] = lambda _: None  # runs outside the lock: tests meet here
        self._granted: dict[str, str] | None = None
        self._faults: list[tuple[Fault, str, str]] = []
        self._next_id = 1000
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def graphql_url(self) -> str:
        return f"{self.url}/graphql"

    # What a test prepares

    def put_file(self, path: str, text: str | bytes, **fields: Any) -> None:
        """A file on the default branch. `fields` replace what the API would say, such as `type="symlink"`."""
        raw = text.encode() if isinstance(text, str) else text
        self.repo.files[path] = {
            "type": "file",
            "encoding": "base64",
            "size": len(raw),
            "name": path.rpartition("/")[2],
            "path": path,
            "content": base64.encodebytes(raw).decode(),
            **fields,
        }

    def open_issue(self, title: str, body: str = "", **fields: Any) -> int:
        """`fields` are what the API calls them, `author` and `association` apart; `pull_request={}` makes it one."""
        author, association = fields.pop("author", "mallory"), fields.pop("association", "NONE")
        with self._lock:
            return int(self.new_issue(title, body, user(author), association, fields)["number"])

    def write_comment(self, number: int, body: str, author: str = "mallory", association: str = "NONE") -> int:
        with self._lock:
            return int(self.new_comment(number, body, user(author), association)["id"])

    def change_files(self, where: str, *files: str | dict[str, Any]) -> None:
        """What a pull request (`"7"`) or a comparison (`"before...after"`) touches."""
        self.repo.changed[where] = [{"filename": file} if isinstance(file, str) else file for file in files]

    def fail(self, fault: Fault, method: str = "", path: str = "", *, times: int = 1) -> None:
        """Spoils the next answers to requests with that method whose target matches the pattern `path`."""
        self._faults.extend([(fault, method, path)] * times)

    def grant(self, *permissions: str) -> None:
        """Only these from now on, spelled as in a workflow: `contents: read`."""
        self._granted = dict(permission.split(": ") for permission in permissions)

    # What a test looks at

    def calls(self, method: str = "") -> int:
        return sum(1 for seen in self.requests if not method or seen.method == method)

    def comments_of(self, number: int) -> list[str]:
        return [comment["body"] for comment in self.comments(number)]

    def labels_of(self, number: int) -> list[str]:
        return [label["name"] for label in self.repo.issues[number]["labels"]]

    def assignees_of(self, number: int) -> list[str]:
        return [user["login"] for user in self.repo.issues[number]["assignees"]]

    def reviewers_of(self, number: int) -> list[str]:
        issue = self.repo.issues[number]
        return [
            *(user["login"] for user in issue["requested_reviewers"]),
            *(t["slug"] for t in issue["requested_teams"]),
        ]

    # How it answers

    def answer(self, seen: Seen) -> tuple[Reply | Fault, Fault | None]:
        self.before(seen)
        with self._lock:
            self.requests.append(seen)
            fault = self._take_fault(seen)
            if fault and not fault.done:
                return fault, fault
            reply = self._reply(seen)
            return (fault, fault) if fault else (reply, None)

    def _take_fault(self, seen: Seen) -> Fault | None:
        for position, (fault, method, path) in enumerate(self._faults):
            if method in {"", seen.method} and re.search(path, seen.target):
                del self._faults[position]
                return fault
        return None

    def _reply(self, seen: Seen) -> Reply:
        bearer = seen.headers.get("authorization", "").partition(" ")[2]
        if self.app is not None and self.app.is_asked(seen):
            return self.app.answer(self.project, seen, bearer)
        if bearer != self.token and (self.app is None or bearer not in self.app.issued):
            return Reply(401, {"message": "Bad credentials"})
        for method, pattern, permission, respond in ROUTES:
            found = re.fullmatch(pattern.replace("{repo}", f"/repos/{re.escape(self.project)}"), seen.path)
            if found and method == seen.method:
                refused = self._refusal(permission)
                groups = [unquote(group) for group in found.groups()]
                return refused or self._tagged(seen, respond(self, seen, *groups))
        return missing()

    def _tagged(self, seen: Seen, reply: Reply) -> Reply:
        """What was asked for with the ETag of what would be answered is not sent again."""
        if seen.method != "GET" or reply.status != 200:
            return reply
        tag = f'W/"{hashlib.sha256(_encoded(reply.value)).hexdigest()}"'
        if seen.headers.get("if-none-match") == tag:
            self.unchanged += 1
            return Reply(304, None, {"ETag": tag})
        return Reply(200, reply.value, {**reply.headers, "ETag": tag})

    def _refusal(self, permission: str) -> Reply | None:
        if self._granted is None or not permission:
            return None
        alternatives = permission.split(" or ")
        if any(self._holds(one) for one in alternatives):
            return None
        accepted = "; ".join(one.replace("-", "_").replace(": ", "=") for one in alternatives)
        said = {"message": "Resource not accessible by integration"}
        return Reply(403, said, {"x-accepted-github-permissions": accepted})

    def _holds(self, permission: str) -> bool:
        scope, level = permission.split(": ")
        held = (self._granted or {}).get(scope)
        return held in {"write", level}

    def new_id(self) -> int:
        self._next_id += 1
        return self._next_id

    def now(self) -> str:
        minute, second = divmod(self._next_id - 1000, 60)
        return _CLOCK.format(minute % 60, second)

    def new_issue(
        self, title: str, body: str, writer: Mapping[str, Any], association: str, fields: Mapping[str, Any]
    ) -> dict[str, Any]:
        number, identity = len(self.repo.issues) + 1, self.new_id()
        issue = {
            "id": identity,
            "number": number,
            "title": title,
            "body": body,
            "state": "open",
            "user": writer,
            "author_association": association,
            "assignees": [],
            "comments": 0,
            "html_url": f"https://github.example/{self.project}/issues/{number}",
            "created_at": self.now(),
            "updated_at": self.now(),
            "requested_reviewers": [],
            "requested_teams": [],
            **fields,
            "labels": [{"name": name} for name in fields.get("labels", ())],
        }
        self.repo.issues[number] = issue
        return issue

    def new_comment(self, number: int, body: str, writer: Mapping[str, Any], association: str) -> dict[str, Any]:
        identity = self.new_id()
        self.repo.comments[identity] = {
            "id": identity,
            "issue": number,
            "body": body,
            "user": writer,
            "author_association": association,
            "html_url": f"https://github.example/{self.project}/issues/{number}#issuecomment-{identity}",
            "created_at": self.now(),
            "updated_at": self.now(),
        }
        self.repo.issues[number]["comments"] += 1
        return self.repo.comments[identity]

    def comments(self, number: int) -> list[dict[str, Any]]:
        return [comment for comment in self.repo.comments.values() if comment["issue"] == number]

    def page(self, seen: Seen, found: list[Any]) -> Reply:
        size, number = int(seen.query.get("per_page", "30")), int(seen.query.get("page", "1"))
        last = max(1, -(-len(found) // size))
        address = f"{self.url}{seen.path}?per_page={size}"
        links = [f'<{address}&page={number + 1}>; rel="next"'] if number < last else []
        links += [f'<{address}&page={last}>; rel="last"'] if number < last else []
        return Reply(200, found[(number - 1) * size : number * size], {"Link": ", ".join(links)} if links else {})


def _handler(github: FakeGitHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def setup(self) -> None:
            github.connections += 1
            super().setup()

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply, fault = github.answer(Seen(self.command, self.path, headers, self.rfile.read(length)))
            if fault:
                time.sleep(fault.hang)
            body = reply.body if isinstance(reply, Fault) else _encoded(reply.value)
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json; charset=utf-8", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body) + (1000 if fault and fault.cut else 0)))
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = bool(fault and fault.cut)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve  # noqa: N815 - their names in the standard library

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the standard library
            pass

    return Handler


def _encoded(value: Any) -> bytes:
    return b"" if value is None else json.dumps(value).encode()
