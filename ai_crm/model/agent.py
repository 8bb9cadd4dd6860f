"""Who work can be given to: the agents of the catalogue and the people behind them."""

from __future__ import annotations

from msgspec import Struct


class Contact(Struct, frozen=True, kw_only=True):
    """One person or group, by the name each platform knows them. GitHub teams are written `org/team`."""

    github: str = ""
    slack: str = ""
    teams: str = ""


class Agent(Struct, frozen=True, kw_only=True):
    """A role. `skills` are matched as whole words; `people` are whom a platform can assign or ask."""

    name: str
    category: str
    role: str
    skills: tuple[str, ...]
    people: tuple[Contact, ...] = ()
