"""A repository's closed issues as the analysis learns from them, asked for through GraphQL, which leaves out pull requests."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from ai_crm.errors import AnswerUnintelligible
from ai_crm.platforms.github import items
from ai_crm.platforms.github.answers import Asked
from ai_crm.platforms.github.api import Api
from ai_crm.platforms.github.fetch import first_error, unseen
from ai_crm.platforms.github.payload import Value

# A page of the longest issues that GitHub takes stays below what an answer may have.
_PAGE = 50


class ClosedIssue(Struct, frozen=True, kw_only=True, rename="camel"):
    """As `gh issue list --json title,body,labels,closedAt` writes one. The type that an issue has is among its labels."""

    title: str
    body: str
    labels: tuple[str, ...]
    closed_at: str


def closed_issues(api: Api, project: str, limit: int) -> tuple[ClosedIssue, ...]:
    """The `limit` closed issues that were opened last, the newest first. Blocks. Raises UpstreamError.

    What we opened ourselves, to show a task in, is no work of the team's.
    """
    found: list[ClosedIssue] = []
    for page in _pages(api, project):
        found.extend(_issue(node) for node in page.each() if node.exists and not _is_own(node))
        if len(found) >= limit:
            break
    return tuple(found[:limit])


def _pages(api: Api, project: str) -> Iterator[Value]:
    owner, _, name = project.partition("/")
    asked = Asked("list the closed issues", project, "issues: read")
    query, after = _QUERY, ""
    while True:
        variables: dict[str, str | int] = {"owner": owner, "name": name, "size": _PAGE}
        answer = api.graphql(query, variables | ({"after": after} if after else {}), asked)
        if query is _QUERY and _lacks_types(answer):
            query = _QUERY.replace(_TYPE, "")
            continue
        page = answer["data"]["repository"]["issues"]
        if not page.exists:
            raise unseen(first_error(answer), asked)
        yield page["nodes"]
        following = page["pageInfo"]["endCursor"].name_or("") if page["pageInfo"]["hasNextPage"].flag() else ""
        if not following:
            return
        if following == after:
            raise AnswerUnintelligible("GitHub's list of closed issues has no end", where=project)
        after = following


def _lacks_types(answer: Value) -> bool:
    """Whether this is an Enterprise Server from before issues had types: then it refuses the whole question."""
    return any(error["extensions"]["code"].name_or("") == "undefinedField" for error in answer["errors"].each())


def _is_own(node: Value) -> bool:
    return items.is_own(node["body"].text_or(""), items.author(node))


def _issue(node: Value) -> ClosedIssue:
    kind = node["issueType"]["name"].name_or("")
    return ClosedIssue(
        title=node["title"].text(),
        body=node["body"].text_or(""),
        labels=(*(label["name"].name() for label in node["label_list"]["nodes"].each()), *((kind,) if kind else ())),
        closed_at=node["closedAt"].name_or(""),
    )


# The names `user` and `author_association` are those of REST, so that people are read by the same function.
# https://docs.github.com/en/graphql/reference/objects#issue (2026-11)
_TYPE = "issueType { name }"
_QUERY = f"""
query ($owner: String!, $name: String!, $size: Int!, $after: String) {{
  repository(owner: $owner, name: $name) {{
    issues(first: $size, after: $after, states: CLOSED, orderBy: {{field: CREATED_AT, direction: DESC}}) {{
      pageInfo {{ hasNextPage endCursor }}
      nodes {{
        title body closedAt {_TYPE} label_list: labels(first: 50) {{ nodes {{ name }} }}
        user: author {{ login type: __typename }} author_association: authorAssociation
      }}
    }}
  }}
}}
"""
