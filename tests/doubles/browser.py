"""A browser as far as a hub's doors can tell: it keeps cookies, and says where its requests come from."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from http import HTTPStatus
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit

from starlette.types import ASGIApp

from tests.doubles.hub_parts import Answer, call


class Browser:
    """`cookies` by name. What it sends comes from the hub's own pages, unless `site` says otherwise."""

    def __init__(self, app: ASGIApp, host: str = "hub.example") -> None:
        self.cookies: dict[str, str] = {}
        self._app = app
        self._host = host

    async def get(self, path: str, **headers: str) -> Answer:
        return await self._sent("GET", path, b"", {"sec-fetch-site": "none", **headers})

    async def post(self, path: str, fields: Mapping[str, str] | None = None, site: str = "same-origin") -> Answer:
        typed = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": site}
        return await self._sent("POST", path, urlencode(fields or {}).encode(), typed)

    async def _sent(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        kept = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}
        sent = {"host": self._host, **kept, **{name.replace("_", "-"): value for name, value in headers.items()}}
        answer = await call(self._app, method, path, sent.items(), body)
        for line in answer.cookies:
            self._keep(line)
        return answer

    def _keep(self, line: str) -> None:
        for name, morsel in SimpleCookie(line.replace("; Partitioned", "")).items():
            if morsel["max-age"] == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value


def enter(link: str, url: str) -> tuple[int, str]:
    """Opens a link to a hub that really is at `url`, presses the button, and goes where that leads: status and page."""
    place, sent = urlsplit(link).path, {"Host": urlsplit(link).netloc, "Sec-Fetch-Site": "same-origin"}
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        connection.request("GET", place, headers=sent)
        connection.getresponse().read()
        connection.request("POST", place, headers=sent)
        answer = connection.getresponse()
        shown = answer.read().decode()
        if answer.status != HTTPStatus.SEE_OTHER:
            return answer.status, shown
        sent["Cookie"] = (answer.getheader("Set-Cookie") or "").partition(";")[0]
        connection.request("GET", answer.getheader("Location") or "", headers=sent)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()
