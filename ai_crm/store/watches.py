"""Who watches which task, in a database: a row for each task and person, and how many one person may have."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Delete, and_, delete, func, insert, select

from ai_crm.errors import CommandRefused
from ai_crm.model.item import PlatformName
from ai_crm.model.task import TaskId
from ai_crm.ports.members import Member
from ai_crm.store import tables
from ai_crm.store.members import member_of, remember
from ai_crm.store.records import number_of, task_missing
from ai_crm.store.transactions import Transactions

# More than this nobody reads, and each task that moves is told to all who watch it.
MOST = 500


class SqlWatches:
    """Implements ports.watches.Watches."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def watch(self, workspace: str, task: TaskId, member: Member) -> bool:
        return await self._transactions.write(lambda connection: _watch(connection, workspace, task, member))

    async def unwatch(self, workspace: str, task: TaskId, member: Member) -> bool:
        statement = _unwatch(workspace, number_of(task), member)
        return await self._transactions.write(lambda connection: connection.execute(statement).rowcount > 0)

    async def watched_by(self, workspace: str, platform: PlatformName, member: str) -> tuple[TaskId, ...]:
        table = tables.watch
        statement = select(table.c.number).where(_is_of(workspace, platform, member)).order_by(table.c.number.desc())
        numbers = await self._transactions.read(lambda connection: connection.execute(statement).scalars().all())
        return tuple(map(_id, numbers))

    async def watchers(self, workspace: str, tasks: tuple[TaskId, ...]) -> tuple[tuple[TaskId, Member], ...]:
        watch, member = tables.watch, tables.member
        same = and_(
            member.c.workspace == watch.c.workspace,
            member.c.platform == watch.c.platform,
            member.c.id == watch.c.member,
        )
        statement = (
            select(watch.c.number, member.c.payload)
            .join(member, same)
            .where(watch.c.workspace == workspace, watch.c.number.in_([number_of(task) for task in tasks]))
            .order_by(watch.c.number, watch.c.platform, watch.c.member)
        )
        rows = await self._transactions.read(lambda connection: connection.execute(statement).all())
        return tuple((_id(row.number), member_of(row.payload)) for row in rows)


def _watch(connection: Connection, workspace: str, task: TaskId, member: Member) -> bool:
    table, number = tables.watch, number_of(task)
    known = select(tables.task.c.number).where(tables.task.c.workspace == workspace, tables.task.c.number == number)
    if connection.execute(known).first() is None:
        raise task_missing(task)
    own = _is_of(workspace, member.platform, member.id)
    if connection.execute(select(table.c.number).where(own, table.c.number == number)).first():
        return False
    if connection.execute(select(func.count()).select_from(table).where(own)).scalar_one() >= MOST:
        hint = "`task unwatch TASK` makes room; `my watched --status done` shows those that are over"
        raise CommandRefused(f"you watch {MOST} tasks already, and that is the most", hint=hint)
    remember(connection, workspace, member)
    row = {"workspace": workspace, "number": number, "platform": member.platform.value, "member": member.id}
    connection.execute(insert(table).values(row))
    return True


def _unwatch(workspace: str, number: int, member: Member) -> Delete:
    table = tables.watch
    return delete(table).where(_is_of(workspace, member.platform, member.id), table.c.number == number)


def _is_of(workspace: str, platform: PlatformName, member: str) -> ColumnElement[bool]:
    table = tables.watch
    return and_(table.c.workspace == workspace, table.c.platform == platform.value, table.c.member == member)


def _id(number: int) -> TaskId:
    return TaskId(f"AICRM-{number}")
