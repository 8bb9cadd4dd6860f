"""How a message's target says which space of its platform it is in: a Slack workspace, a Teams tenant.

`T0123ABCD/#dev-team`, `T0123ABCD/U012AB3CD`, `7c9e6679-7425-40de-944b-e07fc1f90ae7/…`. Without one only the platform can
tell: an id is in one space alone, a name may be in several.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from ai_crm.model.item import PlatformName


def spelled(space: str, target: str) -> str:
    """The target in its space; as it is where the space is empty."""
    return f"{space}/{target}" if space else target


def parted(platform: PlatformName, target: str) -> tuple[str, str]:
    """The space, empty where none is named, and the target as the platform knows it. Undoes `spelled`."""
    form = _FORMS.get(platform)
    found = form.match(target) if form else None
    return (_canonical(platform, found[1]), target[found.end() :]) if found else ("", target)


def is_id(platform: PlatformName, target: str) -> bool:
    """Whether a target without its space is an id, which is in one space alone. Teams knows nothing by a name."""
    return platform is not PlatformName.SLACK or bool(_SLACK_ID.fullmatch(target))


def connection_in(platform: PlatformName, space: str) -> str:
    """The id of the connection to a space: unique among all workspaces, because a space belongs to one alone."""
    return f"{platform}-{_canonical(platform, space)}"


# Names of channels have no capital letters in Slack.
_SLACK_ID = re.compile("[CDGUW][A-Z0-9]{2,30}")
# Of Slack's ids T is a workspace, E a whole organisation that installed the app at once; a tenant is a GUID. What stands
# behind the stroke is no space: a channel's name has none in it.
_FORMS: Mapping[PlatformName, re.Pattern[str]] = MappingProxyType(
    {
        PlatformName.SLACK: re.compile(r"([TE][A-Z0-9]{2,30})/"),
        PlatformName.TEAMS: re.compile(r"([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})/"),
    }
)


def _canonical(platform: PlatformName, space: str) -> str:
    return space.lower() if platform is PlatformName.TEAMS else space
