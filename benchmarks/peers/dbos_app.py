"""A durable workflow for each webhook: DBOS on SQLite, its workflow stored before the 2xx, one step that calls.

python dbos_app.py SECRET SINK FILE        prints its address
"""

from __future__ import annotations

import hmac
import json
import sys
from typing import Any

import aiohttp
import uvicorn
from dbos import DBOS, SetWorkflowID

_SECRET, _SINK, _FILE = sys.argv[1].encode(), sys.argv[2], sys.argv[3]
DBOS(
    config={
        "name": "benchmark",
        "system_database_url": f"sqlite:///{_FILE}",
        "run_admin_server": False,
        "log_level": "ERROR",
    }
)
_sessions: list[aiohttp.ClientSession] = []


@DBOS.step()
async def greet(project: str, number: int) -> None:
    if not _sessions:
        _sessions.append(aiohttp.ClientSession())
    async with _sessions[0].post(
        f"{_SINK}/repos/{project}/issues/{number}/comments", json={"body": "Thank you"}
    ) as answer:
        await answer.read()


@DBOS.workflow()
async def work(event: dict[str, Any]) -> None:
    if event["action"] == "opened":
        await greet(event["repository"]["full_name"], event["issue"]["number"])


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
        with SetWorkflowID(headers[b"x-github-delivery"].decode()):
            await DBOS.start_workflow_async(work, json.loads(body))
        status = 202
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def main() -> None:
    DBOS.launch()
    config = uvicorn.Config(app, port=0, http="httptools", ws="none", lifespan="off", access_log=False)
    listener = config.bind_socket()
    print(f"dbos: http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


main()
