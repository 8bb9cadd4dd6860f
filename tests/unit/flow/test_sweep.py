from datetime import UTC, datetime

from msgspec import Struct

from ai_crm.flow.sweep import MOST, REACH, sweep
from tests.conftest import Finish

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Lost(Struct, frozen=True):
    guid: str
    id: str


class Platform:
    """Remembers what it was asked for."""

    def __init__(self, *lost: Lost) -> None:
        self._lost = lost
        self.since: datetime | None = None
        self.asked: list[str] = []

    async def failed_deliveries(self, since: datetime) -> tuple[Lost, ...]:
        self.since = since
        return self._lost

    async def redeliver(self, identity: str) -> None:
        self.asked.append(identity)


async def only_a(guid: str) -> bool:
    return guid == "a"


def test_what_never_arrived_is_asked_for_and_what_did_is_not(finish: Finish) -> None:
    platform = Platform(Lost("a", "1"), Lost("b", "2"), Lost("c", "3"))

    assert finish(sweep(platform, only_a, NOW)) == 2
    assert platform.asked == ["2", "3"]
    assert platform.since == NOW - REACH


def test_a_long_outage_is_made_up_for_in_portions(finish: Finish) -> None:
    platform = Platform(*(Lost(f"x{number}", str(number)) for number in range(MOST + 50)))

    assert finish(sweep(platform, only_a, NOW)) == MOST
    assert platform.asked[0] == "0"
