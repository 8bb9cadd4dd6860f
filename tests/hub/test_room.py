"""Bodies under way share so much memory and no more, and who stalls makes room for who does not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from hypothesis import given, settings
from hypothesis import strategies as st

from ai_crm.hub.room import Guest, Room


class Body:
    """Comes in pieces; `go` lets the next one come, where it has to be waited for."""

    def __init__(self, room: Room, *pieces: int, go: asyncio.Event | None = None) -> None:
        self._room = room
        self._pieces = pieces
        self._go = go
        self.read = 0

    async def come(self, leave: asyncio.Event | None = None) -> bool:
        """False when it was sent away. It stays in memory until `leave`."""
        try:
            async with asyncio.timeout(None) as reading:
                with self._room.guest(reading) as guest:
                    await self._pieces_of(guest)
                    self._room.stay(guest)
                    if leave:
                        await leave.wait()
        except TimeoutError:
            return False
        return True

    async def _pieces_of(self, guest: Guest) -> None:
        for size in self._pieces:
            await self._room.take(guest, size)
            self.read += size
            if self._go:
                await self._go.wait()


def run(work: Awaitable[bool]) -> bool:
    async def bounded() -> bool:
        return await asyncio.wait_for(work, 20)

    return asyncio.run(bounded())


async def begun(body: Body, leave: asyncio.Event | None = None) -> asyncio.Task[bool]:
    task = asyncio.create_task(body.come(leave))
    await asyncio.sleep(0)
    return task


def test_while_there_is_room_nobody_is_sent_away_however_slow() -> None:
    async def work() -> bool:
        room, go = Room(100, patience=0), asyncio.Event()
        slow = await begun(Body(room, 10, 10, go=go))
        quick = [await Body(room, 80).come() for _ in range(50)]
        go.set()
        return all(quick) and await slow

    assert run(work())


def test_who_stalls_makes_room_the_longest_first() -> None:
    async def work() -> bool:
        room, never = Room(100, patience=0.05), asyncio.Event()
        stalled = [await begun(Body(room, 40, 10, go=never)) for _ in range(2)]
        honest = await Body(room, 30, 30).come()
        assert not await stalled[0]
        assert not stalled[1].done()
        stalled[1].cancel()
        return honest

    assert run(work())


def test_who_is_in_a_hurry_waits_for_a_moment_and_nobody_is_lost() -> None:
    async def crowd() -> bool:
        room, leave = Room(100, patience=60), asyncio.Event()
        first = await begun(Body(room, 100), leave)
        others = [await begun(Body(room, 100)) for _ in range(5)]
        assert not any(each.done() for each in others)
        leave.set()
        return await first and all(await asyncio.gather(*others))

    assert run(crowd())


def test_what_is_complete_is_never_sent_away() -> None:
    async def work() -> bool:
        room, leave = Room(100, patience=0.01), asyncio.Event()
        complete = await begun(Body(room, 90), leave)
        late = await begun(Body(room, 50))
        await asyncio.sleep(0.1)
        assert not late.done() or not await late  # it waits, or it waited too long itself
        leave.set()
        return await complete

    assert run(work())


def test_two_that_only_fit_one_after_the_other_do_not_block_each_other_for_ever() -> None:
    async def work() -> bool:
        room = Room(100, patience=0.02)
        done = await asyncio.gather(*(Body(room, 60, 40).come() for _ in range(4)))
        return any(done)

    assert run(work())


@settings(max_examples=50, deadline=None, derandomize=True)
@given(bodies=st.lists(st.lists(st.integers(1, 40), max_size=5), max_size=8))
def test_all_room_is_given_back_and_never_more_given_than_there_is(bodies: list[list[int]]) -> None:
    async def work() -> bool:
        room = Room(200, patience=0.001)
        running = [await begun(Body(room, *pieces)) for pieces in bodies]
        while not all(each.done() for each in running):
            assert room._free >= 0
            await asyncio.sleep(0)
        return room._free == 200

    assert run(work())
