"""The least that a durable hub can be: HMAC, one table, group commit with synchronous=FULL, one rule, one call, marked done.

    python bare_hub.py FILE SECRET SINK        prints its address

No de-duplication but the delivery id, no retries, no order, no leases: after a crash it calls again what was under way.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import queue
import sqlite3
import sys
import threading
from typing import Any
from urllib.parse import urlsplit

import uvicorn
import uvloop

from ai_crm.hub.server import listen

_FILE, _SECRET, _SINK = sys.argv[1], sys.argv[2].encode(), urlsplit(sys.argv[3])
_CALLS = 16
_jobs: queue.SimpleQueue[tuple[str, Any, asyncio.Future[None], asyncio.AbstractEventLoop]] = queue.SimpleQueue()
_work: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

_ADD = "INSERT OR IGNORE INTO inbox (delivery, name, body, done) VALUES (?, ?, ?, 0)"
_DONE = "UPDATE inbox SET done = 1 WHERE delivery = ?"


def write() -> None:
    database = sqlite3.connect(_FILE, isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute(
        "CREATE TABLE inbox (id INTEGER PRIMARY KEY, delivery TEXT UNIQUE, name TEXT, body BLOB, done INTEGER)"
    )
    while True:
        batch = [_jobs.get()]
        while len(batch) < 256 and not _jobs.empty():
            batch.append(_jobs.get())
        database.execute("BEGIN IMMEDIATE")
        for statement, row, _future, _loop in batch:
            database.execute(statement, row)
        database.execute("COMMIT")
        batch[0][3].call_soon_threadsafe(tell, [future for _statement, _row, future, _loop in batch])


def tell(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)


async def stored(statement: str, row: tuple[Any, ...]) -> None:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()
    _jobs.put((statement, row, future, loop))
    await future


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
        event = json.loads(body)
        delivery = headers[b"x-github-delivery"].decode()
        await stored(_ADD, (delivery, headers[b"x-github-event"].decode(), body))
        _work.put_nowait((delivery, event))
        status = 202
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def carry_out() -> None:
    reader, writer = await asyncio.open_connection(_SINK.hostname, _SINK.port)
    body = b'{"body":"Thank you"}'
    while True:
        delivery, event = await _work.get()
        if event["action"] == "opened":
            path = f"/repos/{event['repository']['full_name']}/issues/{event['issue']['number']}/comments"
            writer.write(f"POST {path} HTTP/1.1\r\nHost: sink\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        await stored(_DONE, (delivery,))


async def main() -> None:
    threading.Thread(target=write, daemon=True).start()
    listener = listen("127.0.0.1", 0)
    print(f"bare: http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(app, http="httptools", ws="none", lifespan="off", access_log=False, log_level="warning")
    calling = [asyncio.create_task(carry_out()) for _ in range(_CALLS)]
    await uvicorn.Server(config).serve(sockets=[listener])
    for task in calling:
        task.cancel()


uvloop.run(main())
