"""A bot on gidgethub and aiohttp, in the shape of its documentation, with one session for all calls. Stores nothing.

python gidgethub_app.py SECRET SINK FILE        prints its address
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import aiohttp
from aiohttp import web
from gidgethub import routing, sansio
from gidgethub.aiohttp import GitHubAPI

_SECRET, _SINK = sys.argv[1], sys.argv[2]
router = routing.Router()


@router.register("issues", action="opened")
async def opened(event: sansio.Event, github: GitHubAPI) -> None:
    project, number = event.data["repository"]["full_name"], event.data["issue"]["number"]
    await github.post(f"/repos/{project}/issues/{number}/comments", data={"body": "Thank you"})


async def main() -> None:
    async with aiohttp.ClientSession() as session:
        github = GitHubAPI(session, "benchmark", oauth_token="none", base_url=_SINK)  # noqa: S106 - of nobody

        async def receive(request: web.Request) -> Any:
            event = sansio.Event.from_http(request.headers, await request.read(), secret=_SECRET)
            await router.dispatch(event, github)
            return web.Response(status=200)

        app = web.Application(client_max_size=30 * 2**20)
        app.router.add_post("/", receive)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        print(f"gidgethub: http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
        await asyncio.Event().wait()


asyncio.run(main())
