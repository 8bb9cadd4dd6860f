"""How people come to an item: assigned to it, or asked to review it; never twice, and never the author as reviewer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ai_crm.model.change import Assign, RequestReview
from ai_crm.model.decision import Skip
from ai_crm.model.item import Item
from ai_crm.rules.effects.planning import because, key, skip
from ai_crm.rules.rule import Scene


def assign(scene: Scene, action: str, position: int, people: tuple[str, ...]) -> Iterator[Assign | Skip]:
    """Assigns those who are not assigned yet. Teams cannot be assigned: each is a Skip."""
    for team in filter(_is_team, people):
        yield skip(scene, action, f"{team} is a team, and only people can be assigned: name the people")
    missing = _without(scene.item.assignees, (login for login in people if not _is_team(login)))
    if missing:
        yield Assign(
            key=key(scene, action, position),
            rule=scene.rule,
            item=scene.item.ref,
            because=because(scene, "assigns people"),
            people=missing,
        )


def ask(
    scene: Scene, action: str, position: int, people: tuple[str, ...], reason: str
) -> Iterator[RequestReview | Skip]:
    """Asks those for a review who were not asked yet; `people` may hold teams."""
    author = scene.item.author.login if scene.item.author else ""
    others = _without((author,), people)
    if people and not others:
        yield skip(
            scene, action, f"{author} is the author and cannot review their own pull request: name somebody else"
        )
    missing = _without(scene.item.reviewers or (), others)
    if missing:
        yield RequestReview(
            key=key(scene, action, position),
            rule=scene.rule,
            item=scene.item.ref,
            because=because(scene, reason),
            people=tuple(login for login in missing if not _is_team(login)),
            teams=tuple(filter(_is_team, missing)),
        )


def but_the_author(people: tuple[str, ...], item: Item) -> tuple[str, ...]:
    """GitHub refuses a request for a review to the author of the pull request."""
    return _without((item.author.login,) if item.author else (), people)


def assignees_after(item: Item, people: Iterable[str]) -> tuple[str, ...]:
    """Who is on it once these people are: those who are already come first."""
    return (*item.assignees, *_without(item.assignees, people))


def _is_team(name: str) -> bool:
    return "/" in name


def _without(known: Iterable[str], names: Iterable[str]) -> tuple[str, ...]:
    """Logins are the same in any case."""
    seen = {name.casefold() for name in known}
    return tuple(name for name in dict.fromkeys(names) if name.casefold() not in seen)
