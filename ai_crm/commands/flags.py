"""How flags are told from words: `--flag value`, `--flag=value`, the dash that phones make of two, beginnings of names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from msgspec import Struct

from ai_crm.commands.words import Word, joined, nearest, shown
from ai_crm.errors import Misunderstood
from ai_crm.model.status_name import StatusName

SHARE, HELP = "share", "help"


class Flag(Struct, frozen=True, kw_only=True):
    """`takes` names the value for people, empty for a switch. `also` are other names; `many` may come often and take
    commas.
    """

    name: str
    takes: str
    summary: str
    also: tuple[str, ...] = ()
    many: bool = False


# What every command has.
SWITCHES = (
    Flag(name=SHARE, takes="", summary="everybody in the channel sees the answer"),
    Flag(name=HELP, takes="", summary="everything about the command"),
)


class Given(Struct, frozen=True, kw_only=True):
    """What was typed behind a command's own words. `switches` are the flags without a value that were there.

    `me` is the login that `@me` stands for, `today` the person's own. `statuses` are the workspace's names beside ours.
    """

    words: tuple[Word, ...]
    flags: Mapping[str, tuple[str, ...]]
    switches: frozenset[str]
    me: str
    today: date
    statuses: tuple[StatusName, ...] = ()

    def all(self, flag: str) -> tuple[str, ...]:
        """Every value, () without the flag."""
        return self.flags.get(flag, ())

    def one(self, flag: str) -> str:
        """The value, empty without the flag."""
        return "".join(self.flags.get(flag, ()))

    @property
    def text(self) -> str:
        return joined(self.words)

    def behind(self, count: int) -> str:
        """The text without so many words at its beginning."""
        return joined(self.words[count:])


def sort_out(
    words: tuple[Word, ...], flags: tuple[Flag, ...], me: str, today: date, statuses: tuple[StatusName, ...] = ()
) -> Given:
    """Tells flags from the rest; behind a bare `--` everything is text. Raises Misunderstood."""
    rest: list[Word] = []
    values: dict[str, tuple[str, ...]] = {}
    switches: set[str] = set()
    at = 0
    while at < len(words):
        word = words[at]
        named = None if word.quoted else re.fullmatch(_FLAG, word.text, re.DOTALL)
        at += 1
        if not word.quoted and word.text == "--":
            rest.extend(words[at:])
            break
        if named is None:
            rest.append(_no_slip(word, flags))
            continue
        flag = _flag(named["name"].lower(), flags)
        if isinstance(flag, str) or not flag.takes:
            switches.add(_switched(flag if isinstance(flag, str) else flag.name, named["value"]))
            continue
        if named["value"] is None:
            value = _value(words[at : at + 1], flag)
            at += 1
        else:
            value = named["value"]
        values[flag.name] = _with(values.get(flag.name, ()), value, flag)
    found = frozenset(switches)
    return Given(words=tuple(rest), flags=values, switches=found, me=me, today=today, statuses=statuses)


# Phones make one long dash of two short ones.
_FLAG = r"(?:--|[\u2012-\u2015\u2212]-?)(?P<name>[A-Za-z][A-Za-z_-]{0,40})(?:=(?P<value>.*))?"
_AS_TEXT = "If it is part of the text, put the text in quotation marks"


def _flag(name: str, flags: tuple[Flag, ...]) -> Flag | str:
    """The flag or switch of that name or unique beginning."""
    name = name.replace("_", "-")
    known: dict[str, Flag | str] = {switch: switch for switch in (SHARE, HELP)}
    known |= {each: flag for flag in flags for each in (flag.name, *flag.also)}
    if name in known:
        return known[name]
    meant = {id(flag): flag for each, flag in known.items() if each.startswith(name)}
    if len(meant) == 1:
        return next(iter(meant.values()))
    if meant:
        names = " or ".join(f"--{flag if isinstance(flag, str) else flag.name}" for flag in meant.values())
        raise Misunderstood(f"--{name} may be {names}", hint="Write more of it")
    near = nearest(name, known)
    guess = f"Did you mean --{near}? " if near else f"Flags are {', '.join(_names(flags))}. "
    raise Misunderstood(f"there is no flag --{name} here", hint=f"{guess}{_AS_TEXT}")


def _names(flags: Iterable[Flag]) -> Iterator[str]:
    return (f"--{name}" for name in (*(flag.name for flag in flags), SHARE, HELP))


def _switched(switch: str, value: str | None) -> str:
    if value is not None:
        raise Misunderstood(f"--{switch} takes no value", hint=f"Write --{switch} alone")
    return switch


def _value(following: tuple[Word, ...], flag: Flag) -> str:
    if not following or (not following[0].quoted and re.fullmatch(_FLAG, following[0].text, re.DOTALL)):
        raise Misunderstood(f"--{flag.name} without a value", hint=f"Write --{flag.name} {flag.takes}")
    # In quotation marks a comma is a comma.
    return following[0].text.replace(",", _COMMA) if following[0].quoted else following[0].text


_COMMA = "\x00"  # no text of ours holds one: words.split took them out


def _with(before: tuple[str, ...], value: str, flag: Flag) -> tuple[str, ...]:
    parts = value.split(",") if flag.many else [value]
    found = tuple(part.replace(_COMMA, ",").strip() for part in parts if part.strip())
    if not found:
        raise Misunderstood(f"--{flag.name} without a value", hint=f"Write --{flag.name} {flag.takes}")
    if before and not flag.many:
        raise Misunderstood(f"--{flag.name} is there twice", hint="Say it once")
    return before + found


def _no_slip(word: Word, flags: tuple[Flag, ...]) -> Word:
    """The word, unless it is a flag's name with one dash too few."""
    slip = "" if word.quoted or not word.text.startswith("-") else word.text[1:].partition("=")[0].lower()
    if slip in {SHARE, HELP, *(name for flag in flags for name in (flag.name, *flag.also))}:
        raise Misunderstood(f"{shown(word.text)} has one dash", hint=f"Did you mean --{slip}? {_AS_TEXT}")
    return word
