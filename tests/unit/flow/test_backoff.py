from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ai_crm.errors import ChangeRefused, CredentialsRefused, RateLimited, UpstreamUnavailable
from ai_crm.flow.backoff import MOST_ATTEMPTS, OLDEST, next_attempt

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
AWAY = UpstreamUnavailable("no answer")


def test_waits_double_up_to_an_hour() -> None:
    waits = [next_attempt(AWAY, attempts, NOW, NOW, 1.0) for attempts in range(1, MOST_ATTEMPTS)]

    seconds = [(wait - NOW).total_seconds() for wait in waits if wait]
    assert seconds[:4] == [2, 4, 8, 16]
    assert max(seconds) <= 3600
    assert len(seconds) == MOST_ATTEMPTS - 1


def test_chance_spreads_what_failed_together() -> None:
    early, late = next_attempt(AWAY, 5, NOW, NOW, 0.0), next_attempt(AWAY, 5, NOW, NOW, 1.0)

    assert early == NOW + timedelta(seconds=16)
    assert late == NOW + timedelta(seconds=32)


def test_what_no_repetition_mends_is_given_up_at_once() -> None:
    for error in (ChangeRefused("no"), CredentialsRefused("no")):
        assert next_attempt(error, 1, NOW, NOW, 0.5) is None


def test_after_the_last_attempt_or_three_days_it_is_given_up() -> None:
    assert next_attempt(AWAY, MOST_ATTEMPTS, NOW, NOW, 0.5) is None
    assert next_attempt(AWAY, 1, NOW - OLDEST - timedelta(seconds=1), NOW, 0.5) is None


@given(asked=st.floats(1, 3600), attempts=st.integers(1, MOST_ATTEMPTS - 1), chance=st.floats(0, 1))
def test_a_platform_that_asks_for_a_pause_gets_it(asked: float, attempts: int, chance: float) -> None:
    again = next_attempt(RateLimited("slower", retry_after=asked), attempts, NOW, NOW, chance)

    assert again is not None
    assert (again - NOW) >= timedelta(seconds=asked) - timedelta(microseconds=1)
