"""Environment variables and step inputs: read once, checked, and every problem told at once without a value."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from ai_crm.errors import Problem, SettingsInvalid
from ai_crm.model.address import parse_address
from ai_crm.model.secret import Secret
from ai_crm.rules.source import did_you_mean

Choice = TypeVar("Choice", bound=StrEnum)


class Reader:
    """Reads one setting after the other, gives a stand-in for what is wrong, and tells all of it in `done`.

    Blanks around a value do not count, and an empty value is an absent one: a workflow passes an input that nobody
    set as an empty text. An absent setting without a default is a problem.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._asked: set[str] = set()
        self._problems: list[Problem] = []

    def text(self, name: str, default: str | None = None) -> str:
        """One line of text."""
        value = self._value(name)
        if value and not value.isprintable():
            self._problem(name, "holds a line break or another control character")
            return ""
        if not value and default is None:
            self._problem(name, "is missing")
        return value or default or ""

    def secret(self, name: str, *, required: bool = False) -> Secret:
        """A token, key or password: characters that a header can hold. Empty and false when absent."""
        value = self._value(name)
        if not value and required:
            self._problem(name, "is missing")
        if all("!" <= character <= "~" for character in value):
            return Secret(value)
        self._problem(name, "holds a character that no token has, such as a line break", "copy it again, on one line")
        return Secret("")

    def flag(self, name: str, *, default: bool) -> bool:
        """Yes or no, in the words of YAML 1.2's core schema."""
        value = self._value(name)
        if value in _WORDS:
            return _WORDS[value]
        if value:
            self._problem(name, "is neither true nor false")
        return default

    def choice(self, name: str, default: Choice) -> Choice:
        """One of the words of an enumeration: the one that the default belongs to."""
        value = self._value(name)
        known = {str(option): option for option in type(default)}
        if value and value not in known:
            self._problem(name, f"is none of: {', '.join(known)}", did_you_mean(value, known))
        return known.get(value, default)

    def url(self, name: str, default: str = "") -> str:
        """The address of a service that a token may be sent to, without a slash at its end."""
        value = self._value(name) or default
        if not value:
            return ""
        try:
            return str(parse_address(value))
        except SettingsInvalid as error:
            self._problem(name, error.problems[0].what, error.problems[0].hint)
            return ""

    def proxy(self, host: str) -> Secret:
        """The proxy that HTTPS_PROXY names for a host, unless NO_PROXY excepts it. It may hold a password."""
        excepted = self._either("no_proxy").replace(",", " ").lower().split()
        if any(_covers(entry, host.lower()) for entry in excepted):
            return Secret("")
        return Secret(self._either("https_proxy"))

    def done(self, prefix: str = "") -> None:
        """Raises SettingsInvalid with every problem. With a prefix, names that start so and were not read are problems."""
        unknown = sorted(name for name in self._environ if prefix and name.startswith(prefix)) if prefix else []
        known = [_shown(name) for name in sorted(self._asked)]
        for name in unknown:
            if name not in self._asked:
                self._problem(name, "is not known", did_you_mean(_shown(name), known))
        if self._problems:
            raise SettingsInvalid(tuple(sorted(self._problems)))

    def _value(self, name: str) -> str:
        self._asked.add(name)
        return self._environ.get(name, "").strip()

    def _either(self, name: str) -> str:
        """The lower-case spelling wins, as in curl and everything that followed it."""
        return (self._environ.get(name) or self._environ.get(name.upper()) or "").strip()

    def _problem(self, name: str, what: str, hint: str = "") -> None:
        self._problems.append(Problem(_shown(name), 0, 0, what, hint))


_WORDS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INPUT = "INPUT_"


def _shown(name: str) -> str:
    """A step's input as its workflow spells it, anything else as the variable that it is."""
    return f"input {name.removeprefix(_INPUT).lower()}" if name.startswith(_INPUT) else name


def _covers(entry: str, host: str) -> bool:
    domain = entry.removeprefix("*.").removeprefix(".").partition(":")[0]
    return entry == "*" or (bool(domain) and (host == domain or host.endswith("." + domain)))
