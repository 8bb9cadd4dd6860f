"""The rules that an operator made for all projects of a workspace: the YAML files of a folder, read again when one changes."""

from __future__ import annotations

import os

from ai_crm.config.policy import load_policy
from ai_crm.errors import Problem, RulesInvalid
from ai_crm.rules.rule import Defaults, Policy

_ENDINGS = (".yml", ".yaml")

Signature = tuple[tuple[str, int, int], ...]


class HubRules:
    """`folder/WORKSPACE/*.yml`, in alphabetical order; no folder means no such rules.

    A broken file raises RulesInvalid for every event until it is mended: half of the rules is not what anybody wanted.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._known: dict[str, tuple[Signature, tuple[Policy, ...]]] = {}

    def workspaces(self) -> tuple[str, ...]:
        """Those that have a folder here, in alphabetical order."""
        try:
            return tuple(sorted(entry.name for entry in os.scandir(self._folder) if entry.is_dir()))
        except OSError:
            return ()

    def of(self, workspace: str) -> tuple[Policy, ...]:
        folder = os.path.join(self._folder, workspace)
        signature = _signature(folder)
        known = self._known.get(workspace)
        if known is None or known[0] != signature:
            known = (signature, tuple(_load(os.path.join(folder, name)) for name, _time, _size in signature))
            self._known[workspace] = known
        return known[1]


def _signature(folder: str) -> Signature:
    """Names, times and sizes: what says that nothing changed, at the price of one look at the folder."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return ()
    files = (entry for entry in entries if entry.name.endswith(_ENDINGS) and entry.is_file())
    return tuple((entry.name, (seen := entry.stat()).st_mtime_ns, seen.st_size) for entry in files)


def _load(path: str) -> Policy:
    try:
        with open(path, "rb") as file:
            return load_policy(file.read(), path, Defaults())
    except OSError as error:
        raise RulesInvalid((Problem(path, 0, 0, f"cannot be read: {error.strerror}"),)) from error
