"""What somebody's daily summary is made of: their open tasks, what is due, what changed, and the team's figures."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from ai_crm.cards.answers import Digest
from ai_crm.commands.query import OPEN, TaskQuery
from ai_crm.flow.commands.preferences import zone_of
from ai_crm.model.task import Task
from ai_crm.ports.members import Member
from ai_crm.ports.records import Records

_DAY = timedelta(days=1)
_SOON = timedelta(days=3)
_MOST = 100


async def digest_for(login: str, member: Member, workspace: str, records: Records, now: datetime) -> Digest:
    """Without a login there are only what the member watches and the team's figures. Raises StoreUnavailable."""
    today = now.astimezone(zone_of(member.preferences)).date()
    team = await records.report(workspace, now - _DAY, now)
    watcher = f"{member.platform}:{member.id}"
    watching = TaskQuery(watchers=(watcher,), updated_within=int(_DAY.total_seconds()))
    seen = await records.tasks(workspace, watching, now, "", _MOST)
    watched = tuple(task for task in seen.tasks if login.lower() not in map(str.lower, task.assignees))
    if not login:
        return Digest(day=today, open=(), total_open=0, due=(), changed=(), watched=watched, team=team)
    mine = TaskQuery(statuses=OPEN, assignees=(login,))
    found = await records.tasks(workspace, mine, now, "", _MOST)
    moved = TaskQuery(assignees=(login,), updated_within=int(_DAY.total_seconds()))
    changed = await records.tasks(workspace, moved, now, "", _MOST)
    due = sorted((task for task in found.tasks if _is_due(task, today)), key=lambda task: task.due or today)
    return Digest(
        day=today,
        open=found.tasks,
        total_open=found.total,
        due=tuple(due),
        changed=changed.tasks,
        watched=watched,
        team=team,
    )


def _is_due(task: Task, today: date) -> bool:
    return task.due is not None and task.due <= today + _SOON
