"""What the hub keeps about one connection to GitHub between conversations: connections, tokens, rules files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import assert_never

import msgspec

from ai_crm.model.item import ItemRef
from ai_crm.model.secret import Secret
from ai_crm.platforms.github import Access, GitHub, Setup, deliveries
from ai_crm.platforms.github.answers import Quota
from ai_crm.platforms.github.api import Api
from ai_crm.platforms.github.credentials import AppCredentials, TokenCredentials
from ai_crm.platforms.github.deliveries import FailedDelivery
from ai_crm.platforms.github.installations import Installations
from ai_crm.platforms.github.kept import Kept
from ai_crm.platforms.github.lines import Line, Lines
from ai_crm.ports import Offload

_MOST_LINES = 8
_MOST_KEPT = 32_000_000  # bytes of rules files, and of what was learned


class GitHubAccount:
    """Begins conversations with GitHub, each cheap. Thread-safe; nothing is asked before a conversation asks it.

    `sleep` blocks, `now` is in seconds since 1970, `where` says where GitHub is (its token is not used).
    """

    def __init__(
        self,
        credentials: TokenCredentials | AppCredentials,
        offload: Offload,
        sleep: Callable[[float], None],
        now: Callable[[], float],
        where: Access | None = None,
        rules_path: str = ".github/ai-crm.yml",
    ) -> None:
        self._credentials = credentials
        self._offload = offload
        self._sleep = sleep
        self._rules_path = rules_path
        self._where = where or Access()
        self._tokens = _Tokens(credentials, self._where, sleep, now)
        self._lines = Lines(_MOST_LINES, now, self._tokens.forget, Kept(_MOST_KEPT))

    def open(self, project: str, *, fresh: frozenset[ItemRef] = frozenset(), default_branch: str = "") -> GitHub:
        """A conversation about one project; whoever opens it closes it. `fresh` as in Setup.

        What it reads and that GitHub told it to wait is forgotten with it.
        """
        access = msgspec.structs.replace(self._where, token=lambda: self._tokens.of(project))
        setup = Setup(rules_path=self._rules_path, default_branch=default_branch, fresh=fresh)
        return GitHub(access, self._offload, self._sleep, setup, self._lines)

    def close(self) -> None:
        """Hangs up. Conversations that are still open hang up when they are closed."""
        self._lines.close()

    async def failed_deliveries(self, since: datetime) -> tuple[FailedDelivery, ...]:
        """Webhook deliveries from then on that never arrived, the oldest first; () for a token without hooks.

        Raises UpstreamError.
        """
        return await self._offload(lambda: tuple(self._failed(since)))

    async def redeliver(self, identity: str) -> None:
        """Has GitHub send a delivery again; `identity` is `FailedDelivery.id`. Raises UpstreamError, ValueError."""
        await self._offload(lambda: self._redeliver(identity))

    def _failed(self, since: datetime) -> list[FailedDelivery]:
        with self._tokens.of_webhooks() as api:
            found = [one for place in self._places() for one in deliveries.failed(api, place, since)]
        return sorted(found, key=lambda one: one.delivered_at)

    def _redeliver(self, identity: str) -> None:
        with self._tokens.of_webhooks() as api:
            deliveries.redeliver(api, identity)

    def _places(self) -> tuple[str, ...]:
        match self._credentials:
            case TokenCredentials(hooks=hooks):
                return tuple(deliveries.of_a_hook(hook) for hook in hooks)
            case AppCredentials():
                return (deliveries.OF_THE_APP,)
            case _:
                assert_never(self._credentials)


class _Tokens:
    """The one token, or an app's many."""

    def __init__(
        self,
        credentials: TokenCredentials | AppCredentials,
        where: Access,
        sleep: Callable[[float], None],
        now: Callable[[], float],
    ) -> None:
        self._where = where
        self._sleep = sleep
        match credentials:
            case TokenCredentials(token=token):
                self._source: Secret | Installations = token
            case AppCredentials():
                self._source = Installations(credentials, where, sleep, now)
            case _:
                assert_never(credentials)

    def of(self, project: str) -> str:
        """May block and raise UpstreamError."""
        match self._source:
            case Secret():
                return self._source.reveal()
            case Installations():
                return self._source.token(project)
            case _:
                assert_never(self._source)

    def forget(self, token: str) -> None:
        if isinstance(self._source, Installations):
            self._source.forget(token)

    @contextmanager
    def of_webhooks(self) -> Iterator[Api]:
        """What may be asked about webhooks."""
        if isinstance(self._source, Installations):
            with self._source.as_app() as api:
                yield api
            return
        with Line(self._where, self._source.reveal()) as line:
            yield Api(line, Quota(), self._sleep, Kept())
