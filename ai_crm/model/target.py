"""Where a webhook may be sent: one strict reading of its URL, and which addresses are the public internet's.

What Python calls global is no answer: it counts translated, tunnelled and multicast addresses in (measured on 3.11 and
3.13). So the list here says what is allowed, and everything that it does not name is refused.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct

from ai_crm.errors import Problem, SettingsInvalid
from ai_crm.model.address import Address, parse_address

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

MOST_URL = 2_000
# As a JSON Schema's pattern too: no user name, no fragment, no backslash, no blank, and no braces of a template.
_HOST, _REST = r"[A-Za-z0-9._:\[\]-]{1,260}", r"([/?][A-Za-z0-9._~%!$&'()*+,;=:@/?-]*)?"
URL = f"https://{_HOST}{_REST}"


class Target(Struct, frozen=True):
    """`path` begins with a slash and holds the query too, exactly as it was written."""

    address: Address
    path: str


def parse_target(url: str) -> Target:
    """The target that a URL names. Raises SettingsInvalid; plain http only to this machine itself, for tests."""
    found = re.fullmatch(_PARTS, url) if len(url) <= MOST_URL else None
    if found is None:
        raise _refused("an address must be written https://host[:port][/path]")
    rest = found["rest"] or ""
    target = Target(parse_address(found["base"]), rest if rest.startswith("/") else f"/{rest}")
    if _is_odd(target.address.host):
        raise _refused("a host in numbers must be written as the usual four, such as 8.8.4.4")
    return target


def why_refused(url: str) -> str:
    """What is wrong with the URL of a rules file, as a sentence without its subject; empty when nothing is.

    A name is only looked up when it is called, and what it stands for is checked then.
    """
    try:
        address = parse_target(url).address
    except SettingsInvalid as error:
        return f"cannot be called: {error.problems[0].what}"
    host = address.host
    if address.scheme != "https":
        return "must be https"
    if host == "localhost" or host.endswith(".localhost"):
        return "names this machine itself"
    if ":" not in host and not re.search(_NUMERIC, host):
        return ""
    return "" if is_public(host) else f"names {host}, which is no address of the public internet"


def is_public(address: str) -> bool:
    """Whether this is the usual spelling of an address that anybody on the internet can be reached at.

    An address inside of another one (mapped, translated, tunnelled) is not public, whatever it is.
    """
    from ipaddress import AddressValueError, IPv4Address, IPv6Address  # noqa: PLC0415 - cold start

    try:
        if ":" not in address:
            four = IPv4Address(address)
            return address.isascii() and not any(four in network for network in _closed_v4())
        six = IPv6Address(address)
    except AddressValueError:
        return False
    open_v6, closed_v6 = _v6()
    return six.scope_id is None and six in open_v6 and not any(six in network for network in closed_v6)


def _is_odd(host: str) -> bool:
    """Whether programs take the host for a number that they do not agree about, or that hides what it is."""
    from ipaddress import AddressValueError, IPv4Address  # noqa: PLC0415 - cold start

    if ":" in host or not re.search(_NUMERIC, host):
        return False
    try:
        IPv4Address(host)
    except AddressValueError:
        return True
    return False


def _refused(what: str) -> SettingsInvalid:
    return SettingsInvalid((Problem("a webhook", 0, 0, what),))


_PARTS = f"(?P<base>https?://{_HOST})(?P<rest>{_REST})"
# The last part of a host decides whether programs take it for a number: 127.1, 0x7f.1, 2130706433, 017700000001.
_NUMERIC = r"(^|\.)(0[xX][0-9A-Fa-f]*|[0-9]+)$"

# https://www.iana.org/assignments/iana-ipv4-special-registry and …/iana-ipv6-special-registry (read 2026-11), with
# what is multicast or reserved, and the host behind every virtual machine of Azure.
_CLOSED_V4 = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16",
    "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
)  # fmt: skip
_OPEN_V6 = "2000::/3"
# Teredo, ORCHID and their like; documentation; 6to4; AS112; documentation again.
_CLOSED_V6 = ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")


@lru_cache(maxsize=1)
def _closed_v4() -> tuple[IPv4Network, ...]:
    from ipaddress import IPv4Network  # noqa: PLC0415 - cold start

    return tuple(map(IPv4Network, _CLOSED_V4))


@lru_cache(maxsize=1)
def _v6() -> tuple[IPv6Network, tuple[IPv6Network, ...]]:
    from ipaddress import IPv6Network  # noqa: PLC0415 - cold start

    return IPv6Network(_OPEN_V6), tuple(map(IPv6Network, _CLOSED_V6))
