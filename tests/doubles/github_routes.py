"""How the small GitHub answers each address that we use: what it checks, what it changes, what it shows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

if TYPE_CHECKING:
    from tests.doubles.github_server import FakeGitHub


class Seen(Struct, frozen=True):
    """One request as it came in. Header names are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def __str__(self) -> str:
        return f"{self.method} {self.target}"


class Reply(Struct, frozen=True):
    status: int
    value: Any = None
    headers: Mapping[str, str] = {}


def user(login: str) -> dict[str, Any]:
    return {"login": login, "id": sum(login.encode()), "type": "Bot" if login.endswith("[bot]") else "User"}


def missing() -> Reply:
    return Reply(404, {"message": "Not Found"})


def _invalid(name: str, message: str) -> Reply:
    errors = [{"resource": "Issue", "code": "custom", "field": name, "message": message}]
    return Reply(422, {"message": "Validation Failed", "errors": errors})


def _repository(github: FakeGitHub, _: Seen) -> Reply:
    owner, name = github.project.split("/")
    return Reply(
        200,
        {
            "id": 1296269,
            "name": name,
            "full_name": github.project,
            "owner": user(owner),
            "private": False,
            "default_branch": github.default_branch,
            "html_url": f"https://github.example/{github.project}",
        },
    )


def _contents(github: FakeGitHub, seen: Seen, path: str) -> Reply:
    if seen.query.get("ref", github.default_branch) != github.default_branch:
        return missing()
    file = github.repo.files.get(path)
    return Reply(200, file) if file is not None else missing()


def _list_issues(github: FakeGitHub, seen: Seen) -> Reply:
    query = seen.query
    wanted = set(filter(None, query.get("labels", "").split(",")))
    found = [
        issue
        for issue in github.repo.issues.values()
        if query.get("state", "open") in {"all", issue["state"]}
        and wanted <= {label["name"] for label in issue["labels"]}
    ]
    key = "updated_at" if query.get("sort") == "updated" else "created_at"
    found.sort(key=lambda issue: (issue[key], issue["number"]), reverse=query.get("direction", "desc") == "desc")
    return github.page(seen, found)


def _create_issue(github: FakeGitHub, seen: Seen) -> Reply:
    if not github.issues_enabled:
        return Reply(410, {"message": "Issues has been disabled in this repository."})
    sent = seen.json
    if not sent.get("title"):
        return _invalid("title", "title can't be blank")
    if len(sent["title"]) > 256:
        return _invalid("title", "title is too long (maximum is 256 characters)")
    if len(sent.get("body", "")) > 65536:
        return _invalid("body", "body is too long (maximum is 65536 characters)")
    fields = {"labels": sent.get("labels", [])}
    issue = github.new_issue(sent["title"], sent.get("body", ""), github.writer, github.writer_association, fields)
    return Reply(201, issue)


def _show_issue(github: FakeGitHub, _: Seen, number: str) -> Reply:
    issue = github.repo.issues.get(int(number))
    return Reply(200, issue) if issue else missing()


def _update_issue(github: FakeGitHub, seen: Seen, number: str) -> Reply:
    issue = github.repo.issues.get(int(number))
    if issue is None:
        return missing()
    sent = dict(seen.json)
    if "labels" in sent:
        sent["labels"] = [{"name": name} for name in sent["labels"]]
    issue.update(sent)
    return Reply(200, issue)


def _list_comments(github: FakeGitHub, seen: Seen, number: str) -> Reply:
    if int(number) not in github.repo.issues:
        return missing()
    return github.page(seen, github.comments(int(number)))


def _create_comment(github: FakeGitHub, seen: Seen, number: str) -> Reply:
    if int(number) not in github.repo.issues:
        return missing()
    body = seen.json["body"]
    if len(body) > 65536:
        return _invalid("body", "body is too long (maximum is 65536 characters)")
    return Reply(201, github.new_comment(int(number), body, github.writer, github.writer_association))


def _show_comment(github: FakeGitHub, _: Seen, identity: str) -> Reply:
    comment = github.repo.comments.get(int(identity))
    return Reply(200, comment) if comment else missing()


def _update_comment(github: FakeGitHub, seen: Seen, identity: str) -> Reply:
    comment = github.repo.comments.get(int(identity))
    if comment is None:
        return missing()
    comment["body"] = seen.json["body"]
    return Reply(200, comment)


def _delete_comment(github: FakeGitHub, _: Seen, identity: str) -> Reply:
    return Reply(204) if github.repo.comments.pop(int(identity), None) else missing()


def _add_labels(github: FakeGitHub, seen: Seen, number: str) -> Reply:
    issue = github.repo.issues.get(int(number))
    if issue is None:
        return missing()
    if any(len(name) > 50 for name in seen.json["labels"]):
        return _invalid("name", "name is too long (maximum is 50 characters)")
    known = {label["name"].lower() for label in issue["labels"]}
    issue["labels"] += [{"name": name} for name in seen.json["labels"] if name.lower() not in known]
    return Reply(200, issue["labels"])


def _remove_label(github: FakeGitHub, _: Seen, number: str, name: str) -> Reply:
    labels = github.repo.issues[int(number)]["labels"]
    kept = [label for label in labels if label["name"].lower() != name.lower()]
    if len(kept) == len(labels):
        return Reply(404, {"message": "Label does not exist"})
    github.repo.issues[int(number)]["labels"] = kept
    return Reply(200, kept)


def _assign(github: FakeGitHub, seen: Seen, number: str) -> Reply:
    issue = github.repo.issues.get(int(number))
    if issue is None:
        return missing()
    known = {one["login"] for one in issue["assignees"]}
    can = [login for login in seen.json["assignees"] if login in github.collaborators and login not in known]
    issue["assignees"] += [user(login) for login in can]
    return Reply(201, issue)


def _request_review(github: FakeGitHub, seen: Seen, number: str) -> Reply:
    issue, sent = github.repo.issues[int(number)], seen.json
    people, teams = sent.get("reviewers", []), sent.get("team_reviewers", [])
    if issue["user"]["login"] in people:
        return Reply(422, {"message": "Review cannot be requested from pull request author."})
    known = {slug.rpartition("/")[2] for slug in github.teams}
    if not set(people) <= github.collaborators or not set(teams) <= known:
        return Reply(422, {"message": "Reviews may only be requested from collaborators."})
    issue["requested_reviewers"] += [user(login) for login in people]
    issue["requested_teams"] += [{"slug": slug} for slug in teams]
    return Reply(201, issue)


def _show_pull(github: FakeGitHub, _: Seen, number: str) -> Reply:
    issue = github.repo.issues.get(int(number))
    if issue is None or "pull_request" not in issue:
        return missing()
    repo = {"full_name": github.project}
    branches = {"base": {"ref": "main", "repo": repo}, "head": {"ref": "topic", "sha": "c0ffee", "repo": repo}}
    return Reply(200, {"additions": 3, "deletions": 1, "merged": False, **branches, **issue})


def _pull_files(github: FakeGitHub, seen: Seen, number: str) -> Reply:
    return github.page(seen, github.repo.changed.get(number, []))


def _reviews(github: FakeGitHub, seen: Seen, number: str) -> Reply:
    return github.page(seen, github.repo.reviews.get(int(number), []))


def _compare(github: FakeGitHub, _: Seen, commits: str) -> Reply:
    files = github.repo.changed.get(commits)
    return missing() if files is None else Reply(200, {"status": "ahead", "files": files[:300]})


def _team(github: FakeGitHub, _: Seen, organisation: str, slug: str) -> Reply:
    known = github.teams_visible and f"{organisation}/{slug}" in github.teams
    return Reply(200, {"slug": slug, "name": slug}) if known else missing()


def _membership(github: FakeGitHub, _: Seen, organisation: str, slug: str, login: str) -> Reply:
    members = github.teams.get(f"{organisation}/{slug}", set()) if github.teams_visible else set()
    return Reply(200, {"state": "active", "role": "member"}) if login in members else missing()


def _graphql(github: FakeGitHub, seen: Seen) -> Reply:
    if "states: CLOSED" in seen.json["query"]:
        return _closed_issues(github, seen)
    found = github.discussions.get(seen.json["variables"]["number"])
    if found is None:
        return Reply(200, {"data": {"repository": {"discussion": None}}, "errors": [{"type": "NOT_FOUND"}]})
    return Reply(200, {"data": {"repository": {"discussion": found}}})


def _closed_issues(github: FakeGitHub, seen: Seen) -> Reply:
    """Pages of closed issues, the one opened last first; a cursor is the number of issues before it."""
    query, asked = seen.json["query"], seen.json["variables"]
    if f"{asked['owner']}/{asked['name']}" != github.project:
        return Reply(200, {"data": {"repository": None}, "errors": [{"type": "NOT_FOUND", "path": ["repository"]}]})
    if "issueType" in query and not github.issue_types:
        field = {"code": "undefinedField", "typeName": "Issue", "fieldName": "issueType"}
        return Reply(
            200, {"errors": [{"extensions": field, "message": "Field 'issueType' doesn't exist on type 'Issue'"}]}
        )
    every = reversed(github.repo.issues.values())
    closed = [issue for issue in every if issue["state"] == "closed" and "pull_request" not in issue]
    start = int(asked.get("after") or 0)
    end = start + asked["size"]
    page = {"hasNextPage": end < len(closed), "endCursor": str(end)}
    issues = {"pageInfo": page, "nodes": [_as_graphql(issue, query) for issue in closed[start:end]]}
    return Reply(200, {"data": {"repository": {"issues": issues}}})


def _as_graphql(issue: Mapping[str, Any], query: str) -> dict[str, Any]:
    writer = issue["user"]
    typed = {"issueType": issue.get("type")} if "issueType" in query else {}
    return {
        **typed,
        "title": issue["title"],
        "body": issue["body"],
        "closedAt": issue.get("closed_at"),
        "label_list": {"nodes": issue["labels"]},
        "user": {"login": writer["login"], "type": writer["type"]} if writer else None,
        "author_association": issue["author_association"],
    }


def _shown(github: FakeGitHub, seen: Seen, place: str) -> Reply:
    found = github.repo.shown.get(place)
    if isinstance(found, list):
        return github.page(seen, found)
    return missing() if found is None else Reply(200, found)


_ISSUES = "issues: read or pull-requests: read"
_WRITE = "issues: write or pull-requests: write"
ROUTES: tuple[tuple[str, str, str, Callable[..., Reply]], ...] = (
    ("GET", "{repo}", "", _repository),
    ("GET", "{repo}/contents/(.+)", "contents: read", _contents),
    ("GET", "{repo}/issues", "issues: read", _list_issues),
    ("POST", "{repo}/issues", "issues: write", _create_issue),
    ("GET", r"{repo}/issues/(\d+)", "issues: read", _show_issue),
    ("PATCH", r"{repo}/issues/(\d+)", "issues: write", _update_issue),
    ("GET", r"{repo}/issues/(\d+)/comments", _ISSUES, _list_comments),
    ("POST", r"{repo}/issues/(\d+)/comments", _WRITE, _create_comment),
    ("GET", r"{repo}/issues/comments/(\d+)", _ISSUES, _show_comment),
    ("PATCH", r"{repo}/issues/comments/(\d+)", _WRITE, _update_comment),
    ("DELETE", r"{repo}/issues/comments/(\d+)", _WRITE, _delete_comment),
    ("POST", r"{repo}/issues/(\d+)/labels", _WRITE, _add_labels),
    ("DELETE", r"{repo}/issues/(\d+)/labels/([^/]+)", _WRITE, _remove_label),
    ("POST", r"{repo}/issues/(\d+)/assignees", _WRITE, _assign),
    ("GET", r"{repo}/pulls/(\d+)", "pull-requests: read", _show_pull),
    ("GET", r"{repo}/pulls/(\d+)/files", "pull-requests: read", _pull_files),
    ("GET", r"{repo}/pulls/(\d+)/reviews", "pull-requests: read", _reviews),
    ("POST", r"{repo}/pulls/(\d+)/requested_reviewers", "pull-requests: write", _request_review),
    ("GET", r"{repo}/compare/(.+)", "contents: read", _compare),
    ("GET", "/orgs/([^/]+)/teams/([^/]+)", "members: read", _team),
    ("GET", "/orgs/([^/]+)/teams/([^/]+)/memberships/([^/]+)", "members: read", _membership),
    ("POST", "/graphql", "", _graphql),
    ("GET", "{repo}/(.+)", "", _shown),
)
