"""What is looked up on GitHub beside single items: rules, changed files, teams, comments, our cards, silent issues."""

from __future__ import annotations

import binascii
from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from ai_crm.errors import AnswerUnintelligible, CredentialsRefused, ItemMissing, Problem, RulesInvalid
from ai_crm.model.item import Item, Person
from ai_crm.platforms.github import items
from ai_crm.platforms.github.answers import Asked
from ai_crm.platforms.github.api import Api
from ai_crm.platforms.github.encode import repository, segment
from ai_crm.platforms.github.payload import Value
from ai_crm.ports import RulesText

_FILE_PAGES = 30
_MOST_OF_PULL_REQUEST = 3000  # GitHub lists no more changed files than these
_MOST_OF_COMPARISON = 300
_THREAD_PAGES = 10
_NEWEST_PAGES = 2
_CARD_PAGES = 10
_RECENT_PAGES = 3
_SILENT_PAGES = 10
_LFS = b"version https://git-lfs.github.com/spec/"


class Comment(Struct, frozen=True):
    """A comment, or an issue that is read like one. `body` is exactly what GitHub has."""

    id: str
    body: str
    url: str
    author: Person
    labels: tuple[str, ...] = ()

    @property
    def first_line(self) -> str:
        return self.body.partition("\n")[0].rstrip()

    @property
    def is_ours(self) -> bool:
        """Whether this is written by somebody whose marks count: strangers can paste them."""
        return self.author.is_bot or self.author.trusted


class _Limit(Struct, frozen=True):
    """The most bytes that a file may have, and what to do about one that has more."""

    bytes: int
    spoken: str
    hint: str


_RULES = _Limit(64 * 1024, "64 KiB", "Rules that long cannot be read by people either: split them up")
# The most that GitHub sends together with what kind of file it is.
# https://docs.github.com/en/rest/repos/contents#get-repository-content (2026-11)
_LEARNED = _Limit(1_000_000, "1 MB", "Learn it from fewer issues: `ai-crm analysis learn --limit`")


class ChangedFiles(Struct, frozen=True):
    """The paths that a change touches, the old ones of renamed files too. `cut` when there may be more of them."""

    paths: tuple[str, ...]
    cut: bool


class Reader:
    """Everything here blocks and raises UpstreamError."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def rules(self, project: str, path: str, branch: str) -> RulesText | None:
        """The file `path` on `branch`, or on the default branch when that is not known.

        Raises RulesInvalid for what is there but is no plain file of at most 64 KiB.
        """
        try:
            return self._file(project, path, branch, _RULES)
        except ItemMissing:
            # GitHub says 404 also for what the token may not see; only a repository that it sees can lack a file.
            self._api.get_again(repository(project), Asked("see the repository", project, "contents: read"))
            return None

    def learned(self, project: str, path: str, branch: str) -> RulesText | None:
        """What the analysis learned, from where the rules were read before: that the token sees is known.

        Raises RulesInvalid for what is there but is no plain file of at most 1 MB.
        """
        try:
            return self._file(project, path, branch, _LEARNED)
        except ItemMissing:
            return None

    def _file(self, project: str, path: str, branch: str, limit: _Limit) -> RulesText:
        place = "/".join(segment(part) for part in path.strip("/").split("/"))
        ref = f"?ref={segment(branch)}" if branch else ""
        asked = Asked(f"read {path}", project, "contents: read")
        found = self._api.get_again(f"{repository(project)}/contents/{place}{ref}", asked)
        origin = f"default branch {branch}" if branch else "default branch"
        return RulesText(path, _plain_file(found, path, limit), origin)

    def changed_files(self, project: str, number: str) -> ChangedFiles:
        """What a pull request touches."""
        asked = Asked("list the changed files", f"{project}#{number}", "pull-requests: read")
        path = f"{repository(project)}/pulls/{segment(number)}/files"
        return _changed(self._api.each(path, asked, _FILE_PAGES), _MOST_OF_PULL_REQUEST)

    def pushed_files(self, project: str, before: str, after: str, default_branch: str) -> ChangedFiles:
        """What differs between two commits. A new branch is compared with the default branch."""
        base = before if before.strip("0") else default_branch or self._default_branch(project)
        asked = Asked("compare the pushed commits", project, "contents: read")
        compared = self._api.get(f"{repository(project)}/compare/{segment(base)}...{segment(after)}", asked)
        return _changed(compared["files"].each(), _MOST_OF_COMPARISON)

    def is_member(self, organisation: str, team: str, login: str) -> bool:
        """Whether somebody is an active member of a team. Raises CredentialsRefused when the token cannot see it."""
        path = f"/orgs/{segment(organisation)}/teams/{segment(team)}"
        asked = Asked(f"see who is in the team {organisation}/{team}", organisation, "members: read")
        try:
            found = self._api.get(f"{path}/memberships/{segment(login)}", asked)
            return found["state"].name_or("") == "active"
        except ItemMissing:
            self._see_team(path, asked)
            return False
        except CredentialsRefused as error:
            raise _team_unseen(asked) from error

    def _see_team(self, path: str, asked: Asked) -> None:
        """Tells "not a member" from "not allowed to know", for which GitHub has one answer."""
        try:
            self._api.get(path, asked)
        except (ItemMissing, CredentialsRefused) as error:
            raise _team_unseen(asked) from error

    def comments(self, project: str, number: str) -> Iterator[tuple[Comment, ...]]:
        """The comments of an issue or pull request, page by page, the oldest first.

        Of very long threads the first 1,000 and the newest 200: a card is written early or lately.
        """
        asked = Asked("read the comments", f"{project}#{number}", "issues: read")
        path = f"{repository(project)}/issues/{segment(number)}/comments"
        for page in self._api.pages(path, asked, _THREAD_PAGES, _NEWEST_PAGES):
            yield tuple(read_comment(comment) for comment in page.each())

    def issues_labelled(self, project: str, label: str) -> Iterator[tuple[Comment, ...]]:
        """Issues, open or closed, that carry a label (all of them for an empty one), page by page, the newest first."""
        asked = Asked("list the issues", project, "issues: read")
        wanted = f"&labels={segment(label)}" if label else ""
        path = f"{repository(project)}/issues?state=all&sort=created&direction=desc{wanted}"
        for page in self._api.pages(path, asked, _CARD_PAGES if label else _RECENT_PAGES):
            yield tuple(read_issue(issue) for issue in page.each() if not issue["pull_request"].exists)

    def comment(self, project: str, identity: str) -> Comment:
        asked = Asked("read our card again", project, "issues: read")
        return read_comment(self._api.get(f"{repository(project)}/issues/comments/{segment(identity)}", asked))

    def issue(self, project: str, number: str) -> Comment:
        asked = Asked("read our card again", f"{project}#{number}", "issues: read")
        return read_issue(self._api.get(f"{repository(project)}/issues/{segment(number)}", asked))

    def untouched(self, project: str, since: datetime, limit: int) -> tuple[Item, ...]:
        """Open issues and pull requests whose last change is older than `since`, the oldest first; not our own."""
        where = self._api.project(project)
        asked = Asked("list the open issues", project, "issues: read")
        path = f"{repository(project)}/issues?state=open&sort=updated&direction=asc"
        found: list[Item] = []
        for thread in self._api.each(path, asked, _SILENT_PAGES):
            if len(found) >= limit or (touched := thread["updated_at"].time()) is None or touched >= since:
                break
            is_pull = thread["pull_request"].exists
            item = items.pull_request_as_issue(where, thread) if is_pull else items.issue(where, thread)
            if not items.is_own(item.body, item.author):
                found.append(item)
        return tuple(found)

    def _default_branch(self, project: str) -> str:
        asked = Asked("see the repository", project, "contents: read")
        return self._api.get(repository(project), asked)["default_branch"].name()


def read_comment(comment: Value) -> Comment:
    """https://docs.github.com/en/rest/issues/comments#get-an-issue-comment"""
    return Comment(
        id=str(comment["id"].number()),
        body=comment["body"].raw() if comment["body"].exists else "",
        url=comment["html_url"].link(),
        author=items.author(comment),
    )


def read_issue(issue: Value) -> Comment:
    """An issue that may be a card of ours."""
    return Comment(
        id=str(issue["number"].number()),
        body=issue["body"].raw() if issue["body"].exists else "",
        url=issue["html_url"].link(),
        author=items.author(issue),
        labels=items.labels(issue),
    )


def _changed(files: Iterator[Value], most: int) -> ChangedFiles:
    found: dict[str, None] = {}
    listed = 0
    for listed, file in enumerate(files, 1):  # noqa: B007 - how many there were
        found[file["filename"].name()] = None
        if file["previous_filename"].exists:
            found[file["previous_filename"].name()] = None
    return ChangedFiles(tuple(found), cut=listed >= most)


def _plain_file(found: Value, path: str, limit: _Limit) -> bytes:
    """The bytes of a file. Raises RulesInvalid that says why it is none."""
    if found.is_array():
        raise _refused(path, "is a folder", "Name the file inside it")
    kind = found["type"].name()
    if kind != "file" or found["submodule_git_url"].exists:
        raise _refused(path, f"is a {kind} and not a plain file", "Put the file itself there")
    if found["size"].number() > limit.bytes:
        raise _refused(path, f"is larger than {limit.spoken}", limit.hint)
    try:
        text = binascii.a2b_base64("".join(found["content"].raw().split()), strict_mode=True)
    except ValueError as error:
        raise AnswerUnintelligible(f"GitHub's answer does not hold the text of {path}", where="GitHub") from error
    if text.startswith(_LFS):
        raise _refused(path, "is kept in Git LFS", "Exclude it in .gitattributes: a pointer is not the file")
    return text


def _refused(path: str, what: str, hint: str) -> RulesInvalid:
    return RulesInvalid((Problem(path, 0, 0, what, hint),))


def _team_unseen(asked: Asked) -> CredentialsRefused:
    return CredentialsRefused(
        f"could not {asked.what}",
        missing=asked.permission,
        where=asked.where,
        hint=(
            "A workflow's own token never can: list the members under `teams:` in the rules file, "
            "or give the step the token of an app with `members: read`"
        ),
    )
