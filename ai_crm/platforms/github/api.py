"""How GitHub is asked: questions only, each repeated at most twice, pages only as far as somebody reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec

from ai_crm.errors import UpstreamUnavailable
from ai_crm.model.item import Project
from ai_crm.platforms.github.answers import Asked, Quota
from ai_crm.platforms.github.kept import Kept
from ai_crm.platforms.github.lines import Line
from ai_crm.platforms.github.payload import Value
from ai_crm.platforms.transport import Answer, Transport

_PAGE = 100  # the most that GitHub puts on one
_NOT_MODIFIED = 304
_PAUSES = (0.5, 2.0)  # seconds before the second and the third attempt


class Api:
    """Everything here blocks, and raises SettingsInvalid at once and UpstreamError later."""

    def __init__(self, line: Line, quota: Quota, sleep: Callable[[float], None], kept: Kept) -> None:
        self._line = line
        self._quota = quota
        self._sleep = sleep
        self._kept = kept
        self._rest = line.to(line.access.api_url)

    def get(self, path: str, asked: Asked) -> Value:
        return self._quota.understand(self._repeated(self._rest, "GET", path), asked)

    def get_again(self, path: str, asked: Asked) -> Value:
        """Like `get`, for what is asked often and seldom changes: what is known already is not sent again."""
        known = self._kept.find(path)
        given = {"If-None-Match": known.headers["etag"]} if known else {}
        answer = self._repeated(self._rest, "GET", path, headers=given)
        if known and answer.status == _NOT_MODIFIED:
            return self._quota.understand(known, asked)
        if answer.status == 200:
            self._kept.keep(path, answer)
        return self._quota.understand(answer, asked)

    def post(self, path: str, body: Mapping[str, object] | None, asked: Asked) -> Value:
        """For what may happen twice without harm, such as asking for a token: it is repeated like a question."""
        sent = None if body is None else msgspec.json.encode(body)
        return self._quota.understand(self._repeated(self._rest, "POST", path, sent), asked)

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
        last = _number(_linked(link, "last").get("page", ""))
        for number in range(max(most, last - newest) + 1, last + 1):
            yield self.get(f"{path}&page={number}", asked)

    def pages_by_cursor(self, path: str, asked: Asked, most: int) -> Iterator[Value]:
        """The first `most` pages of what is not numbered: each names the cursor of the next."""
        cursor = ""
        for _ in range(most):
            answer = self._repeated(self._rest, "GET", f"{path}?per_page={_PAGE}{cursor}")
            yield self._quota.understand(answer, asked)
            following = _linked(answer.headers.get("link", ""), "next").get("cursor", "")
            if not following:
                return
            cursor = f"&cursor={following}"

    def graphql(self, query: str, variables: Mapping[str, str | int], asked: Asked) -> Value:
        """What the answer says, errors included: GraphQL reports most of them with a success."""
        base, _, name = self._line.access.graphql_url.rpartition("/")
        question = msgspec.json.encode({"query": query, "variables": variables})
        return self._quota.understand(self._repeated(self._line.to(base), "POST", f"/{name}", question), asked)

    def project(self, name: str) -> Project:
        """A project of which only the name is known."""
        return Project(name=name, url=f"{self._line.access.site}/{name}")

    def _repeated(
        self,
        transport: Transport,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer to a question that may be asked again: at most three times, while GitHub is not well."""
        for pause in _PAUSES:
            self._quota.admit()
            try:
                answer = transport.request(method, path, body, headers)
            except UpstreamUnavailable:
                self._sleep(pause)
                continue
            if answer.status < 500:
                return answer
            self._sleep(pause)
        self._quota.admit()
        return transport.request(method, path, body, headers)


def _linked(link: str, relation: str) -> dict[str, str]:
    """The query of `<https://…?per_page=100&page=12>; rel="last"`, as it is written; empty where there is none."""
    for part in link.split(","):
        address, _, said = part.partition(";")
        if f'rel="{relation}"' in said:
            query = address.partition("?")[2].rstrip("> ")
            return dict(pair.partition("=")[::2] for pair in query.split("&"))
    return {}


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else 0
