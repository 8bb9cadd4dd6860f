"""The forward proxy that a company puts before the internet, as HTTPS_PROXY spells it."""

from __future__ import annotations

import re
from base64 import b64encode
from urllib.parse import unquote_to_bytes

from msgspec import Struct

from ai_crm.errors import Problem, SettingsInvalid
from ai_crm.model.address import parse_address


class Proxy(Struct, frozen=True):
    """A proxy that tunnels. `login` is the value of its `Proxy-Authorization` header, empty without one."""

    host: str
    port: int
    login: str = ""

    def __repr__(self) -> str:
        return f"Proxy({self.host}:{self.port})"


def parse_proxy(url: str) -> Proxy:
    """The proxy that is written `[http://][user:password@]host[:port]`. Raises SettingsInvalid."""
    found = _PROXY.fullmatch(url)
    if found is None:
        raise SettingsInvalid((Problem("the proxy", 0, 0, "a proxy must be written http://[user:password@]host:port"),))
    place = parse_address(f"https://{found['place']}")
    login = ""
    if found["user"] is not None:
        pair = unquote_to_bytes(found["user"]) + b":" + unquote_to_bytes(found["password"] or "")
        login = f"Basic {b64encode(pair).decode()}"
    return Proxy(place.host, place.port if found["port"] else 80, login)


_PROXY = re.compile(
    r"(http://)?((?P<user>[^\s:/@]*)(:(?P<password>[^\s/@]*))?@)?(?P<place>(\[[^\s/@]+\]|[^\s:/@]+)(?P<port>:[0-9]+)?)/?"
)
