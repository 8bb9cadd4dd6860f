"""What goes wrong between a person's file name and its bytes, and what to say then."""

from __future__ import annotations

import os

from ai_crm.errors import PayloadInvalid, Problem, RulesInvalid

# The first is where the Action looks; the other spellings are what people type instead.
RULES_FILES = (".github/ai-crm.yml", ".github/ai-crm.yaml")

_UTF_8_MARK = b"\xef\xbb\xbf"
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_file(path: str, what: str) -> bytes:
    """The bytes of a file without a byte order mark. `what` is what it should be, such as `an event file`.

    Raises PayloadInvalid with what to do.
    """
    data = _read(path, what)
    if data.startswith(_UTF_16_MARKS):
        raise PayloadInvalid("it is text in UTF-16", where=path, hint=f"Save {what} as UTF-8")
    data = data.removeprefix(_UTF_8_MARK)
    if not data.strip():
        raise PayloadInvalid("it is empty", where=path, hint=f"Name {what} that has something in it")
    return data


def read_rules(path: str) -> bytes:
    """The bytes of a rules file, whatever they are: what is wrong inside, its parser says. Raises RulesInvalid."""
    try:
        return _read(path, "a rules file")
    except PayloadInvalid as error:
        raise RulesInvalid((Problem(path, 0, 0, error.what, error.hint),)) from error


def find_rules(folder: str = ".") -> str:
    """The rules file of a repository. Raises RulesInvalid when there is none, or more than one."""
    found = [name for name in RULES_FILES if os.path.lexists(os.path.join(folder, name))]
    match found:
        case []:
            hint = "name the file, or start with one of `ai-crm templates list`"
            raise RulesInvalid((Problem(RULES_FILES[0], 0, 0, "there is no such file here", hint),))
        case [only]:
            return os.path.join(folder, only) if folder != "." else only
        case _:
            hint = f"keep {RULES_FILES[0]}, which is the one that the Action reads, and delete the others"
            what = f"there is more than one rules file: {', '.join(found)}"
            raise RulesInvalid((Problem(RULES_FILES[0], 0, 0, what, hint),))


def _read(path: str, what: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError as error:
        raise PayloadInvalid("there is no such file", where=path, hint=f"Check the name of {what}") from error
    except IsADirectoryError as error:
        raise PayloadInvalid("it is a folder", where=path, hint=f"Name {what} inside it") from error
    except OSError as error:
        raise PayloadInvalid(
            f"it cannot be read: {error.strerror}", where=path, hint="Check its permissions"
        ) from error
