"""No rule and no name leads a webhook into our own network: hundreds of targets, and canaries that nobody may touch."""

from __future__ import annotations

import contextlib
import re
import select
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.errors import AiCrmError, ChangeRefused, UpstreamUnavailable
from ai_crm.model.change import CallWebhook, Text, change_key
from ai_crm.model.target import URL, is_public, parse_target, why_refused
from ai_crm.platforms.webhook import Webhooks
from tests.conftest import Finish
from tests.doubles.loopback import Loopback, Reply
from tests.doubles.notices import ITEM, RULE, inline

Resolve = Callable[[str, int], tuple[str, ...]]


class Canaries:
    """Listens on 127.0.0.1 and, where the machine has it, ::1, at one port, and takes nothing up: touched is touched."""

    def __init__(self) -> None:
        self.four = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self.four.getsockname()[1]
        self.all = [self.four]
        with contextlib.suppress(OSError):
            self.all.append(socket.create_server(("::1", self.port), family=socket.AF_INET6, backlog=64))

    def touched(self) -> bool:
        return bool(select.select(self.all, [], [], 0)[0])

    def close(self) -> None:
        for listener in self.all:
            listener.close()


@pytest.fixture(scope="module")
def canaries() -> Iterator[Canaries]:
    listening = Canaries()
    yield listening
    listening.close()


def numbers_only(host: str, port: int) -> tuple[str, ...]:
    """What the system makes of every spelling of a number, and no question to any name server."""
    found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    return tuple(str(place[0]) for *_, place in found)


def calls(finish: Finish, url: str, port: int, resolve: Resolve, *allowed: str) -> None:
    change = CallWebhook(
        key=change_key(RULE, ITEM, "webhook", ""), rule=RULE, item=ITEM, because="x", url=url, body=Text(("{}",))
    )
    hooks = Webhooks(
        inline,
        lambda: datetime(2026, 11, 24, tzinfo=UTC),
        allowed=tuple(map(ip_network, allowed)),
        ports=(port,),
        resolve=resolve,
    )
    try:
        finish(hooks.apply(change))
    finally:
        hooks.close()


# --- targets ----------------------------------------------------------------------------------------------------------

INSIDE = (
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",  # noqa: S104
    "100.100.100.200", "192.0.0.192", "168.63.129.16",
)  # fmt: skip
RANGES = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16",
    "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    "::/128", "::1/128", "::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64",
    "2001::/32", "2001::/23", "2001:2::/48", "2001:10::/28", "2001:20::/28", "2001:db8::/32", "2002::/16",
    "2620:4f:8000::/48", "3fff::/20", "4000::/3", "5f00::/16", "fc00::/7", "fd00:ec2::254/128", "fe80::/10",
    "fec0::/10", "ff00::/8", "1000::/4",
)  # fmt: skip


def spellings(address: str) -> Iterator[str]:
    """How programs may write an IPv4 address: most of these the system's own look-up takes for it."""
    number = int(IPv4Address(address))
    a, b, c, d = IPv4Address(address).packed
    yield from (address, f"{number}", f"{number:#x}", f"0{number:o}", f"{number:#X}".replace("0X", "0x"))
    yield from (f"{a:#x}.{b:#x}.{c:#x}.{d:#x}", f"0{a:o}.0{b:o}.0{c:o}.0{d:o}", f"{a:#x}.{b}.0{c:o}.{d}")
    yield from (f"{a}.{number & 0xFFFFFF}", f"{a}.{b}.{number & 0xFFFF}", f"{a:#x}.{number & 0xFFFFFF:#x}")
    yield from (f"{a:03}.{b:03}.{c:03}.{d:03}", f"{address}.", f"{a:#010x}.{b:#010x}.{c:#010x}.{d:#010x}")
    yield from (address.replace(".", "\u3002"), "".join(chr(ord(sign) + 0xFEE0) for sign in address))
    yield from (f"{a}.{b}.{c}.%{ord(str(d)[0]):x}{str(d)[1:]}", f"hooks.example.com@{address}", f"x:y@{address}")
    yield from (f"{address}\\.hooks.example.com", f"{address}#.hooks.example.com", f"{address}\t", f" {address}")
    high, low = number >> 16, number & 0xFFFF
    yield from (f"[::ffff:{address}]", f"[::ffff:{high:x}:{low:x}]", f"[0:0:0:0:0:FFFF:{address}]", f"[::{address}]")
    yield from (f"[64:ff9b::{address}]", f"[64:ff9b::{high:x}:{low:x}]", f"[64:ff9b:1::{high:x}:{low:x}]")
    yield from (f"[2002:{high:x}:{low:x}::1]", f"[2001:0:{high:x}:{low:x}::1]", f"[::ffff:0:{address}]")


def edges(network: str) -> Iterator[str]:
    found = ip_network(network)
    size = found.num_addresses
    for place in sorted({0, min(1, size - 1), size // 2, size - 1}):
        address = str(found[place])
        yield f"[{address}]" if ":" in address else address


LITERALS = tuple(
    dict.fromkeys(
        (
            *(spelled for address in INSIDE for spelled in spellings(address)),
            *(edge for network in RANGES for edge in edges(network)),
            *("[fe80::1%25eth0]", "[fe80::1%eth0]", "127.1", "0", "0x7f.1", "127.0.1", "017700000001", "[::]", "[::1]"),
            *("①②⑦.⓪.⓪.①", "169.254.43518", "1.1.1.1@127.0.0.1", "127.0.0.1 1.1.1.1", "%31%32%37.0.0.1"),
        )
    )
)
# What a name server may say: the addresses of one name, in each order.
OTHERS = ("93.184.216.34", "2606:4700:4700::1111")
ANSWERS = tuple(
    answer
    for inside in (*INSIDE, "::1", "::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe", "fd00:ec2::254", "fe80::1%eth0")
    for answer in ((inside,), (inside, *OTHERS), (*OTHERS, inside), (OTHERS[0], inside, OTHERS[1]))
)


def test_there_are_enough_targets() -> None:
    assert len(LITERALS) + len(ANSWERS) >= 400


@pytest.mark.parametrize("host", LITERALS)
def test_a_literal_address_inside_is_refused_in_the_file_and_when_it_is_called(
    finish: Finish, canaries: Canaries, host: str
) -> None:
    file_url = f"https://{host}/x"
    assert not re.fullmatch(URL, file_url) or why_refused(file_url)
    for scheme in ("https", "http"):
        with pytest.raises((ChangeRefused, UpstreamUnavailable)):
            calls(finish, f"{scheme}://{host}:{canaries.port}/x", canaries.port, numbers_only)
    assert not canaries.touched()


@pytest.mark.parametrize("addresses", ANSWERS, ids=",".join)
def test_a_name_of_which_one_address_is_inside_is_not_called_at_all(
    finish: Finish, canaries: Canaries, addresses: tuple[str, ...]
) -> None:
    url = f"https://hooks.example.com:{canaries.port}/x"
    with pytest.raises(ChangeRefused, match="not the public internet's") as caught:
        calls(finish, url, canaries.port, lambda _host, _port: addresses)
    assert not canaries.touched()
    assert not any(address in str(caught.value) for address in addresses)


@pytest.mark.parametrize("url", ["http://hooks.example.com/", "ftp://x.example/", "gopher://127.0.0.1:70/_x",
    "file:///etc/passwd", "https:/x.example", "https:x.example", "//x.example", "https://", "https:///x",
    "https://x.example\\@y.example/", "https://x.example#@y.example/", "https://x.example/\r\nHost: y", "",
    "javascript:alert(1)", "https://x.example/a b", "https://x.example:99999/", "https://x.example:0/",
    "HTTPS://x.example/", "https://x.example/#top", "https://x..example/", "https://" + "x" * 2_000])  # fmt: skip
def test_what_is_no_plain_https_address_is_refused(finish: Finish, canaries: Canaries, url: str) -> None:
    with pytest.raises(ChangeRefused):
        calls(finish, url, canaries.port, lambda _host, _port: ("127.0.0.1",))
    assert why_refused(url)
    assert not canaries.touched()


@pytest.mark.parametrize("url", ["https://localhost/", "https://a.localhost/", "https://LOCALHOST/"])
def test_a_file_cannot_name_this_machine(url: str) -> None:
    assert why_refused(url)


@pytest.mark.parametrize("port", [22, 25, 53, 3306, 5432, 6379, 8080, 9200, 11211])
def test_other_ports_are_not_for_webhooks(finish: Finish, port: int) -> None:
    change_url = f"https://hooks.example.com:{port}/x"
    with pytest.raises(ChangeRefused, match=f"port {port}"):
        calls(finish, change_url, 443, lambda _host, _port: OTHERS)


def test_a_name_that_changes_its_mind_between_two_calls_gains_nothing(finish: Finish, canaries: Canaries) -> None:
    answers = iter((("127.0.0.1",), ("::1",), ("127.0.0.1", "10.0.0.1")))
    asked: list[str] = []

    def resolve(host: str, _port: int) -> tuple[str, ...]:
        asked.append(host)
        return next(answers)

    with Loopback(lambda _: Reply(200, b"", {"Connection": "close"})) as receiver:
        port = int(receiver.url.rpartition(":")[2])
        url = f"http://localhost:{port}/x"
        calls(finish, url, port, resolve, "127.0.0.1/32")
        for _ in range(2):
            with pytest.raises(ChangeRefused):
                calls(finish, url, port, resolve, "127.0.0.1/32")
    assert len(asked) == 3  # once for each connection: what was checked is what is connected to
    assert len(receiver.requests) == 1
    assert not canaries.touched()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(finish: Finish, canaries: Canaries, status: int) -> None:
    elsewhere = {"Location": f"http://127.0.0.1:{canaries.port}/", "Refresh": f"0; url=http://[::1]:{canaries.port}/"}
    with Loopback(lambda _: Reply(status, b"", elsewhere)) as receiver:
        port = int(receiver.url.rpartition(":")[2])
        with pytest.raises(ChangeRefused, match=str(status)):
            calls(finish, f"{receiver.url}/x", port, numbers_only, "127.0.0.1/32")
    assert not canaries.touched()


def test_proxies_of_the_environment_are_not_used(
    finish: Finish, canaries: Canaries, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canaries.port}")
    with pytest.raises(AiCrmError):
        calls(finish, "https://hooks.example.com/x", 443, lambda _host, _port: ("10.0.0.1",))
    with Loopback(lambda _: Reply(200)) as receiver:
        calls(finish, f"{receiver.url}/x", 443, numbers_only, "127.0.0.1/32")
    assert len(receiver.requests) == 1
    assert not canaries.touched()


def test_a_canary_would_tell() -> None:
    listening = Canaries()
    assert not listening.touched()
    with socket.create_connection(("127.0.0.1", listening.port)):
        assert listening.touched()
    listening.close()


# --- what is public ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "8.8.8.8", "93.184.216.34", "172.15.255.255", "172.32.0.0", "100.63.255.255", "100.128.0.0",
     "168.63.129.15", "168.63.129.17", "192.0.1.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "11.0.0.0",
     "2606:4700:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888", "2001:200::", "2003::1", "2400::1"],
)  # fmt: skip
def test_the_internet_is_public(address: str) -> None:
    assert is_public(address)
    assert why_refused(f"https://{f'[{address}]' if ':' in address else address}/x") == ""


@pytest.mark.parametrize("host", ["hooks.example.com", "a-b.c_d.example", "x", "1a.example", "xn--nxasmq6b.example"])
def test_a_name_is_read_as_it_is(host: str) -> None:
    url = f"https://{host}:8443/a//b/?c=d"
    assert why_refused(url) == ""
    target = parse_target(url)
    assert (target.address.host, target.address.port, target.path) == (host, 8443, "/a//b/?c=d")


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32 - 1).map(IPv4Address) | st.integers(0, 2**128 - 1).map(IPv6Address))
def test_nothing_is_public_that_even_python_calls_private(address: IPv4Address | IPv6Address) -> None:
    assert not is_public(str(address)) or address.is_global


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(RANGES), st.integers(0, 2**128 - 1))
def test_nothing_in_a_special_range_is_public(written: str, at: int) -> None:
    network = ip_network(written)
    assert not is_public(str(network[at % network.num_addresses]))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40))
def test_no_text_upsets_it(text: str) -> None:
    try:
        ip_address(text)
    except ValueError:
        assert not is_public(text)
    assert isinstance(why_refused(f"https://{text}"), str)
