"""Conditions about who: the author of an item, whoever caused the event, teams, assignees. Case does not matter."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from msgspec import Struct

from ai_crm.model.decision import Finding
from ai_crm.model.event import Event
from ai_crm.model.item import Item, ItemKind, Needs, Person
from ai_crm.rules.predicates.values import (
    LOGINS,
    NO_NEEDS,
    NOTHING,
    NamesOrNull,
    any_of,
    documented,
    folded,
    listed,
)
from ai_crm.rules.rule import Policy, Team
from ai_crm.rules.shapes import FLAG, TEAM, Schema, Texts
from ai_crm.rules.source import Mark, Node, Problems, did_you_mean

_ASSIGNED = frozenset({ItemKind.ISSUE, ItemKind.PULL_REQUEST})
_TEAMS = Texts(each=TEAM)
_LOGINS_OR_NOBODY = NamesOrNull(LOGINS.each)


class Author(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("author",)
    kinds: ClassVar[frozenset[ItemKind] | None] = None
    late: ClassVar[tuple[str, ...]] = ()
    schema: ClassVar[Schema] = documented(
        LOGINS.schema, "Was opened by one of these people.", "octocat", ["dependabot[bot]", "renovate[bot]"]
    )

    logins: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> Author:
        return cls(LOGINS.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        wanted = any_of(self.logins)
        if item.author is None:
            return _no_author(self.keys[0], wanted)
        satisfied = not folded((item.author.login,)).isdisjoint(folded(self.logins))
        return Finding(condition=self.keys[0], satisfied=satisfied, wanted=wanted, seen=f"author: {item.author.login}")


class NotAuthor(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("not_author",)
    kinds: ClassVar[frozenset[ItemKind] | None] = None
    late: ClassVar[tuple[str, ...]] = ()
    schema: ClassVar[Schema] = documented(LOGINS.schema, "Was opened by none of these people.", ["dependabot[bot]"])

    logins: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> NotAuthor:
        return cls(LOGINS.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        wanted = f"none of {listed(self.logins)}"
        if item.author is None:
            return _no_author(self.keys[0], wanted)
        satisfied = folded((item.author.login,)).isdisjoint(folded(self.logins))
        return Finding(condition=self.keys[0], satisfied=satisfied, wanted=wanted, seen=f"author: {item.author.login}")


class AuthorIsBot(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("author_is_bot",)
    kinds: ClassVar[frozenset[ItemKind] | None] = None
    late: ClassVar[tuple[str, ...]] = ()
    schema: ClassVar[Schema] = documented(FLAG.schema, "Was opened by a bot, or by a person.", False)

    expected: bool

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> AuthorIsBot:
        return cls(FLAG.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        wanted = _bot_or_person(self.expected)
        if item.author is None:
            return _no_author(self.keys[0], wanted)
        satisfied = item.author.is_bot is self.expected
        return Finding(condition=self.keys[0], satisfied=satisfied, wanted=wanted, seen=_person(item.author))


class Actor(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("actor",)
    kinds: ClassVar[frozenset[ItemKind] | None] = None
    late: ClassVar[tuple[str, ...]] = ()
    schema: ClassVar[Schema] = documented(LOGINS.schema, "One of these people caused the event.", "octocat")

    logins: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> Actor:
        return cls(LOGINS.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        satisfied = not folded((event.actor.login,)).isdisjoint(folded(self.logins))
        seen = f"caused by {event.actor.login}"
        return Finding(condition=self.keys[0], satisfied=satisfied, wanted=any_of(self.logins), seen=seen)


class ActorIsBot(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("actor_is_bot",)
    kinds: ClassVar[frozenset[ItemKind] | None] = None
    late: ClassVar[tuple[str, ...]] = ()
    schema: ClassVar[Schema] = documented(FLAG.schema, "A bot caused the event, or a person did.", False)

    expected: bool

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> ActorIsBot:
        return cls(FLAG.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        satisfied = event.actor.is_bot is self.expected
        wanted = _bot_or_person(self.expected)
        return Finding(condition=self.keys[0], satisfied=satisfied, wanted=wanted, seen=_person(event.actor))


class AuthorTeam(Struct, frozen=True):
    """`name` is a team of the file's own `teams:`, `org/name` one that the platform is asked about."""

    keys: ClassVar[tuple[str, ...]] = ("author_team", "team")
    kinds: ClassVar[frozenset[ItemKind] | None] = None
    late: ClassVar[tuple[str, ...]] = ()
    schema: ClassVar[Schema] = documented(
        _TEAMS.schema,
        "Was opened by a member of one of these teams: a name from `teams:`, or `org/team` of the platform.",
        "maintainers",
        ["octo-org/security"],
    )

    teams: tuple[str, ...]
    at: Mark

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> AuthorTeam:
        return cls(_TEAMS.read(node, cls.keys[0], problems), node.at)

    def needs(self) -> Needs:
        return Needs(teams=tuple(team for team in self.teams if "/" in team))

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        wanted = f"a member of {any_of(self.teams)}"
        if item.author is None:
            return _no_author(self.keys[0], wanted)
        teams = {*folded(_declared(item.author, policy)), *folded(item.author_teams or ())}
        mine = tuple(team for team in self.teams if team.casefold() in teams)
        if not mine and self.needs() and item.author_teams is None:
            seen = f"the teams of {item.author.login} were not looked up"
            return Finding(condition=self.keys[0], satisfied=False, wanted=wanted, seen=seen, known=False)
        seen = f"{item.author.login} is in {listed(mine) if mine else 'none of them'}"
        return Finding(condition=self.keys[0], satisfied=bool(mine), wanted=wanted, seen=seen)

    def check_declared(self, teams: tuple[Team, ...], problems: Problems) -> None:
        """Tells about each team that the file's `teams:` should have and has not."""
        declared = tuple(team.name for team in teams)
        for name in self.teams:
            if "/" not in name and name.casefold() not in folded(declared):
                hint = did_you_mean(name, declared) or "declare it under `teams:`, or write `org/team`"
                problems.add(self.at, f'there is no team "{name}"', hint)


class Assignee(Struct, frozen=True):
    keys: ClassVar[tuple[str, ...]] = ("assignee", "assignees")
    kinds: ClassVar[frozenset[ItemKind] | None] = _ASSIGNED
    late: ClassVar[tuple[str, ...]] = ()
    schema: ClassVar[Schema] = documented(
        _LOGINS_OR_NOBODY.schema, "Is assigned to one of these people; null for nobody.", None, "octocat"
    )

    logins: tuple[str, ...]

    @classmethod
    def parse(cls, node: Node, problems: Problems) -> Assignee:
        return cls(_LOGINS_OR_NOBODY.read(node, cls.keys[0], problems))

    def needs(self) -> Needs:
        return NO_NEEDS

    def check(self, event: Event, item: Item, policy: Policy, now: datetime) -> Finding:
        satisfied = not folded(item.assignees or (NOTHING,)).isdisjoint(folded(self.logins))
        wanted = any_of(tuple(login or "nobody" for login in self.logins))
        seen = f"assigned: {listed(item.assignees or ('nobody',))}"
        return Finding(condition=self.keys[0], satisfied=satisfied, wanted=wanted, seen=seen)


def _declared(author: Person, policy: Policy) -> tuple[str, ...]:
    return tuple(team.name for team in policy.teams if author.login.casefold() in folded(team.members))


def _no_author(condition: str, wanted: str) -> Finding:
    return Finding(condition=condition, satisfied=False, wanted=wanted, seen="the author is not known", known=False)


def _bot_or_person(is_bot: bool) -> str:  # noqa: FBT001 - there is nothing else to say
    return "a bot" if is_bot else "a person"


def _person(person: Person) -> str:
    return f"{person.login} is {_bot_or_person(person.is_bot)}"
