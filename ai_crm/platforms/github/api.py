"""How GitHub is asked: questions only, each repeated at most twice, pages only as far as somebody reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec

from ai_crm.errors import UpstreamUnavailable
from ai_crm.model.item import Project
from ai_crm.platforms.github.access import Access
from ai_crm.platforms.github.answers import API_VERSION, Asked, Quota
from ai_crm.platforms.github.payload import Value
from ai_crm.platforms.transport import Answer, Transport

_PAGE = 100  # the most that GitHub puts on one
_PAUSES = (0.5, 2.0)  # seconds before the second and the third attempt


class Api:
    """Everything here blocks, and raises SettingsInvalid at once and UpstreamError later."""

    def __init__(self, access: Access, quota: Quota, sleep: Callable[[float], None]) -> None:
        self._access = access
        self._quota = quota
        self._sleep = sleep
        self._rest = _transport(access, access.api_url)

    def close(self) -> None:
        self._rest.close()

    def get(self, path: str, asked: Asked) -> Value:
        return self._quota.understand(self._repeated(self._rest, "GET", path), asked)

    def each(self, path: str, asked: Asked, most: int) -> Iterator[Value]:
        """The members of the first `most` pages."""
        for page in self.pages(path, asked, most):
            yield from page.each()

    def pages(self, path: str, asked: Asked, most: int, newest: int = 0) -> Iterator[Value]:
        """The first `most` pages and, of what is longer still, the `newest` last ones."""
        path += f"{'&' if '?' in path else '?'}per_page={_PAGE}"
        link = ""
        for number in range(1, most + 1):
            answer = self._repeated(self._rest, "GET", path if number == 1 else f"{path}&page={number}")
            yield self._quota.understand(answer, asked)
            link = answer.headers.get("link", "")
            if 'rel="next"' not in link:
                return
        last = _last_page(link)
        for number in range(max(most, last - newest) + 1, last + 1):
            yield self.get(f"{path}&page={number}", asked)

    def graphql(self, query: str, variables: Mapping[str, str | int], asked: Asked) -> Value:
        """What the answer says, errors included: GraphQL reports most of them with a success."""
        base, _, name = self._access.graphql_url.rpartition("/")
        question = msgspec.json.encode({"query": query, "variables": variables})
        with _transport(self._access, base) as transport:
            return self._quota.understand(self._repeated(transport, "POST", f"/{name}", question), asked)

    def project(self, name: str) -> Project:
        """A project of which only the name is known."""
        return Project(name=name, url=f"{self._access.site}/{name}")

    def _repeated(self, transport: Transport, method: str, path: str, body: bytes | None = None) -> Answer:
        """The answer to a question that may be asked again: at most three times, while GitHub is not well."""
        for pause in _PAUSES:
            self._quota.admit()
            try:
                answer = transport.request(method, path, body)
            except UpstreamUnavailable:
                self._sleep(pause)
                continue
            if answer.status < 500:
                return answer
            self._sleep(pause)
        self._quota.admit()
        return transport.request(method, path, body)


def _transport(access: Access, url: str) -> Transport:
    headers = {
        "Accept": "application/vnd.github+json",
        "Content-Type": "application/json",
        "X-GitHub-Api-Version": API_VERSION,
    }
    if token := access.token():  # GitHub shows public repositories to everybody, but refuses an empty token
        headers["Authorization"] = f"Bearer {token}"
    return Transport(url, headers=headers, proxy=access.proxy)


def _last_page(link: str) -> int:
    """The number in `<https://…?per_page=100&page=12>; rel="last"`; 0 where there is none."""
    for part in link.split(","):
        address, _, relation = part.partition(";")
        if 'rel="last"' in relation:
            query = address.partition("?")[2].rstrip("> ")
            number = dict(pair.partition("=")[::2] for pair in query.split("&")).get("page", "")
            return int(number) if number.isascii() and number.isdigit() else 0
    return 0
