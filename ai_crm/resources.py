"""Where the data files of the product are: beside the package in a wheel, beside it in a checkout."""

from __future__ import annotations

import os

_PACKAGE = os.path.dirname(os.path.abspath(__file__))
_INSTALLED = os.path.join(_PACKAGE, "data")
_ROOT = _INSTALLED if os.path.isdir(_INSTALLED) else os.path.dirname(_PACKAGE)


def path(*parts: str) -> str:
    """The path of a file or folder below `templates/` or `schemas/`, such as `path("templates", "agents.yml")`."""
    return os.path.join(_ROOT, *parts)


def read(*parts: str) -> bytes:
    """The bytes of a data file. Raises FileNotFoundError for one that is not shipped: a bug of ours."""
    with open(path(*parts), "rb") as file:
        return file.read()


def names(*parts: str, suffix: str) -> tuple[str, ...]:
    """The names, without suffix, of the files in a data folder, in alphabetical order."""
    return tuple(sorted(name.removesuffix(suffix) for name in os.listdir(path(*parts)) if name.endswith(suffix)))
