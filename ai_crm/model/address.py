"""Where a token may be sent: one strict reading of addresses, so that no two readers can disagree about one."""

from __future__ import annotations

import re

from msgspec import Struct

from ai_crm.errors import Problem, SettingsInvalid


class Address(Struct, frozen=True):
    """A service. `host` is lower case and without brackets; `path` does not end with a slash and may be empty."""

    scheme: str
    host: str
    port: int
    path: str = ""

    @property
    def netloc(self) -> str:
        """Host and port as a URL and a `Host` header spell them, without the port where it is the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}{self.path}"


def parse_address(url: str) -> Address:
    """The address of a service: https, or plain http to this machine itself. Raises SettingsInvalid.

    There is no room for user names, queries, fragments, backslashes or blanks, about which programs that read
    addresses disagree.
    """
    found = _URL.fullmatch(url)
    if found is None:
        raise _refused("an address must be written https://host[:port][/path]")
    scheme, host = found["scheme"], found["host"].strip("[]").lower()
    if scheme == "http" and host not in _LOOPBACK:
        raise _refused("a token is only sent over https", "write https:// before the host")
    port = int(found["port"] or _PORTS[scheme])
    if not 0 < port < 65536:
        raise _refused("a port is a number from 1 to 65535")
    return Address(scheme, host, port, found["path"].rstrip("/"))


def is_loopback(address: Address) -> bool:
    """Whether this machine itself is meant, where tests keep their doubles of a service."""
    return address.host in _LOOPBACK


_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_PORTS = {"https": 443, "http": 80}
_LABEL = r"[A-Za-z0-9_-]{1,63}"
_URL = re.compile(
    rf"(?P<scheme>https?)://(?P<host>\[[0-9A-Fa-f:.]+\]|{_LABEL}(\.{_LABEL})*)(:(?P<port>[0-9]{{1,5}}))?"
    r"(?P<path>(/[A-Za-z0-9._~%!$&'()*+,;=:@-]*)*)"
)


def _refused(what: str, hint: str = "") -> SettingsInvalid:
    return SettingsInvalid((Problem("a service's address", 0, 0, what, hint),))  # not the address: it may hold a secret
