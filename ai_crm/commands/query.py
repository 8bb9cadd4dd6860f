"""What a person looks for among tasks: `status:in-progress agent:backend-architect assignee:@me updated:<7d crash`."""

from __future__ import annotations

from msgspec import Struct

from ai_crm.model.analysis import Priority
from ai_crm.model.task import TaskStatus


class TaskQuery(Struct, frozen=True, kw_only=True):
    """All that is named must hold; the values inside one field are any-of. Empty means that it does not matter.

    `words` are looked up in full text. `updated_within` and `not_updated_within` are seconds before now.
    """

    statuses: tuple[TaskStatus, ...] = ()
    priorities: tuple[Priority, ...] = ()
    agents: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    updated_within: int | None = None
    not_updated_within: int | None = None
