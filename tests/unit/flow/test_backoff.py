from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ai_crm.errors import ChangeRefused, CredentialsRefused, RateLimited, UpstreamUnavailable
from ai_crm.flow.backoff import OLDEST, next_attempt

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
AWAY = UpstreamUnavailable("no answer")
HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)


def test_waits_double_up_to_an_hour() -> None:
    waits = [next_attempt(AWAY, attempts, NOW, NOW, 1.0) for attempts in (1, 2, 3, 4, 11, 12, 13, 10**9)]

    seconds = [(wait - NOW).total_seconds() for wait in waits if wait]
    assert seconds == [2, 4, 8, 16, 2048, 3600, 3600, 3600]


def test_chance_spreads_what_failed_together() -> None:
    early, late = next_attempt(AWAY, 5, NOW, NOW, 0.0), next_attempt(AWAY, 5, NOW, NOW, 1.0)

    assert early == NOW + timedelta(seconds=16)
    assert late == NOW + timedelta(seconds=32)


def test_what_no_repetition_mends_is_given_up_at_once() -> None:
    for error in (ChangeRefused("no"), CredentialsRefused("no")):
        assert next_attempt(error, 1, NOW, NOW, 0.5) is None


def test_after_three_days_it_is_given_up_and_not_a_moment_before() -> None:
    assert next_attempt(AWAY, 1, NOW - OLDEST, NOW, 0.5) is None
    assert next_attempt(AWAY, 10_000, NOW - OLDEST + TICK, NOW, 0.5) is not None


failures = st.one_of(st.just(AWAY), st.floats(-5, 7200).map(lambda asked: RateLimited("slower", retry_after=asked)))


@given(
    failing=st.lists(st.tuples(failures, st.floats(0, 1)), min_size=1, max_size=20),
    first=st.integers(1, 40),
)
def test_an_outage_of_less_than_three_days_only_makes_work_wait(
    failing: list[tuple[UpstreamUnavailable | RateLimited, float]], first: int
) -> None:
    """Each schedule that chance and platforms can make: they answer the same again and again until it is given up."""
    now, attempts = NOW, first
    while attempts < 2000:
        error, chance = failing[attempts % len(failing)]
        again = next_attempt(error, attempts, NOW, now, chance)
        if again is None:
            break
        asked = timedelta(seconds=error.retry_after) if isinstance(error, RateLimited) else None
        assert TICK < again - now <= (HOUR if asked is None else asked * 1.1 + TICK)
        assert asked is None or again - now >= asked - TICK
        now, attempts = again, attempts + 1
    assert attempts == 2000 or now - NOW >= OLDEST


@given(asked=st.floats(1, 1e300) | st.just(float("inf")), chance=st.floats(0, 1))
def test_a_platform_that_asks_for_the_moon_is_no_fault(asked: float, chance: float) -> None:
    again = next_attempt(RateLimited("slower", retry_after=asked), 1, NOW, NOW, chance)

    assert again is not None
    assert again - NOW >= min(timedelta(seconds=min(asked, 1e6)), OLDEST) - TICK
