"""Moves from Redis into a database until it is killed: `killed_mover.py REDIS DATABASE "before the commit"|"after the commit"`.

It kills itself at the moment at which its first batch is on its way; a program of its own, because that takes all along.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from ai_crm.model.delivery import Delivery
from ai_crm.ports.queue import Accepted
from ai_crm.store.database import engine_for
from ai_crm.store.inbox import SqlInbox
from ai_crm.store.redis_inbox import redis_at
from ai_crm.store.redis_mover import Mover
from ai_crm.store.transactions import Grouped


async def main(redis: str, database: str, moment: str) -> None:
    inbox = SqlInbox(Grouped(engine_for(database)))
    under_way = 0

    async def accept(delivery: Delivery) -> Accepted:
        nonlocal under_way
        if moment == "before the commit":
            os.kill(os.getpid(), signal.SIGKILL)
        under_way += 1
        accepted = await inbox.accept(delivery)
        under_way -= 1
        if not under_way:
            os.kill(os.getpid(), signal.SIGKILL)
        return accepted

    await Mover(redis_at(redis), accept, lambda: None, print).run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
