"""A connection that works against the clock and the scales: how it is made, watched and cut off."""

from __future__ import annotations

import io
import os
import select
import socket
import ssl
import time
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse

from ai_crm.errors import UpstreamUnavailable
from ai_crm.model.address import Address
from ai_crm.platforms.proxy import Proxy


class TooMuch(HTTPException):
    """More bytes came than anything that was asked for can have."""


class Allowance:
    """What one exchange may cost: no silence longer than `silence` seconds, all of it over within `total` seconds, and
    at most `size` bytes of answer, whatever they are.

    A socket's own time-out would start anew with every byte that drips in.
    """

    def __init__(self, silence: float, total: float, size: int) -> None:
        self._silence = silence
        self._end = time.monotonic() + total
        self._size = size

    def seconds(self) -> float:
        """How long the next step may take. Raises TimeoutError when the time is up."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return min(self._silence, left)

    def count(self, received: int) -> None:
        """Raises TooMuch."""
        self._size -= received
        if self._size < 0:
            raise TooMuch


class Wire:
    """A connected socket as http.client uses one: it sends, closes and hands out a file to read from."""

    def __init__(self, sock: socket.socket, allowance: Allowance) -> None:
        self._socket = sock
        self.allowance = allowance

    def is_idle(self) -> bool:
        """Whether the far side neither hung up nor said anything unasked since its last answer."""
        try:
            readable, _, _ = select.select([self._socket], [], [], 0)
        except (OSError, ValueError):  # closed, or a descriptor beyond what select can watch
            return False
        return not readable

    def sendall(self, data: bytes) -> None:
        self._socket.settimeout(self.allowance.seconds())
        self._socket.sendall(data)

    def receive(self, raw: socket.SocketIO, buffer: bytearray | memoryview) -> int | None:
        self._socket.settimeout(self.allowance.seconds())
        received = raw.readinto(buffer)
        self.allowance.count(received or 0)
        return received

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self, self._socket.makefile("rb", buffering=0)))

    def close(self) -> None:
        self._socket.close()


# The addresses of a host and port that may be tried, in turn. It raises to have none of them tried.
Find = Callable[[str, int], tuple[str, ...]]


def look_up(host: str, port: int) -> tuple[str, ...]:
    """Every address that the system knows for a name; its look-up keeps its own time. Raises OSError."""
    places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(place[0]) for *_, place in places))


def connect(to: Address, proxy: Proxy | None, allowance: Allowance, find: Find = look_up) -> Wire:
    """A new wire, secured where the address says https. Raises OSError, or UpstreamUnavailable from the proxy.

    What is connected to are the very addresses that `find` gave, so that no second look-up can say something else.
    """
    where = (proxy.host, proxy.port) if proxy else (to.host, to.port)
    sock = _dial(look_up(*where) if proxy else find(*where), where[1], allowance)
    try:
        if proxy:
            _tunnel(sock, to, proxy, allowance)
        if to.scheme == "https":
            sock.settimeout(allowance.seconds())
            sock = _trusted().wrap_socket(sock, server_hostname=to.host)
    except BaseException:
        sock.close()
        raise
    return Wire(sock, allowance)


class _Reader(io.RawIOBase):
    """The reading end of a wire; io.BufferedReader accepts nothing but a RawIOBase."""

    def __init__(self, wire: Wire, raw: socket.SocketIO) -> None:
        super().__init__()
        self._wire = wire
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int | None:  # type: ignore[override]
        return self._wire.receive(self._raw, buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _dial(addresses: tuple[str, ...], port: int, allowance: Allowance) -> socket.socket:
    """Tries each address in turn."""
    failure = OSError("the name has no address")
    for address in addresses:
        try:
            sock = socket.create_connection((address, port), timeout=allowance.seconds())
        except OSError as error:
            failure = error
        else:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock
    raise failure


def _tunnel(sock: socket.socket, to: Address, proxy: Proxy, allowance: Allowance) -> None:
    """Asks the proxy for a tunnel, so that it sees where we talk to and nothing of what we say."""
    target = f"[{to.host}]:{to.port}" if ":" in to.host else f"{to.host}:{to.port}"
    login = f"Proxy-Authorization: {proxy.login}\r\n" if proxy.login else ""
    wire = Wire(sock, allowance)
    wire.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{login}\r\n".encode())
    with HTTPResponse(wire, method="CONNECT") as answer:  # type: ignore[arg-type] # it only asks for a file
        answer.begin()
        if answer.status != 200:
            raise UpstreamUnavailable(
                f"the proxy answered {answer.status} when asked for a way to {to.host}",
                where=proxy.host,
                hint="It wants a user name and password" if answer.status == 407 else "It must allow this host",
            )


def _trusted() -> ssl.SSLContext:
    """Checks certificates against the machine's own list, which SSL_CERT_FILE and SSL_CERT_DIR can name.

    Reading a whole bundle costs 20 ms of processor time; a folder with hashed names is read only where it is needed.
    """
    folder = ssl.get_default_verify_paths().capath
    lazily = folder and "SSL_CERT_FILE" not in os.environ and any(name.endswith(".0") for name in os.listdir(folder))
    return ssl.create_default_context(capath=folder if lazily else None)
