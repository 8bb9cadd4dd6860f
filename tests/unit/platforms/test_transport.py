"""The wire client against servers that behave, and against every way in which one can misbehave."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.errors import AnswerUnintelligible, UpstreamError, UpstreamUnavailable
from ai_crm.platforms.transport import Transport

TOKEN = "canary-7e1f0b9c2d"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-One: 1\r\nx-one: 2\r\n\r\nok"

Script = Callable[[socket.socket], None]


class Server:
    """Listens on loopback and lets each connection, in turn, play its part of a script; keeps what it was told."""

    def __init__(self, *scripts: Script, family: socket.AddressFamily = socket.AF_INET) -> None:
        self._listener = socket.create_server(("::1" if family is socket.AF_INET6 else "127.0.0.1", 0), family=family)
        self._scripts = scripts
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.hung_up = threading.Semaphore(0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(timeout=10)

    def _serve(self) -> None:
        for script in self._scripts:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection, contextlib.suppress(OSError):
                script(connection)
            self.hung_up.release()


def heard(connection: socket.socket) -> bytes:
    """One request: head and body, b"" at the end of the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            return data
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def says(*answers: bytes, log: list[bytes] | None = None) -> Script:
    """Answers one request after the other, then hangs up."""

    def script(connection: socket.socket) -> None:
        for answer in answers:
            request = heard(connection)
            if not request:
                return
            if log is not None:
                log.append(request)
            connection.sendall(answer)

    return script


def resets(connection: socket.socket) -> None:
    heard(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def silent(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def endless(head: bytes, piece: bytes, pause: float = 0.0) -> Script:
    """Never stops of its own accord."""

    def script(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(head)
        waiting = threading.Event()
        while True:
            connection.sendall(piece)
            if pause:
                waiting.wait(pause)

    return script


@contextlib.contextmanager
def talking_to(
    *scripts: Script, timeout: float = 5.0, limit: int = 5_000_000, log: list[bytes] | None = None
) -> Iterator[Transport]:
    plain = scripts or (says(OK, OK, log=log),)
    with (
        Server(*plain) as server,
        Transport(server.url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=timeout, limit=limit) as transport,
    ):
        yield transport


def told(error: BaseException) -> str:
    """All that an error and what it was made from can show."""
    seen = ""
    following: BaseException | None = error
    while following is not None:
        seen += f"{following!s} {following!r} {following.args!r} "
        following = following.__cause__ or following.__context__
    return seen


def test_an_answer_has_its_status_its_headers_in_lower_case_and_its_body() -> None:
    with talking_to() as transport:
        answer = transport.request("GET", "/things?page=2")
    assert (answer.status, answer.body) == (200, b"ok")
    assert answer.headers["x-one"] == "1, 2"


def test_a_request_carries_path_method_body_and_both_sets_of_headers() -> None:
    log: list[bytes] = []
    with talking_to(log=log) as transport:
        transport.request("POST", "/a/b?c=%20", b'{"x":1}', {"Content-Type": "application/json"})
    head, _, body = log[0].partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert head.startswith(b"POST /a/b?c=%20 HTTP/1.1\r\n")
    assert body == b'{"x":1}'
    assert {b"content-type: application/json", b"authorization: bearer " + TOKEN.encode()} <= set(lines)
    assert sum(line.startswith(b"user-agent: ai-crm/") for line in lines) == 1
    assert sum(line.startswith(b"host: 127.0.0.1:") for line in lines) == 1


def test_it_asks_for_an_answer_that_is_not_compressed() -> None:
    log: list[bytes] = []
    with talking_to(log=log) as transport:
        transport.request("GET", "/")
    assert b"accept-encoding: identity" in log[0].lower()


def test_a_header_given_with_a_request_replaces_the_usual_one_whatever_its_case() -> None:
    log: list[bytes] = []
    with talking_to(log=log) as transport:
        transport.request("GET", "/", headers={"USER-AGENT": "other"})
    assert log[0].lower().count(b"user-agent:") == 1
    assert b"user-agent: other" in log[0].lower()


def test_a_base_url_may_have_a_path_of_its_own() -> None:
    log: list[bytes] = []
    with Server(says(OK, log=log)) as server, Transport(f"{server.url}/api/v3/", headers={}) as transport:
        transport.request("GET", "/user")
    assert log[0].startswith(b"GET /api/v3/user HTTP/1.1")


def test_requests_share_one_connection() -> None:
    with Server(says(OK, OK, OK)) as server, Transport(server.url, headers={}) as transport:
        for _ in range(3):
            transport.request("POST", "/", b"{}")
        assert server.connections == 1


def test_a_connection_that_the_server_closes_after_each_answer_is_opened_again() -> None:
    closing = OK.replace(b"X-One: 1", b"Connection: close")
    with Server(says(closing), says(closing)) as server, Transport(server.url, headers={}) as transport:
        assert transport.request("POST", "/").body == b"ok"
        assert transport.request("POST", "/").body == b"ok"
        assert server.connections == 2


def test_an_answer_without_a_length_ends_with_the_connection() -> None:
    with talking_to(says(b"HTTP/1.0 200 OK\r\n\r\nall of it")) as transport:
        assert transport.request("GET", "/").body == b"all of it"


def test_a_chunked_answer_is_put_together_and_its_connection_kept() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    with Server(says(chunked, OK)) as server, Transport(server.url, headers={}) as transport:
        assert transport.request("GET", "/").body == b"abcde"
        assert transport.request("GET", "/").body == b"ok"
        assert server.connections == 1


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_is_an_answer(status: int) -> None:
    with talking_to(says(f"HTTP/1.1 {status} Empty\r\n\r\n".encode(), OK)) as transport:
        assert transport.request("DELETE", "/").status == status
        assert transport.request("GET", "/").body == b"ok"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500, 503])
def test_an_error_status_is_an_answer_like_any_other(status: int) -> None:
    with talking_to(says(f"HTTP/1.1 {status} No\r\nContent-Length: 2\r\n\r\nno".encode())) as transport:
        answer = transport.request("GET", "/")
    assert (answer.status, answer.body) == (status, b"no")


def test_a_redirect_is_given_back_and_not_followed() -> None:
    log: list[bytes] = []
    with Server(says(OK, log=log)) as elsewhere:
        moved = f"HTTP/1.1 302 Found\r\nLocation: {elsewhere.url}/\r\nContent-Length: 0\r\n\r\n".encode()
        with talking_to(says(moved)) as transport:
            answer = transport.request("GET", "/")
    assert answer.status == 302
    assert log == []


def test_a_kept_connection_that_the_server_has_closed_is_replaced_before_anything_is_sent() -> None:
    log: list[bytes] = []
    with Server(says(OK), says(OK, log=log)) as server, Transport(server.url, headers={}) as transport:
        transport.request("GET", "/")
        assert server.hung_up.acquire(timeout=5)
        assert transport.request("POST", "/", b"once").body == b"ok"
    assert len(log) == 1


def test_a_get_is_repeated_once_when_the_kept_connection_breaks() -> None:
    def then_resets(connection: socket.socket) -> None:
        says(OK)(connection)
        resets(connection)

    with Server(then_resets, says(OK)) as server, Transport(server.url, headers={}) as transport:
        transport.request("GET", "/")
        assert transport.request("GET", "/").body == b"ok"
        assert server.connections == 2


def test_a_write_is_never_repeated() -> None:
    log: list[bytes] = []

    def then_resets(connection: socket.socket) -> None:
        says(OK)(connection)
        resets(connection)

    with Server(then_resets, says(OK, log=log)) as server, Transport(server.url, headers={}) as transport:
        transport.request("GET", "/")
        with pytest.raises(UpstreamUnavailable):
            transport.request("POST", "/", b"{}")
        assert server.connections == 1
        assert transport.request("GET", "/").body == b"ok"
    assert len(log) == 1


def test_a_fresh_connection_that_breaks_is_not_tried_again() -> None:
    with Server(resets, says(OK)) as server, Transport(server.url, headers={}) as transport:
        with pytest.raises(UpstreamUnavailable, match="broke"):
            transport.request("GET", "/")
        assert server.connections == 1


def test_words_that_nobody_asked_for_are_never_taken_for_the_next_answer() -> None:
    forged = OK + OK.replace(b"\r\n\r\nok", b"\r\n\r\nno")
    with Server(says(forged), says(OK)) as server, Transport(server.url, headers={}) as transport:
        assert transport.request("GET", "/").body == b"ok"
        assert transport.request("GET", "/").body == b"ok"
        assert server.connections == 2


def test_silence_is_not_waited_for() -> None:
    with talking_to(silent, timeout=0.1) as transport, pytest.raises(UpstreamUnavailable, match="in time"):
        transport.request("GET", "/")


@pytest.mark.parametrize(
    "head",
    [b"", b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"],
    ids=["status line", "header", "body"],
)
def test_an_answer_that_drips_is_cut_although_it_is_never_silent(head: bytes) -> None:
    with (
        talking_to(endless(head, b"H", pause=0.02), timeout=0.1) as transport,
        pytest.raises(UpstreamUnavailable, match="in time"),
    ):
        transport.request("GET", "/")


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", b"x" * 9999),
        (b"HTTP/1.0 200 OK\r\n\r\n", b"x" * 9999),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"3e8\r\n" + b"x" * 1000 + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", b"x" * 9999),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1;" + b"x" * 9999 + b"\r\nx\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"x: y\r\n" * 999),
    ],
    ids=["by length", "until the end", "by chunks", "negative chunk", "chunk names", "trailers"],
)
def test_an_answer_without_end_is_refused_at_the_limit(head: bytes, piece: bytes) -> None:
    with (
        talking_to(endless(head, piece), limit=100_000) as transport,
        pytest.raises(AnswerUnintelligible, match="answer larger than 100,000 bytes"),
    ):
        transport.request("GET", "/")


def test_an_answer_of_exactly_the_limit_is_taken_and_one_byte_more_is_not() -> None:
    def answer(size: int) -> bytes:
        return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (size, b"x" * size)

    with talking_to(says(answer(1000), answer(1001)), limit=1000) as transport:
        assert len(transport.request("GET", "/").body) == 1000
        with pytest.raises(AnswerUnintelligible):
            transport.request("GET", "/")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        b"",
    ],
    ids=["by length", "in a chunk", "between chunks", "nothing"],
)
def test_an_answer_that_breaks_off_is_no_answer(answer: bytes) -> None:
    with talking_to(says(answer)) as transport, pytest.raises(UpstreamUnavailable, match="broke"):
        transport.request("POST", "/", b"{}")


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 abc Hm\r\n\r\n",
        b"HTTP/1.1 200 " + b"x" * 70_000,
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"\0\xff\xfe\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nxxxxx",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nzz",
    ],
    ids=["other protocol", "status", "long status", "huge header", "many headers", "binary", "negative", "gzip"],
)
def test_what_is_not_an_answer_is_called_so(answer: bytes) -> None:
    with talking_to(says(answer)) as transport, pytest.raises(AnswerUnintelligible) as caught:
        transport.request("GET", "/")
    assert "127.0.0.1" in str(caught.value)
    assert len(str(caught.value)) < 200


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([b"", b"HTTP/1.1 200 OK\r\n"]), st.binary(max_size=300))
def test_whatever_bytes_come_back_the_caller_gets_an_answer_or_one_of_our_errors(start: bytes, noise: bytes) -> None:
    with talking_to(says(start + noise), timeout=1.0) as transport, contextlib.suppress(UpstreamError):
        transport.request("GET", "/")


def test_after_a_failure_the_next_request_starts_afresh() -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"
    with talking_to(says(half), says(OK)) as transport:
        with pytest.raises(UpstreamUnavailable):
            transport.request("GET", "/")
        assert transport.request("GET", "/").body == b"ok"


def test_a_port_that_nobody_listens_on_is_told_apart() -> None:
    with Server() as server:
        port = server.port
    with (
        Transport(f"http://127.0.0.1:{port}", headers={}) as transport,
        pytest.raises(UpstreamUnavailable, match=f"127.0.0.1:{port}: nothing accepts connections there"),
    ):
        transport.request("GET", "/")


def test_threads_take_turns() -> None:
    with Server(says(*[OK] * 20)) as server, Transport(server.url, headers={}) as transport:
        bodies: list[bytes] = []
        threads = [
            threading.Thread(target=lambda: bodies.append(transport.request("GET", "/").body)) for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.connections == 1
    assert bodies == [b"ok"] * 20


def test_ipv6_loopback_is_reached_and_named_with_brackets() -> None:
    log: list[bytes] = []
    with (
        Server(says(OK, log=log), family=socket.AF_INET6) as server,
        Transport(f"http://[::1]:{server.port}", headers={}) as transport,
    ):
        assert transport.request("GET", "/").body == b"ok"
    assert f"host: [::1]:{server.port}".encode() in log[0]


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\0b", "\u2028", "tökén", "\x7f"])
def test_a_header_that_could_smuggle_in_another_is_refused_without_telling_its_value(value: str) -> None:
    with pytest.raises(ValueError) as caught:
        Transport("http://localhost", headers={"Authorization": TOKEN + value})
    assert TOKEN not in told(caught.value)
    with talking_to() as transport, pytest.raises(ValueError) as caught:
        transport.request("GET", "/", headers={"X-Other": TOKEN + value})
    assert TOKEN not in told(caught.value)


@pytest.mark.parametrize("name", ["", "A B", "A:", "A\r\nB", "Ä"])
def test_a_header_name_is_checked_too(name: str) -> None:
    with pytest.raises(ValueError):
        Transport("http://localhost", headers={name: "x"})


@pytest.mark.parametrize("path", ["", "x", "/a b", "/a\r\nX: y", "/\0", "/ä", "/a#b", "http://elsewhere/"])
def test_a_path_that_is_not_encoded_is_a_mistake_of_the_caller(path: str) -> None:
    with Transport("http://localhost:9", headers={}) as transport, pytest.raises(ValueError):
        transport.request("GET", path)


def test_an_answer_and_a_transport_do_not_show_what_they_carry() -> None:
    secret = f"HTTP/1.1 200 OK\r\nContent-Length: {len(TOKEN)}\r\n\r\n{TOKEN}".encode()
    with talking_to(says(secret)) as transport:
        answer = transport.request("GET", "/")
        assert TOKEN not in f"{answer!r} {answer} {transport!r} {transport}"


@pytest.mark.parametrize(
    "script",
    [resets, says(b""), says(b"nonsense\r\n"), says(OK[:-1]), endless(b"HTTP/1.0 200 OK\r\n\r\n", b"x" * 9999)],
    ids=["reset", "nothing", "nonsense", "half", "endless"],
)
def test_no_failure_tells_the_token_or_the_path(script: Script) -> None:
    with talking_to(script, limit=100_000) as transport, pytest.raises(UpstreamError) as caught:
        transport.request("POST", f"/hooks/{TOKEN}", TOKEN.encode())
    assert TOKEN not in told(caught.value)
    assert caught.value.where.startswith("127.0.0.1")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A self-signed certificate for `localhost` with its key, in one file."""
    import subprocess

    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    key = path.with_suffix(".key")
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
    )
    subprocess.run([*command.split(), "-keyout", key, "-out", path], check=True, capture_output=True)
    path.write_text(path.read_text() + key.read_text())
    return str(path)


def secured(script: Script, certificate: str) -> Script:
    def over_tls(connection: socket.socket) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secure:
            script(secure)

    return over_tls


def test_https_is_spoken_and_kept_where_the_certificate_is_trusted(
    certificate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", certificate)
    with Server(secured(says(OK, OK), certificate)) as server:
        with Transport(f"https://localhost:{server.port}", headers={}) as transport:
            assert transport.request("GET", "/").body == b"ok"
            assert transport.request("POST", "/", b"{}").body == b"ok"
        assert server.connections == 1


def test_a_folder_of_hashed_certificates_is_enough(
    certificate: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import shutil
    import subprocess

    shutil.copy(certificate, tmp_path / "localhost.pem")
    subprocess.run(["openssl", "rehash", tmp_path], check=True, capture_output=True)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    with (
        Server(secured(says(OK), certificate)) as server,
        Transport(f"https://localhost:{server.port}", headers={}) as transport,
    ):
        assert transport.request("GET", "/").body == b"ok"


def test_a_certificate_that_is_not_trusted_is_refused_before_anything_is_said(certificate: str) -> None:
    log: list[bytes] = []
    with (
        Server(secured(says(OK, log=log), certificate)) as server,
        Transport(f"https://localhost:{server.port}", headers={"Authorization": TOKEN}) as transport,
        pytest.raises(UpstreamUnavailable, match=r"certificate is not trusted.*SSL_CERT_FILE"),
    ):
        transport.request("GET", "/")
    assert log == []


def test_a_certificate_for_another_name_is_refused(certificate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", certificate)
    with (
        Server(secured(says(OK), certificate)) as server,
        Transport(f"https://127.0.0.1:{server.port}", headers={}) as transport,
        pytest.raises(UpstreamUnavailable, match="certificate is not trusted"),
    ):
        transport.request("GET", "/")


def test_a_server_that_does_not_speak_tls_is_told_apart() -> None:
    plain = endless(b"", b"220 mail.example ready\r\n", pause=0.01)
    with (
        Server(plain) as server,
        Transport(f"https://localhost:{server.port}", headers={}) as transport,
        pytest.raises(UpstreamUnavailable, match="no secure connection"),
    ):
        transport.request("GET", "/")


def test_a_handshake_that_never_ends_is_cut() -> None:
    with (
        Server(silent) as server,
        Transport(f"https://localhost:{server.port}", headers={}, timeout=0.1) as transport,
        pytest.raises(UpstreamUnavailable, match="in time"),
    ):
        transport.request("GET", "/")


def passing_on(port: int, log: list[bytes]) -> Script:
    """A forward proxy for one tunnel."""

    def script(connection: socket.socket) -> None:
        log.append(heard(connection))
        with socket.create_connection(("127.0.0.1", port)) as target:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=pump, args=(target, connection), daemon=True)
            back.start()
            pump(connection, target)
            back.join(timeout=5)

    return script


def pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def test_a_proxy_is_asked_for_a_tunnel_and_sees_no_request(certificate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", certificate)
    log: list[bytes] = []
    with (
        Server(secured(says(OK, OK), certificate)) as server,
        Server(passing_on(server.port, log)) as proxy,
        Transport(
            f"https://localhost:{server.port}",
            headers={"Authorization": TOKEN},
            proxy=f"http://me:pass%40word@127.0.0.1:{proxy.port}",
        ) as transport,
    ):
        assert transport.request("GET", "/secret").body == b"ok"
        assert transport.request("GET", "/secret").body == b"ok"
    assert len(log) == 1
    assert log[0].startswith(f"CONNECT localhost:{server.port} HTTP/1.1\r\n".encode())
    assert b"Proxy-Authorization: Basic bWU6cGFzc0B3b3Jk\r\n" in log[0]  # me:pass@word
    assert TOKEN.encode() not in log[0]


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "user name and password"),
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", "must allow this host"),
    ],
)
def test_a_proxy_that_refuses_is_named_with_what_it_wants(answer: bytes, hint: str) -> None:
    with (
        Server(says(answer)) as proxy,
        Transport("https://slack.example", headers={}, proxy=f"me:{TOKEN}@127.0.0.1:{proxy.port}") as transport,
        pytest.raises(UpstreamUnavailable, match=hint) as caught,
    ):
        transport.request("GET", "/")
    assert "the way to slack.example" not in str(caught.value)
    assert "slack.example" in str(caught.value)
    assert TOKEN not in told(caught.value)


def test_this_machine_itself_is_not_reached_through_a_proxy() -> None:
    with Server(says(OK)) as server, Transport(server.url, headers={}, proxy="http://127.0.0.1:9") as transport:
        assert transport.request("GET", "/").body == b"ok"
