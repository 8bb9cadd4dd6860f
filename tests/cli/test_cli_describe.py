"""`ai-crm analysis describe` against endpoints on this machine that answer well, badly, and with malice."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

Run = Callable[..., Any]


class _Model:
    """An endpoint that answers what a test tells it to, and remembers what it was asked."""

    def __init__(self) -> None:
        self.status, self.answer = 200, b""
        self.headers_back: dict[str, str] = {}
        self.asked: list[tuple[str, dict[str, str], Any]] = []


@pytest.fixture
def model() -> Iterator[tuple[str, _Model]]:
    state = _Model()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}, json.loads(body)))
            self.send_response(state.status)
            for name, value in state.headers_back.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(state.answer)))
            self.end_headers()
            self.wfile.write(state.answer)

        def log_message(self, *_: object) -> None:
            """Nothing: a test's output is its own."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1", state
    server.shutdown()
    thread.join()
    server.server_close()


def _openai(content: Any) -> bytes:
    return json.dumps({"choices": [{"message": {"content": json.dumps(content)}}]}).encode()


def _describe(ai_crm: Run, url: str, *more: str, endpoint: str = "openai") -> Any:
    return ai_crm(
        "analysis",
        "describe",
        "Export stops\nAfter 10 rows.",
        "--endpoint",
        endpoint,
        "--url",
        url,
        "--model",
        "m",
        *more,
    )


def test_words_come_back_and_the_key_goes_where_it_belongs(
    ai_crm: Run, model: tuple[str, _Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_API_KEY", "sk-test")
    url, state = model
    state.answer = _openai({"summary": "The export stops after ten rows.", "criteria": ["All rows are exported."]})
    status, out, err = _describe(ai_crm, url)
    assert (status, err) == (0, "")
    assert out.splitlines() == ["The export stops after ten rows.", "- All rows are exported."]
    path, headers, body = state.asked[0]
    assert (path, headers["authorization"]) == ("/v1/chat/completions", "Bearer sk-test")
    assert "sk-test" not in json.dumps(body)


def test_anthropics_way_of_asking_is_spoken_too(ai_crm: Run, model: tuple[str, _Model]) -> None:
    url, state = model
    state.answer = json.dumps(
        {"content": [{"type": "tool_use", "input": {"summary": "Stops.", "criteria": []}}]}
    ).encode()
    assert _describe(ai_crm, url, "--key", "k", endpoint="anthropic").out.startswith("Stops.")
    path, headers, _ = state.asked[0]
    assert (path, headers["x-api-key"]) == ("/v1/messages", "k")


def test_a_malicious_answer_comes_out_as_plain_words(ai_crm: Run, model: tuple[str, _Model]) -> None:
    url, state = model
    evil = "\x1b]0;owned\x07Done ![x](https://evil.example/p.png) @everyone <a href=//evil.example>"
    state.answer = _openai({"summary": evil, "criteria": [evil] * 50})
    out = _describe(ai_crm, url).out
    assert not any(live in out for live in ("\x1b", "\x07", "evil.example", "@everyone", "<a"))
    assert len(out.splitlines()) == 9


@pytest.mark.parametrize(
    ("status", "answer", "told"),
    [
        (200, b"x" * 1_000_000, "too long"),
        (200, b"<html>", "another shape"),
        (200, _openai({"summary": "x", "criteria": [], "assign": "mallory"}), "another shape"),
        (401, b"", "LLM_API_KEY"),
        (500, b"", "answers 500"),
        (302, b"", "answers 302"),
    ],
)
def test_what_cannot_be_used_is_refused_and_nothing_is_followed(
    ai_crm: Run, model: tuple[str, _Model], status: int, answer: bytes, told: str
) -> None:
    url, state = model
    state.status, state.answer, state.headers_back = status, answer, {"Location": f"{url}/elsewhere"}
    ended, out, err = _describe(ai_crm, url)
    assert (ended, out) == (1, "")
    assert told in err
    assert len(state.asked) == 1


def test_neither_key_nor_text_leaves_in_the_open(ai_crm: Run) -> None:
    ended, _, err = _describe(ai_crm, "http://models.example/v1")
    assert ended == 2
    assert "https://" in err
