"""What an analysis is made of beside the shipped lists: a file that was learned, and the closed issues to learn one from."""

from __future__ import annotations

import os
from contextlib import closing

import msgspec

from ai_crm import wiring
from ai_crm.analysis import offline_analyst, taught_analyst
from ai_crm.model.secret import Secret
from ai_crm.platforms.github.access import Access, graphql_of
from ai_crm.ports import Analyst


def analyst_with(path: str) -> Analyst:
    """The analyst with what the file learned, where there is one. Raises PayloadInvalid for a file that is none."""
    if not os.path.exists(path):
        return offline_analyst()
    with open(path, "rb") as file:
        return taught_analyst(file.read(), path)


def closed_issues(project: str, limit: int, token: Secret, api_url: str, proxy: Secret) -> tuple[bytes, ...]:
    """The closed issues of a repository on GitHub, each as the line that `ai-crm analysis learn` reads.

    At most `limit` of them, those that were opened last. Raises UpstreamError and SettingsInvalid.
    """
    access = Access(token=token.reveal, api_url=api_url, graphql_url=graphql_of(api_url), proxy=proxy.reveal())
    with closing(wiring.github(access, wiring.Setup())) as github:
        found = wiring.finish(github.closed_issues(project, limit))
    return tuple(map(msgspec.json.encode, found))
