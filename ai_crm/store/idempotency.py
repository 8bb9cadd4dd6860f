"""The keys of requests in the database: one row for each, made before the work begins, filled in when it is done."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection, select, text, update

from ai_crm.errors import StoreError, StoreUnavailable
from ai_crm.ports.answers import Claim, KeptAnswer
from ai_crm.store import tables
from ai_crm.store.rows import stamp
from ai_crm.store.transactions import Transactions

_UNFINISHED = 0  # no status that HTTP has
_ANSWER = msgspec.json.Decoder(KeptAnswer)

_CLAIM = text(
    "INSERT INTO idempotency (workspace, key, request, status, answer, created_at) "
    "VALUES (:workspace, :key, :request, :status, '', :created_at) ON CONFLICT (workspace, key) DO NOTHING"
)


class SqlAnswers:
    """Implements ports.answers.Answers for workspaces that exist. Retention removes the rows after their days."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def claim(self, workspace: str, key: str, request: str, now: datetime) -> Claim:
        row = {
            "workspace": workspace,
            "key": key,
            "request": request,
            "status": _UNFINISHED,
            "created_at": stamp(now),
        }
        return await self._transactions.write(lambda connection: _claimed(connection, row))

    async def finish(self, workspace: str, key: str, answer: KeptAnswer) -> KeptAnswer:
        return await self._transactions.write(lambda connection: _finished(connection, workspace, key, answer))


def _claimed(connection: Connection, row: dict[str, object]) -> Claim:
    connection.execute(_CLAIM, row)
    found = _claim(connection, str(row["workspace"]), str(row["key"]))
    if found is None:
        raise StoreUnavailable("a key was removed while it was used again", hint="Send the request again")
    return found


def _finished(connection: Connection, workspace: str, key: str, answer: KeptAnswer) -> KeptAnswer:
    table = tables.idempotency
    connection.execute(
        update(table)
        .where(table.c.workspace == workspace, table.c.key == key, table.c.status == _UNFINISHED)
        .values(status=answer.status, answer=msgspec.json.encode(answer).decode())
    )
    found = _claim(connection, workspace, key)
    return found.answer if found and found.answer else answer


def _claim(connection: Connection, workspace: str, key: str) -> Claim | None:
    table = tables.idempotency
    row = connection.execute(select(table).where(table.c.workspace == workspace, table.c.key == key)).one_or_none()
    if row is None:
        return None
    answer = None if row.status == _UNFINISHED else _read(row.answer)
    return Claim(request=row.request, since=datetime.fromisoformat(row.created_at), answer=answer)


def _read(payload: str) -> KeptAnswer:
    try:
        return _ANSWER.decode(payload)
    except msgspec.DecodeError as error:
        raise StoreError("a kept answer cannot be read", hint="Restore the database from a backup") from error
