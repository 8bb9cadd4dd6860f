"""Where GitHub is, how to be let in, and what this connection is told about its surroundings."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from ai_crm.model.item import ItemRef


class Access(Struct, frozen=True, kw_only=True):
    """Where GitHub is and how to be let in; on Enterprise Server the two addresses end in `/api/v3`, `/api/graphql`.

    `token` may block; an empty one sees what everybody sees.
    """

    token: Callable[[], str] = str
    api_url: str = "https://api.github.com"
    graphql_url: str = "https://api.github.com/graphql"
    proxy: str = ""

    @property
    def site(self) -> str:
        """Where people look."""
        return (
            "https://github.com" if self.api_url == "https://api.github.com" else self.api_url.removesuffix("/api/v3")
        )


def graphql_of(api_url: str) -> str:
    """Where GraphQL is answered, beside the REST API at `api_url`.

    https://docs.github.com/en/enterprise-server/graphql/guides/forming-calls-with-graphql (2026-11)
    """
    return f"{api_url.removesuffix('/v3')}/graphql"


class Setup(Struct, frozen=True, kw_only=True):
    """`default_branch` is asked for where it is empty.

    `card_label` marks the issues that we open for what has no thread of its own. `fresh` are items that cannot have a
    card yet, because their event says that they are brand-new: no call is spent on looking.
    """

    rules_path: str = ".github/ai-crm.yml"
    default_branch: str = ""
    card_label: str = "ai-crm/task"
    fresh: frozenset[ItemRef] = frozenset()
    webhook_secret: Callable[[], str] = str
