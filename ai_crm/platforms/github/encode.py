"""What is sent to GitHub to carry out a change: method, path and body as plain values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from msgspec import Struct

# GitHub refuses longer ones: https://docs.github.com/en/rest/issues/issues#create-an-issue
MOST_BODY = 65_536
MOST_TITLE = 256
MOST_ASSIGNEES = 10

Body = Mapping[str, str | int | tuple[str, ...]]


class Request(Struct, frozen=True):
    """One write. `path` is percent-encoded and begins with `/repos/`."""

    method: str
    path: str
    body: Body | None = None


def repository(project: str) -> str:
    """The path of a repository, each segment quoted."""
    owner, _, name = project.partition("/")
    return f"/repos/{segment(owner)}/{segment(name)}"


def segment(text: str) -> str:
    """One segment of a path: a slash in a label is no slash of the path, and dots do not climb."""
    return {".": "%2E", "..": "%2E%2E"}.get(text) or quote(text, safe="")


def create_comment(project: str, number: str, body: str) -> Request:
    """https://docs.github.com/en/rest/issues/comments#create-an-issue-comment"""
    return Request("POST", f"{repository(project)}/issues/{segment(number)}/comments", {"body": clipped(body)})


def update_comment(project: str, comment: str, body: str) -> Request:
    """https://docs.github.com/en/rest/issues/comments#update-an-issue-comment"""
    return Request("PATCH", f"{repository(project)}/issues/comments/{segment(comment)}", {"body": clipped(body)})


def delete_comment(project: str, comment: str) -> Request:
    """https://docs.github.com/en/rest/issues/comments#delete-an-issue-comment"""
    return Request("DELETE", f"{repository(project)}/issues/comments/{segment(comment)}")


def add_labels(project: str, number: str, labels: tuple[str, ...]) -> Request:
    """https://docs.github.com/en/rest/issues/labels#add-labels-to-an-issue"""
    return Request("POST", f"{repository(project)}/issues/{segment(number)}/labels", {"labels": labels})


def remove_label(project: str, number: str, label: str) -> Request:
    """https://docs.github.com/en/rest/issues/labels#remove-a-label-from-an-issue"""
    return Request("DELETE", f"{repository(project)}/issues/{segment(number)}/labels/{segment(label)}")


def assign(project: str, number: str, people: tuple[str, ...]) -> Request:
    """https://docs.github.com/en/rest/issues/assignees#add-assignees-to-an-issue"""
    return Request("POST", f"{repository(project)}/issues/{segment(number)}/assignees", {"assignees": people})


def request_review(project: str, number: str, people: tuple[str, ...], teams: tuple[str, ...]) -> Request:
    """Teams may be written `org/team`; GitHub wants the second half.

    https://docs.github.com/en/rest/pulls/review-requests#request-reviewers-for-a-pull-request
    """
    slugs = tuple(team.rpartition("/")[2] for team in teams)
    body = {"reviewers": people, "team_reviewers": slugs}
    asked = {field: names for field, names in body.items() if names}
    return Request("POST", f"{repository(project)}/pulls/{segment(number)}/requested_reviewers", asked)


def create_issue(project: str, title: str, body: str, labels: tuple[str, ...]) -> Request:
    """https://docs.github.com/en/rest/issues/issues#create-an-issue"""
    fields: Body = {"title": headline(title), "body": clipped(body)}
    return Request("POST", f"{repository(project)}/issues", {**fields, "labels": labels} if labels else fields)


def update_issue(project: str, number: str, body: str, labels: tuple[str, ...]) -> Request:
    """`labels`, unless empty, replaces all that the issue has.

    https://docs.github.com/en/rest/issues/issues#update-an-issue
    """
    fields: Body = {"body": clipped(body)}
    path = f"{repository(project)}/issues/{segment(number)}"
    return Request("PATCH", path, {**fields, "labels": labels} if labels else fields)


def close_as_duplicate(project: str, number: str, original: str) -> Request:
    """GitHub lets nobody delete an issue by its REST API, so a twin is closed and loses its mark and labels."""
    fields: Body = {
        "body": f"Duplicate of #{original}",
        "labels": (),
        "state": "closed",
        "state_reason": "duplicate",
    }
    return Request("PATCH", f"{repository(project)}/issues/{segment(number)}", fields)


def clipped(body: str) -> str:
    """A text that GitHub accepts; one that is too long loses its end."""
    return body if len(body) <= MOST_BODY else body[: MOST_BODY - 1] + "…"


def headline(title: str) -> str:
    """A title: one line, never empty."""
    line = " ".join(title.split()) or "Untitled"
    return line if len(line) <= MOST_TITLE else line[: MOST_TITLE - 1] + "…"
