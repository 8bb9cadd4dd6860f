"""What a line of text asks for: the one way from words to a Command, the same in Slack, in Teams and in a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from ai_crm.commands.catalogue import COMMANDS, Description
from ai_crm.commands.command import Asked, Help, ShowTask
from ai_crm.commands.flags import HELP, SHARE, sort_out
from ai_crm.commands.meanings import numbered
from ai_crm.commands.words import Word, nearest, shown, split
from ai_crm.errors import Misunderstood
from ai_crm.model.status_name import StatusName
from ai_crm.model.task import TaskId


def parse(text: str, me: str, today: date, statuses: tuple[StatusName, ...] = ()) -> Asked:
    """Understands what a person typed behind the bot's name; nothing typed asks for help.

    `me` is the login that `@me` stands for, empty for nobody; `today` is the person's own, for days such as `friday`;
    `statuses` are the names that the person's workspace has for statuses beside ours.
    A chat's adapter has turned `&amp;`, `&lt;` and `&gt;` back into signs; people whom it named by id stay `<@ID|name>`
    in assignees, and Teams' own `<at>…</at>` at the beginning is the bot's name. Raises Misunderstood, nothing else; its
    hint says what was probably meant and shows a command that works.
    """
    try:
        words = _without_our_name(split(text))
    except Misunderstood as error:
        raise Misunderstood(error.what, hint=_hint(error.hint, COMMANDS[0])) from error
    if not words or words[0].text.lower().rstrip("!.") in _ASKS_FOR_HELP:
        return Asked(Help())
    if len(words) == 1 and (task := numbered(words[0].text)):
        return Asked(ShowTask(TaskId(task)))
    if len(words) == 1 and _begins_others(words[0].text.lower()):
        return Asked(Help(words[0].text.lower()))
    command, length = _command(words)
    try:
        given = sort_out(words[length:], command.flags, me, today, statuses)
        asks = Help(command.words) if HELP in given.switches else command.meaning(given)
    except Misunderstood as error:
        raise Misunderstood(error.what, hint=_hint(error.hint, command)) from error
    if isinstance(asks, Help):
        asks = Help(_topic(asks.about))
    return Asked(asks, share=SHARE in given.switches)


def about(topic: str) -> tuple[Description, ...]:
    """The commands that a topic of Help names: one, all that begin with a word, or every one for no topic."""
    return tuple(each for each in COMMANDS if f"{each.words} ".startswith(f"{topic} " if topic else ""))


# What people write before a command: the bot's name, with or without a slash or an at sign.
_OUR_NAME = r"[/@]?ai-?crm[:,]?"
_ASKS_FOR_HELP = frozenset({"--help", "-h", "hello", "hi", "hey"})
_LONGEST_SPELLING = 3
_SHORTEST_START = 2  # letters; a single one is more often a slip


def _without_our_name(words: tuple[Word, ...]) -> tuple[Word, ...]:
    named = words and not words[0].quoted and re.fullmatch(_OUR_NAME, words[0].text, re.IGNORECASE)
    return words[1:] if named else words


def _command(words: tuple[Word, ...]) -> tuple[Description, int]:
    """The command, and how many words are its name: the longest exact spelling, else a beginning that is unique."""
    typed = tuple(word.text.lower().rstrip(":.,!?") or word.text for word in words[:_LONGEST_SPELLING])
    for length in range(len(typed), 0, -1):
        for command in COMMANDS:
            if " ".join(typed[:length]) in command.spellings:
                return command, length
    for length in range(len(typed), 1 if _begins_others(typed[0]) else 0, -1):
        found = tuple(command for command in COMMANDS if any(_starts(typed[:length], one) for one in command.spellings))
        if len(found) == 1:
            return found[0], length
        if found:
            names = " or ".join(f'"{command.words}"' for command in found[:6])
            raise Misunderstood(f"{shown(' '.join(typed[:length]))} may be {names}", hint=_try(found[0]))
    raise _unknown(typed)


def _begins_others(word: str) -> bool:
    """Whether it is one half of a command's name and nothing else: `task`, which `tasks` must not swallow."""
    names = [command.words for command in COMMANDS]
    exact = any(word in command.spellings for command in COMMANDS)
    return not exact and any(name.startswith(f"{word} ") for name in names)


def _starts(typed: tuple[str, ...], spelling: str) -> bool:
    known = spelling.split()
    long_enough = len(typed[0]) >= _SHORTEST_START
    return long_enough and len(known) == len(typed) and all(map(str.startswith, known, typed))


def _unknown(typed: tuple[str, ...]) -> Misunderstood:
    spellings = {spelling: command for command in COMMANDS for spelling in command.spellings}
    tried = (" ".join(typed[:length]) for length in range(len(typed), 0, -1))
    near = next(filter(None, (nearest(words, spellings) for words in tried)), "")
    what = f"there is no command {shown(' '.join(typed[:2]))}"
    if numbered(typed[0]):
        return Misunderstood(what, hint=f"Write the task behind what shall be done. {_try(_DONE)}")
    near = next((_MEANT[word] for word in typed if word in _MEANT), near)
    if near:
        return Misunderstood(what, hint=f'Did you mean "{near}"? {_try(spellings[near])}')
    starting = about(typed[0])
    if starting:
        return Misunderstood(what, hint=f"There are {_listed(starting)}. {_try(starting[0])}")
    return Misunderstood(what, hint=f"help shows all. {_try(COMMANDS[0])}")


# What nobody can do here, and what they want instead.
_MEANT = {"delete": "task cancel", "remove": "task cancel", "mark": "task done"}
_DONE = next(command for command in COMMANDS if command.words == "task done")


def _topic(asked: str) -> str:
    """The topic as `about` knows it. Raises Misunderstood."""
    if not asked or about(asked):
        return asked
    command, _ = _command(split(asked))
    return command.words


def _listed(commands: Iterable[Description]) -> str:
    return ", ".join(f'"{command.words}"' for command in commands)


def _try(command: Description) -> str:
    return f"Try: {command.example}"


def _hint(hint: str, command: Description) -> str:
    return f"{hint}. {_try(command)}" if hint and not hint.endswith(("?", ".")) else f"{hint} {_try(command)}".strip()
