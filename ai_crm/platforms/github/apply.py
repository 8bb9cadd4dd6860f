"""How each change is carried out on GitHub so that twice is the same as once."""

from __future__ import annotations

from collections.abc import Callable
from typing import assert_never

from ai_crm.cards.state import key_mark
from ai_crm.errors import ChangeRefused, ItemMissing, Unsupported
from ai_crm.model.change import (
    AddLabels,
    Applied,
    Assign,
    CallWebhook,
    Comment,
    CreateItem,
    Notify,
    OutboundChange,
    Outcome,
    RemoveLabels,
    RequestReview,
    ShowCard,
)
from ai_crm.model.item import ItemKind
from ai_crm.platforms.github import encode, reader
from ai_crm.platforms.github.answers import Asked
from ai_crm.platforms.github.card import Cards
from ai_crm.platforms.github.items import logins
from ai_crm.platforms.github.session import Session, to_write


def apply(change: OutboundChange, session: Session, cards: Cards) -> Applied:
    """Blocks. Raises UpstreamError, and Unsupported for what GitHub cannot do with this item."""
    match change:
        case ShowCard():
            return cards.show(change)
        case Comment():
            return _comment(change, session, cards)
        case AddLabels():
            return _add_labels(change, session, cards)
        case RemoveLabels():
            return _remove_labels(change, session, cards)
        case Assign():
            return _assign(change, session, cards)
        case RequestReview():
            return _request_review(change, session)
        case CreateItem():
            return _create_item(change, session)
        case Notify():
            raise Unsupported("GitHub has no messages to people", where=str(change.item))
        case CallWebhook():
            raise Unsupported("a webhook does not go through GitHub", where=str(change.item))
        case _:
            assert_never(change)


def _comment(change: Comment, session: Session, cards: Cards) -> Applied:
    thread, mark = cards.thread(change.item), key_mark(change.key)
    found = session.comments(thread).first(_carries(mark))
    if found:
        return Applied(key=change.key, outcome=Outcome.ALREADY, where=found.id, url=found.url)
    body = f"{mark}\n{change.text.filled(None)}"
    answer = session.send(encode.create_comment(thread.project, thread.id, body), to_write(thread, "comment"))
    written = reader.read_comment(answer)
    return Applied(key=change.key, outcome=Outcome.DONE, where=written.id, url=written.url)


def _carries(mark: str) -> Callable[[reader.Comment], bool]:
    return lambda comment: comment.is_ours and comment.first_line == mark


def _add_labels(change: AddLabels, session: Session, cards: Cards) -> Applied:
    """GitHub creates labels that do not exist yet, and adding one twice changes nothing."""
    thread = cards.thread(change.item)
    session.send(encode.add_labels(thread.project, thread.id, change.labels), to_write(thread, "add labels"))
    return Applied(key=change.key, outcome=Outcome.DONE)


def _remove_labels(change: RemoveLabels, session: Session, cards: Cards) -> Applied:
    thread = cards.thread(change.item)
    asked = to_write(thread, "take off a label")
    removed = 0
    for label in change.labels:
        try:
            session.send(encode.remove_label(thread.project, thread.id, label), asked)
            removed += 1
        except ItemMissing:  # it was gone already
            continue
    return Applied(key=change.key, outcome=Outcome.DONE if removed else Outcome.ALREADY)


def _assign(change: Assign, session: Session, cards: Cards) -> Applied:
    """GitHub leaves people out whom it does not assign, and says nothing: who is missing afterwards was refused.

    https://docs.github.com/en/rest/issues/assignees#add-assignees-to-an-issue
    """
    thread = cards.thread(change.item)
    asked = to_write(thread, "assign")
    assigned: set[str] = set()

    def ask(people: tuple[str, ...]) -> None:
        answer = session.send(encode.assign(thread.project, thread.id, people), asked)
        assigned.update(login.lower() for login in logins(answer["assignees"]))

    _all_or_each(ask, change.people[: encode.MOST_ASSIGNEES])
    refused = tuple(login for login in change.people if login.lower() not in assigned)
    if refused == change.people:
        raise ChangeRefused(
            f"GitHub assigned none of {', '.join(refused)}",
            where=asked.where,
            hint="Only people with access to the repository, or who commented, can be assigned",
        )
    detail = f"not assigned by GitHub: {', '.join(refused)}" if refused else ""
    return Applied(key=change.key, outcome=Outcome.DONE, detail=detail)


def _request_review(change: RequestReview, session: Session) -> Applied:
    """One person who cannot be asked, such as the author, makes GitHub refuse all: then each is asked alone.

    https://docs.github.com/en/rest/pulls/review-requests#request-reviewers-for-a-pull-request
    """
    item, everybody = change.item, (*change.people, *change.teams)
    if item.kind is not ItemKind.PULL_REQUEST:
        raise Unsupported("only pull requests can be reviewed", where=str(item), hint="Assign the people instead")
    asked = to_write(item, "ask for a review")

    def ask(names: tuple[str, ...]) -> None:
        people = tuple(name for name in names if name in change.people)
        teams = tuple(name for name in names if name in change.teams)
        session.send(encode.request_review(item.project, item.id, people, teams), asked)

    refused = _all_or_each(ask, everybody)
    if refused == everybody:
        raise ChangeRefused(
            f"GitHub refused a review by any of {', '.join(refused)}",
            where=asked.where,
            hint="Only collaborators can be asked, and never the author",
        )
    detail = f"refused by GitHub: {', '.join(refused)}" if refused else ""
    return Applied(key=change.key, outcome=Outcome.DONE, detail=detail)


def _all_or_each(ask: Callable[[tuple[str, ...]], None], names: tuple[str, ...]) -> tuple[str, ...]:
    """Asks for all at once and, when GitHub refuses, for each alone. Who was refused; raises for a single one."""
    try:
        ask(names)
    except ChangeRefused:
        if len(names) < 2:
            raise
        return tuple(name for name in names if not _is_taken(ask, name))
    return ()


def _is_taken(ask: Callable[[tuple[str, ...]], None], name: str) -> bool:
    try:
        ask((name,))
    except ChangeRefused:
        return False
    return True


def _create_item(change: CreateItem, session: Session) -> Applied:
    project, mark = change.project.name, key_mark(change.key)
    for page in session.read.issues_labelled(project, ""):
        found = next(filter(_carries(mark), page), None)
        if found:
            return Applied(key=change.key, outcome=Outcome.ALREADY, where=found.id, url=found.url)
    body = f"{mark}\n{change.body.filled(None)}"
    request = encode.create_issue(project, change.title.filled(None), body, change.labels)
    opened = reader.read_issue(session.send(request, Asked("open an issue", project, "issues: write")))
    return Applied(key=change.key, outcome=Outcome.DONE, where=opened.id, url=opened.url)
