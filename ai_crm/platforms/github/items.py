"""How GitHub's people, repositories and what people talk about there (issues, pull requests, discussions) become ours.

The same objects come in webhooks and in answers of the REST API, so both are read here.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from ai_crm.cards.state import has_mark
from ai_crm.model.item import Item, ItemKind, ItemRef, ItemState, Person, PlatformName, Project
from ai_crm.platforms.github.payload import Value

# GitHub's word for what somebody is to a repository; the other words belong to people who cannot write to it.
# https://docs.github.com/en/graphql/reference/enums#commentauthorassociation
_TRUSTED = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})
NOT_PLANNED = frozenset({"not_planned", "duplicate", "outdated"})


def project(repository: Value) -> Project:
    return Project(
        name=repository["full_name"].name(),
        url=repository["html_url"].link(),
        default_branch=repository["default_branch"].name_or(""),
        private=repository["private"].flag(),
    )


def person(user: Value, association: Value | None = None) -> Person:
    """GitHub shows the work of deleted accounts without a user; its pages call them `ghost`, and so do we."""
    login = user["login"].name_or("ghost")
    is_bot = user["type"].name_or("") == "Bot" or login.endswith("[bot]")
    return Person(login, is_bot, association is not None and association.name_or("") in _TRUSTED)


def author(thing: Value) -> Person:
    return person(thing["user"], thing["author_association"])


def is_own(text: str, author: Person | None) -> bool:
    """Whether we wrote this text: our mark in its first line, and an author whose marks count.

    A stranger can paste our mark anywhere, and a colleague can quote it further down.
    """
    by_us = author is not None and (author.is_bot or author.trusted)
    return by_us and has_mark(text.partition("\n")[0])


def reference(where: Project, kind: ItemKind, identity: str) -> ItemRef:
    return ItemRef(PlatformName.GITHUB, where.name, kind, identity)


def dropped(item: Item) -> Item:
    """The item as it is once it was deleted or moved away."""
    return msgspec.structs.replace(item, state=ItemState.DROPPED)


def labels(thing: Value) -> tuple[str, ...]:
    return tuple(label["name"].name() for label in thing["labels"].each())


def logins(people: Value) -> tuple[str, ...]:
    return tuple(person(user).login for user in people.each())


def issue(where: Project, issue: Value) -> Item:
    """https://docs.github.com/en/rest/issues/issues#get-an-issue"""
    return _thread(
        where,
        ItemKind.ISSUE,
        issue,
        state=_state(issue),
        facts={"type": issue["type"]["name"].name_or(""), "state_reason": issue["state_reason"].name_or("")},
    )


def pull_request(where: Project, pull: Value) -> Item:
    """https://docs.github.com/en/rest/pulls/pulls#get-a-pull-request"""
    head_repo = pull["head"]["repo"]["full_name"].name_or("")  # absent once the fork was deleted
    base_repo = pull["base"]["repo"]["full_name"].name_or(where.name)
    item = _thread(
        where,
        ItemKind.PULL_REQUEST,
        pull,
        state=_pull_state(pull, merged=pull["merged"].flag() or pull["merged_at"].exists),
        facts={
            "fork": _word(head_repo != base_repo),
            "head_repo": head_repo,
            "head_sha": pull["head"]["sha"].name_or(""),
        },
    )
    return msgspec.structs.replace(
        item,
        base=pull["base"]["ref"].name(),
        head=pull["head"]["ref"].name(),
        lines_changed=_lines_changed(pull),
        reviewers=_reviewers(where, pull),
    )


def pull_request_as_issue(where: Project, issue: Value) -> Item:
    """A pull request as its comments show it: the issue half only, without branches and without commits."""
    return _thread(
        where,
        ItemKind.PULL_REQUEST,
        issue,
        state=_pull_state(issue, merged=issue["pull_request"]["merged_at"].exists),
        facts={"fork": "", "head_repo": "", "head_sha": ""},
    )


def discussion(where: Project, discussion: Value) -> Item:
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#discussion"""
    answered = discussion["answer_html_url"].exists and _state(discussion) is ItemState.OPEN
    return _thread(
        where,
        ItemKind.DISCUSSION,
        discussion,
        state=ItemState.DONE if answered else _state(discussion),
        facts={"category": discussion["category"]["name"].name_or("")},
    )


def _thread(where: Project, kind: ItemKind, thread: Value, *, state: ItemState, facts: Mapping[str, str]) -> Item:
    return Item(
        ref=reference(where, kind, str(thread["number"].number())),
        title=thread["title"].text(),
        url=thread["html_url"].link(),
        body=thread["body"].text_or(""),
        state=state,
        author=author(thread),
        labels=labels(thread),
        assignees=logins(thread["assignees"]),
        milestone=thread["milestone"]["title"].name() if thread["milestone"].exists else None,
        draft=thread["draft"].flag(),
        comments=thread["comments"].number() if thread["comments"].exists else None,
        votes=thread["reactions"]["+1"].number() if thread["reactions"]["+1"].exists else None,
        created_at=thread["created_at"].time(),
        updated_at=thread["updated_at"].time(),
        facts=facts,
    )


def _state(thread: Value) -> ItemState:
    if thread["state"].name_or("open") != "closed":
        return ItemState.OPEN
    return ItemState.DROPPED if thread["state_reason"].name_or("") in NOT_PLANNED else ItemState.DONE


def _pull_state(pull: Value, *, merged: bool) -> ItemState:
    if merged:
        return ItemState.MERGED
    return ItemState.DROPPED if pull["state"].name_or("open") == "closed" else ItemState.OPEN


def _lines_changed(pull: Value) -> int | None:
    """None in lists and in events about reviews, which do not count lines."""
    if not pull["additions"].exists or not pull["deletions"].exists:
        return None
    return pull["additions"].number() + pull["deletions"].number()


def _reviewers(where: Project, pull: Value) -> tuple[str, ...]:
    owner = where.name.partition("/")[0]
    teams = tuple(f"{owner}/{team['slug'].name()}" for team in pull["requested_teams"].each())
    return (*logins(pull["requested_reviewers"]), *teams)


def label(where: Project, label: Value) -> Item:
    """https://docs.github.com/en/rest/issues/labels#get-a-label"""
    name, description = label["name"].name(), label["description"].text_or("")
    return Item(
        ref=reference(where, ItemKind.LABEL, str(label["id"].number())),
        title=name,
        url=f"{where.url}/labels" if where.url else "",
        body=description,
        facts={"name": name, "color": label["color"].name_or(""), "description": description},
    )


def milestone(where: Project, milestone: Value) -> Item:
    """https://docs.github.com/en/rest/issues/milestones#get-a-milestone"""
    description = milestone["description"].text_or("")
    return Item(
        ref=reference(where, ItemKind.MILESTONE, str(milestone["number"].number())),
        title=milestone["title"].text(),
        url=milestone["html_url"].link(),
        body=description,
        state=_state(milestone),
        author=person(milestone["creator"]),
        created_at=milestone["created_at"].time(),
        updated_at=milestone["updated_at"].time(),
        facts={"description": description, "due_on": milestone["due_on"].name_or("")},
    )


def repository(repository: Value) -> Item:
    """https://docs.github.com/en/rest/repos/repos#get-a-repository"""
    where = project(repository)
    description = repository["description"].text_or("")
    return Item(
        ref=reference(where, ItemKind.REPOSITORY, str(repository["id"].number())),
        title=where.name,
        url=where.url,
        body=description,
        state=ItemState.DONE if repository["archived"].flag() else ItemState.OPEN,
        author=person(repository["owner"]),
        created_at=repository["created_at"].time(),
        updated_at=repository["updated_at"].time(),
        facts={
            "name": repository["name"].name(),
            "description": description,
            "visibility": repository["visibility"].name_or("private" if where.private else "public"),
            "language": repository["language"].name_or(""),
        },
    )


def _word(truth: bool) -> str:  # noqa: FBT001 - the one thing it says in words
    return "true" if truth else "false"
