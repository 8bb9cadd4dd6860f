"""The least that a durable receiver can be: HMAC, JSON, one table, group commit with synchronous=FULL. Nothing else.

python bare_ingest.py FILE-OR-URL SECRET        prints its address
"""

from __future__ import annotations

import asyncio
import hmac
import json
import queue
import sqlite3
import sys
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import uvicorn
import uvloop

from ai_crm.hub.server import listen

_FILE, _SECRET = sys.argv[1], sys.argv[2].encode()
_jobs: queue.SimpleQueue[tuple[Any, asyncio.Future[None], asyncio.AbstractEventLoop]] = queue.SimpleQueue()


_TABLE = "CREATE TABLE inbox (id INTEGER PRIMARY KEY, delivery TEXT UNIQUE, name TEXT, body BLOB)"
_TABLE_THERE = "CREATE TABLE inbox (id BIGSERIAL PRIMARY KEY, delivery TEXT UNIQUE, name TEXT, body BYTEA)"
_ADD = "INSERT OR IGNORE INTO inbox (delivery, name, body) VALUES (?, ?, ?)"
_ADD_THERE = "INSERT INTO inbox (delivery, name, body) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"

Row = tuple[str, str, bytes]


def to_sqlite() -> Callable[[list[Row]], None]:
    database = sqlite3.connect(_FILE, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute(_TABLE)

    def keep(rows: list[Row]) -> None:
        database.execute("BEGIN IMMEDIATE")
        for row in rows:
            database.execute(_ADD, row)
        database.execute("COMMIT")

    return keep


def to_postgresql() -> Callable[[list[Row]], None]:
    database = psycopg.connect(_FILE)
    database.execute(_TABLE_THERE)
    database.commit()

    def keep(rows: list[Row]) -> None:
        for row in rows:
            database.execute(_ADD_THERE, row, prepare=True)
        database.commit()

    return keep


def write() -> None:
    keep = to_postgresql() if _FILE.startswith("postgresql://") else to_sqlite()
    while True:
        batch = [_jobs.get()]
        while len(batch) < 256 and not _jobs.empty():
            batch.append(_jobs.get())
        keep([row for row, _future, _loop in batch])
        for _row, future, loop in batch:
            loop.call_soon_threadsafe(future.set_result, None)


async def app(scope: Any, receive: Any, send: Any) -> None:
    headers = dict(scope["headers"])
    body = b""
    while True:
        message = await receive()
        body += message["body"]
        if not message.get("more_body"):
            break
    expected = b"sha256=" + hmac.digest(_SECRET, body, "sha256").hex().encode()
    status = 401
    if hmac.compare_digest(headers.get(b"x-hub-signature-256", b""), expected):
        json.loads(body)
        loop = asyncio.get_running_loop()
        stored: asyncio.Future[None] = loop.create_future()
        row = (headers[b"x-github-delivery"].decode(), headers[b"x-github-event"].decode(), body)
        _jobs.put((row, stored, loop))
        await stored
        status = 202
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def main() -> None:
    threading.Thread(target=write, daemon=True).start()
    listener = listen("127.0.0.1", 0)
    print(f"bare: http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(app, http="httptools", ws="none", lifespan="off", access_log=False, log_level="warning")
    await uvicorn.Server(config).serve(sockets=[listener])


uvloop.run(main())
