"""A GitHub that answers at once and only counts: which issue got how many comments, and when the first one came."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from typing import Self

RULES = """
workflows:
  greet:
    trigger: {platform: github, event: issues.opened}
    actions: [{action: github_comment, params: {message: "Thank you, {issue.author}"}}]
"""
_ISSUE = re.compile(rb"(GET|POST|PATCH) \S*/repos/octo/hello/issues/(\d+)(/comments)?")
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_USER = {"login": "ann", "id": 1, "type": "User"}
_BOT = {"login": "hub[bot]", "id": 2, "type": "Bot"}


class Sink:
    """Between `async with` and its end. `first` and `count` are by issue."""

    def __init__(self) -> None:
        self.first: dict[int, float] = {}
        self.count: dict[int, int] = {}
        self.calls = 0
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.get_running_loop().create_server(lambda: _Caller(self), "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._server.close()

    def answer(self, head: bytes) -> tuple[str, object]:
        self.calls += 1
        found = _ISSUE.match(head)
        if found is None and b"/contents/.github/ai-crm.yml" in head:
            return "200 OK", _file()
        if b"/access_tokens" in head:
            return "201 Created", {"token": "ghs_benchmark", "expires_at": "2099-01-01T00:00:00Z", "permissions": {}}
        if found is None or not found[3]:
            return "200 OK", _issue(int(found[2])) if found else {"id": 1, "full_name": "octo/hello", "login": "hub"}
        number = int(found[2])
        if found[1] == b"GET":
            return "200 OK", []
        self.first.setdefault(number, time.perf_counter())
        self.count[number] = self.count.get(number, 0) + 1
        url = f"https://github.example/octo/hello/issues/{number}#issuecomment-1"
        return "201 Created", {"id": 1, "body": "", "user": _BOT, "html_url": url, "created_at": _AT, "updated_at": _AT}


class _Caller(asyncio.Protocol):
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        while (end := self._got.find(b"\r\n\r\n")) >= 0:
            length = _LENGTH.search(self._got, 0, end)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._got) < whole:
                return
            head, self._got = self._got[:end], self._got[whole:]
            status, value = self._sink.answer(head)
            body = json.dumps(value).encode()
            lines = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            self._transport.write(lines.encode() + body)  # type: ignore[attr-defined]


_AT = "2026-11-24T10:00:00Z"


def _file() -> dict[str, object]:
    content = base64.encodebytes(RULES.encode()).decode()
    path = ".github/ai-crm.yml"
    return {
        "type": "file", "encoding": "base64", "size": len(RULES), "name": "ai-crm.yml", "path": path,
        "content": content, "sha": "1",
    }  # fmt: skip


def _issue(number: int) -> dict[str, object]:
    return {
        "id": number, "number": number, "title": "It crashes", "body": "", "state": "open", "user": _USER,
        "author_association": "NONE", "assignees": [], "labels": [], "comments": 0, "created_at": _AT,
        "updated_at": _AT, "html_url": f"https://github.example/octo/hello/issues/{number}",
    }  # fmt: skip
