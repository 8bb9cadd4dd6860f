"""Who may do what in which workspace: one table, and no for everything that it does not name."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct

from ai_crm.errors import CommandRefused

# The workspace that there is without anybody making one, and that the settings of a hub are for.
HOME = "default"


class Permission(StrEnum):
    """What a route, a command or a job wants to do."""

    TASKS_READ = "tasks:read"
    TASKS_WRITE = "tasks:write"
    EVENTS_READ = "events:read"
    EVENTS_REPLAY = "events:replay"
    DECISIONS_WRITE = "decisions:write"  # an Action that decided itself hands its decision in
    RULES_READ = "rules:read"
    ANALYSES_WRITE = "analyses:write"  # costs time, stores nothing
    CONNECTIONS_READ = "connections:read"
    ANALYTICS_READ = "analytics:read"
    METRICS_READ = "metrics:read"


class Role(StrEnum):
    VIEWER = "viewer"
    MEMBER = "member"
    ACTION = "action"
    OPERATOR = "operator"


_READING = frozenset(
    {
        Permission.TASKS_READ,
        Permission.EVENTS_READ,
        Permission.RULES_READ,
        Permission.CONNECTIONS_READ,
        Permission.ANALYTICS_READ,
    }
)
_WORKING = _READING | {Permission.TASKS_WRITE, Permission.ANALYSES_WRITE}

MAY = MappingProxyType(
    {
        Role.VIEWER: _READING,
        Role.MEMBER: _WORKING,
        Role.ACTION: frozenset({Permission.TASKS_READ, Permission.DECISIONS_WRITE, Permission.RULES_READ}),
        Role.OPERATOR: frozenset(Permission),
    }
)


class Principal(Struct, frozen=True, kw_only=True):
    """Somebody who was recognised. `name` is what histories show; it belongs to one workspace and no other.

    `key` is the id of the API key that they came with, as several may have one name; empty without a key.
    """

    name: str
    workspace: str
    role: Role
    key: str = ""


def demand(principal: Principal | None, permission: Permission, workspace: str) -> Principal:
    """The principal, if the table lets it do this there. Raises CommandRefused.

    A workspace that is not the principal's is refused like a missing permission: whoever asks learns nothing of it.
    """
    if principal is None or principal.workspace != workspace or permission not in MAY[principal.role]:
        raise CommandRefused(f"this needs the permission {permission}", hint="Ask an operator for a key that has it")
    return principal
