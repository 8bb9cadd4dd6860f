"""How a target says which Slack workspace or Teams tenant it is in: what was spelled is read, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_crm.model.item import PlatformName
from ai_crm.model.space import connection_in, is_id, parted, spelled

SLACK, TEAMS = PlatformName.SLACK, PlatformName.TEAMS
TENANT = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


@pytest.mark.parametrize(
    ("platform", "target", "expected"),
    [
        (SLACK, "T0ACME/#dev", ("T0ACME", "#dev")),
        (SLACK, "E0ORG/U0ANN", ("E0ORG", "U0ANN")),
        (SLACK, "#t0acme/dev", ("", "#t0acme/dev")),
        (SLACK, "acme/#dev", ("", "acme/#dev")),
        (SLACK, "C0DEV", ("", "C0DEV")),
        (TEAMS, f"{TENANT}/29:1abc/def", (TENANT, "29:1abc/def")),
        (TEAMS, f"{TENANT.upper()}/19:a@thread.v2", (TENANT, "19:a@thread.v2")),
        (TEAMS, "29:1abc/def", ("", "29:1abc/def")),
        (TEAMS, TENANT, ("", TENANT)),
        (PlatformName.GITHUB, "T0ACME/x", ("", "T0ACME/x")),
    ],
)
def test_a_space_stands_before_the_target(platform: PlatformName, target: str, expected: tuple[str, str]) -> None:
    assert parted(platform, target) == expected


@given(
    platform=st.sampled_from([SLACK, TEAMS]),
    target=st.text(max_size=40).filter(lambda text: not parted(SLACK, text)[0] and not parted(TEAMS, text)[0]),
    named=st.booleans(),
)
def test_what_was_spelled_is_read_again(platform: PlatformName, target: str, named: bool) -> None:  # noqa: FBT001 - drawn
    space = ("T0ACME" if platform is SLACK else TENANT) if named else ""
    assert parted(platform, spelled(space, target)) == (space, target)


@pytest.mark.parametrize(
    ("target", "expected"), [("C0DEV", True), ("U0ANN", True), ("#dev", False), ("dev", False), ("#C0DEV", False)]
)
def test_an_id_in_slack_is_no_name(target: str, expected: bool) -> None:  # noqa: FBT001 - of a table
    assert is_id(SLACK, target) is expected


def test_a_tenant_has_one_connection_however_it_is_written() -> None:
    assert connection_in(TEAMS, TENANT.upper()) == connection_in(TEAMS, TENANT) == f"teams-{TENANT}"
    assert connection_in(SLACK, "T0ACME") == "slack-T0ACME"
