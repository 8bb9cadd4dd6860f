"""Requests and answers over one kept connection that cannot be made to wait, swallow or tell more than it should."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
from collections.abc import Mapping
from typing import Any, Self, TypeVar

import msgspec
from msgspec import Struct

from ai_crm import __version__
from ai_crm.errors import AnswerUnintelligible, UpstreamError, UpstreamUnavailable
from ai_crm.model.address import parse_address
from ai_crm.platforms.proxy import parse_proxy
from ai_crm.platforms.wire import Allowance, Find, TooMuch, Wire, connect, look_up

T = TypeVar("T")


class Answer(Struct, frozen=True):
    """What `host` said. Header names are lower case, repeated ones are joined with a comma."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    host: str = ""

    def __repr__(self) -> str:
        return f"Answer({self.status}, {len(self.body)} bytes)"  # never the body: it may be a token

    def decoded(self, kind: type[T]) -> T:
        """The JSON body as a value of this kind. Raises AnswerUnintelligible."""
        try:
            return _decoder(kind).decode(self.body)
        except (ValueError, RecursionError) as error:
            raise AnswerUnintelligible(
                f"answer {self.status} is not the JSON that was expected", where=self.host
            ) from error

    def retry_after(self, usual: float) -> float:
        """How many seconds the far side wants us to wait; `usual` where it does not say."""
        wanted = self.headers.get("retry-after", "")
        return float(wanted) if _SECONDS.fullmatch(wanted) else usual


_decoders: dict[type, msgspec.json.Decoder[Any]] = {}
_first_use = threading.Lock()


def _decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    """One for each kind, made by one thread alone: two that meet a kind for the first time together crash (msgspec 0.22)."""
    if kind not in _decoders:
        with _first_use:
            _decoders[kind] = msgspec.json.Decoder(kind)
    return _decoders[kind]


class Transport:
    """Sends requests to one service and gives back its answers, whatever their status; it follows no redirect.

    `headers` go with every request. `timeout` is the longest silence in seconds; three times that is the longest that
    an exchange may take, the look-up of the name excepted. A body of more than `limit` bytes is refused. `proxy` is
    `http://[user:password@]host:port`, or empty. `find` says which addresses a direct connection may be made to, each
    time that one is made. Raises SettingsInvalid for an address that no token may be sent to.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str],
        timeout: float = 10.0,
        limit: int = 5_000_000,
        proxy: str = "",
        find: Find = look_up,
    ) -> None:
        self.address = parse_address(base_url)
        agent = f"ai-crm/{__version__}"
        ours = {"host": self.address.netloc, "user-agent": agent, "accept-encoding": "identity"}
        self._headers = ours | _safe(headers)
        self._timeout = timeout
        self._limit = limit
        self._proxy = parse_proxy(proxy) if proxy and self.address.scheme == "https" else None
        self._find = find
        self._wire: Wire | None = None
        self._turn = threading.Lock()

    def __repr__(self) -> str:
        return f"Transport({self.address})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()
        self._wire = None

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """The answer to one request. Safe to call from several threads, which then take turns.

        `path` begins with a slash and is percent-encoded; it may hold a query. A request is sent once: only a GET is
        repeated, once, when a connection that was kept from an earlier request turns out to be dead.
        Raises UpstreamUnavailable when no whole answer came, in which case a write may still have been carried out,
        and AnswerUnintelligible when what came is no answer. Neither tells a header, a body or a path.
        """
        if not _PATH.fullmatch(path):
            raise ValueError("a request's path must begin with a slash and be percent-encoded")
        request = _Request(method, self.address.path + path, body, self._headers | _safe(headers or {}))
        with self._turn:
            try:
                return self._exchange(request)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                raise self._failure(error) from error
            except BaseException:
                self.close()  # what is left on the wire belongs to no request
                raise

    def _exchange(self, request: _Request) -> Answer:
        allowance = Allowance(self._timeout, self._timeout * 3, self._limit + _ENVELOPE)
        wire = self._wire
        if wire is not None and wire.is_idle():
            wire.allowance = allowance
            try:
                return self._attempt(wire, request)
            except (ConnectionError, ssl.SSLEOFError):
                if request.method != "GET":
                    raise
        self.close()
        self._wire = wire = connect(self.address, self._proxy, allowance, self._find)
        return self._attempt(wire, request)

    def _attempt(self, wire: Wire, request: _Request) -> Answer:
        connection = http.client.HTTPConnection(self.address.host, self.address.port)
        connection.sock = wire  # it sends, closes and asks for a file to read: a wire does that
        connection.request(request.method, request.path, request.body, request.headers)
        with connection.getresponse() as response:
            headers = _named(response.getheaders())
            answer = Answer(response.status, headers, self._body(response), self.address.netloc)
            if response.will_close:
                self.close()
        return answer

    def _body(self, response: http.client.HTTPResponse) -> bytes:
        if response.getheader("Content-Encoding", "identity").lower() != "identity":
            raise self._unintelligible("compressed, although asked for plain")
        if (response.length or 0) > self._limit:
            raise TooMuch
        try:
            body = response.read(self._limit + 1)
        except ValueError as error:  # a chunk of a negative size
            raise self._unintelligible("not in order") from error
        if len(body) > self._limit:
            raise TooMuch
        if response.length:
            raise http.client.IncompleteRead(b"", response.length)
        return body

    def _failure(self, error: OSError | http.client.HTTPException) -> UpstreamError:
        match error:
            case http.client.IncompleteRead():
                return self._unavailable("the answer broke off before its end")
            case ssl.SSLCertVerificationError():
                return self._unavailable(f"its certificate is not trusted ({error.verify_message})", _RESIGNED)
            case ssl.SSLError():
                return self._unavailable("no secure connection could be agreed on", "It must offer TLS 1.2 or later")
            case socket.gaierror():
                return self._unavailable("this name is not known here", "Check its spelling and this machine's DNS")
            case TimeoutError():
                return self._unavailable(f"no whole answer came in time; {self._timeout:g} s of silence are allowed")
            case ConnectionRefusedError():
                return self._unavailable("nothing accepts connections there", "Check that it runs and at which port")
            case ConnectionError():
                return self._unavailable("the connection broke before an answer came")
            case OSError():
                return self._unavailable("no connection could be made", "Check this machine's network and proxy")
            case TooMuch():
                return self._unintelligible(f"larger than {self._limit:,} bytes")
            case _:
                return self._unintelligible("not HTTP")

    def _unavailable(self, what: str, hint: str = "This may pass: run it again") -> UpstreamUnavailable:
        through = f" through the proxy {self._proxy.host}" if self._proxy else ""
        return UpstreamUnavailable(what, where=self.address.netloc + through, hint=hint)

    def _unintelligible(self, what: str) -> AnswerUnintelligible:
        return AnswerUnintelligible(f"answer {what}", where=self.address.netloc)


# What a status line, headers and the seams of a chunked body may add to a body. Beyond that it is an attack.
_ENVELOPE = 500_000
_PATH = re.compile(r"/[!-\"$-~]*")  # printable ASCII without blanks and without the start of a fragment
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")
_HEADER_VALUE = re.compile(r"[ -~\t]*")
_SECONDS = re.compile("[0-9]{1,6}")
_RESIGNED = "Where a company's proxy re-signs traffic, let SSL_CERT_FILE name a file that holds its certificate too"


class _Request(Struct, frozen=True):
    method: str
    path: str
    body: bytes | None
    headers: dict[str, str]


def _safe(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers, unless one could smuggle in another. http.client's own refusal would print the value: a token."""
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise ValueError(f"the header {name!r} holds a line break or a character that headers cannot hold")
    return {name.lower(): value for name, value in headers.items()}


def _named(pairs: list[tuple[str, str]]) -> dict[str, str]:
    named: dict[str, str] = {}
    for name, value in pairs:
        known = named.get(name.lower())
        named[name.lower()] = value if known is None else f"{known}, {value}"
    return named
