"""A task queue as a small team would use one: huey on SQLite, durable before the 2xx, its consumer's threads beside.

python huey_app.py SECRET SINK FILE        prints its address
"""

from __future__ import annotations

import hmac
import http.client
import json
import sys
import threading
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from huey import SqliteHuey

_SECRET, _SINK, _FILE = sys.argv[1].encode(), urlsplit(sys.argv[2]), sys.argv[3]
huey = SqliteHuey(filename=_FILE, fsync=True)
_own = threading.local()


@huey.task(retries=3)
def greet(project: str, number: int) -> None:
    if not hasattr(_own, "connection"):
        _own.connection = http.client.HTTPConnection(_SINK.hostname or "", _SINK.port)
    _own.connection.request("POST", f"/repos/{project}/issues/{number}/comments", b'{"body":"Thank you"}')
    _own.connection.getresponse().read()


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
        if event["action"] == "opened":
            greet(event["repository"]["full_name"], event["issue"]["number"])
        status = 202
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def main() -> None:
    consumer = huey.create_consumer(workers=4, periodic=False, initial_delay=0.01, max_delay=0.05)
    consumer.start()
    config = uvicorn.Config(app, port=0, http="httptools", ws="none", lifespan="off", access_log=False)
    listener = config.bind_socket()
    print(f"huey: http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


main()
