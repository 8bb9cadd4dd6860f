"""GitHub's events about what people talk about: issues, pull requests, discussions, labels, milestones."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ai_crm.model.event import Event, FieldChange, Remark
from ai_crm.model.item import Item
from ai_crm.platforms.github import items
from ai_crm.platforms.github.delivery import Delivery, edits
from ai_crm.platforms.github.payload import Value


def issues(it: Delivery) -> Event:
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#issues"""
    item = items.issue(it.project, it.payload["issue"])
    if it.action in {"deleted", "transferred"}:
        item = items.dropped(item)
    return it.tell(item, *_changed(it, item))


def issue_comment(it: Delivery) -> Event:
    """GitHub sends this for pull requests too; there it is called `pull_request_comment`, so that rules for issues
    need not look what they got.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#issue_comment
    """
    issue = it.payload["issue"]
    remark = _comment(it)
    changed = edits(it, ("body", "comment", remark.body))
    if issue["pull_request"].exists:
        item = items.pull_request_as_issue(it.project, issue)
        return it.tell(item, *changed, names=(f"pull_request_comment.{it.action}",), remark=remark)
    return it.tell(items.issue(it.project, issue), *changed, remark=remark)


def pull_request(it: Delivery) -> Event:
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request"""
    pull = it.payload["pull_request"]
    item = items.pull_request(it.project, pull)
    merged = it.action == "closed" and pull["merged"].flag()
    return it.tell(item, *_changed(it, item), names=it.also("merged" if merged else ""))


def pull_request_review(it: Delivery) -> Event:
    """A review that carries no words of its own is `commented` as well.

    https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request_review
    """
    review = it.payload["review"]
    verdict = review["state"].name_or("").lower()
    remark = Remark(
        author=items.author(review),
        body=review["body"].text_or(""),
        url=review["html_url"].link(),
        verdict=verdict,
    )
    decided = verdict if it.action == "submitted" and verdict in {"approved", "changes_requested"} else ""
    item = _heard(items.pull_request(it.project, it.payload["pull_request"]), remark)
    return it.tell(item, *edits(it, ("body", "comment", remark.body)), names=it.also(decided), remark=remark)


def pull_request_review_comment(it: Delivery) -> Event:
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request_review_comment"""
    remark = _comment(it)
    item = _heard(items.pull_request(it.project, it.payload["pull_request"]), remark)
    return it.tell(item, *edits(it, ("body", "comment", remark.body)), remark=remark)


def pull_request_review_thread(it: Delivery) -> Event:
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request_review_thread"""
    return it.tell(items.pull_request(it.project, it.payload["pull_request"]))


def discussion(it: Delivery) -> Event:
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#discussion"""
    item = items.discussion(it.project, it.payload["discussion"])
    if it.action in {"deleted", "transferred"}:
        item = items.dropped(item)
    moved = it.payload["changes"]["category"]
    was = moved["from"]["name"].name_or("")
    category = (FieldChange("category", before=was, after=item.facts["category"]),) if moved.exists else ()
    return it.tell(item, *_changed(it, item), *category)


def discussion_comment(it: Delivery) -> Event:
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#discussion_comment"""
    remark = _comment(it)
    item = items.discussion(it.project, it.payload["discussion"])
    return it.tell(item, *edits(it, ("body", "comment", remark.body)), remark=remark)


def label(it: Delivery) -> Event:
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#label"""
    item = items.label(it.project, it.payload["label"])
    changed = edits(
        it,
        ("name", "title", item.title),
        ("color", "color", item.facts["color"]),
        ("description", "body", item.body),
    )
    return it.tell(_unless_deleted(it, item), *changed)


def milestone(it: Delivery) -> Event:
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#milestone"""
    item = items.milestone(it.project, it.payload["milestone"])
    changed = edits(
        it,
        ("title", "title", item.title),
        ("description", "body", item.body),
        ("due_on", "due_on", item.facts["due_on"]),
    )
    return it.tell(_unless_deleted(it, item), *changed)


def _comment(it: Delivery) -> Remark:
    comment = it.payload["comment"].required()
    return Remark(author=items.author(comment), body=comment["body"].text_or(""), url=comment["html_url"].link())


def _heard(item: Item, remark: Remark) -> Item:
    """Who reviewed need not be asked any more, although GitHub takes them off the list of who was asked."""
    known = item.reviewers or ()
    login = remark.author.login
    if item.author is None or login == item.author.login or login in known:
        return item
    return msgspec.structs.replace(item, reviewers=(*known, login))


def _unless_deleted(it: Delivery, item: Item) -> Item:
    return items.dropped(item) if it.action == "deleted" else item


def _changed(it: Delivery, item: Item) -> tuple[FieldChange, ...]:
    """What an action says that it changed; GitHub tells one label, one assignee, one reviewer at a time."""
    if it.action == "edited":
        base = it.payload["changes"]["base"]
        moved = (FieldChange("base", before=base["ref"]["from"].name_or(""), after=item.base),) if base.exists else ()
        return (*edits(it, ("title", "title", item.title), ("body", "body", item.body)), *moved)
    found = _ONE_AT_A_TIME.get(it.action)
    if found is None:
        return ()
    field, word, added = found
    value = word(it)
    if not value:
        return ()
    return (FieldChange(field, after=value) if added else FieldChange(field, before=value),)


def _name_of(key: str, name: str) -> Callable[[Delivery], str]:
    return lambda it: it.payload[key][name].name_or("")


def _asked(it: Delivery) -> str:
    """A person, or a team as `org/team`: teams that can be asked belong to the owner of the repository."""
    person: Value = it.payload["requested_reviewer"]
    team = it.payload["requested_team"]["slug"].name_or("")
    return person["login"].name_or("") or (f"{it.project.name.partition('/')[0]}/{team}" if team else "")


_label = _name_of("label", "name")
_assignee = _name_of("assignee", "login")
_milestone = _name_of("milestone", "title")
_type = _name_of("type", "name")

# action -> the field, where its value stands, and whether the value came or went
_ONE_AT_A_TIME: dict[str, tuple[str, Callable[[Delivery], str], bool]] = {
    "labeled": ("labels", _label, True),
    "unlabeled": ("labels", _label, False),
    "assigned": ("assignees", _assignee, True),
    "unassigned": ("assignees", _assignee, False),
    "milestoned": ("milestone", _milestone, True),
    "demilestoned": ("milestone", _milestone, False),
    "typed": ("type", _type, True),
    "untyped": ("type", _type, False),
    "review_requested": ("reviewers", _asked, True),
    "review_request_removed": ("reviewers", _asked, False),
}
