"""Which connection a message goes through where a workspace has several Slack workspaces or tenants, and what is never guessed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from ai_crm.config.hub_settings import read_hub_settings
from ai_crm.errors import ChangeRefused, ItemMissing, Unsupported, UpstreamUnavailable
from ai_crm.model.delivery import Lease
from ai_crm.model.item import PlatformName
from ai_crm.model.secret import Secret
from ai_crm.ports.queue import HeldChange
from ai_crm.ports.receiver import Connection
from ai_crm.wiring import SystemClock
from ai_crm.wiring.hub import Hub, assemble
from tests.doubles.decisions import Decisions
from tests.doubles.slack_pair import GINA, GLOBEX, GLOBEX_TOKEN, SALES, SlackPair
from tests.doubles.slack_workspace import ANN, BOT_TOKEN, DEV, TEAM
from tests.doubles.teams_server import APP, CHANNEL, TENANT

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
OTHER = "bbbbbbbb-9999-4999-8999-999999999999"


def installed(team: str, token: str, workspace: str = "default") -> Connection:
    return Connection(
        workspace=workspace,
        id=f"slack-{team}",
        platform=PlatformName.SLACK,
        settings={"team": team, "name": team.title()},
        secrets={"token": Secret(token)},
    )


def let_in(tenant: str, workspace: str) -> Connection:
    return Connection(
        workspace=workspace,
        id=f"teams-{tenant}",
        platform=PlatformName.TEAMS,
        settings={"tenant": tenant},
        secrets={},
    )


def held(target: str, connection: str = "", workspace: str = "default") -> HeldChange:
    lease = Lease(workspace=workspace, subject="s", holder="h", generation=1, until=NOON)
    change = Decisions().notify("triage", to=target)
    return HeldChange(change=change, connection=connection, lease=lease, attempts=1, planned_at=NOON)


@pytest.fixture
def slack() -> Iterator[SlackPair]:
    with SlackPair() as running:
        running.tokens[GLOBEX_TOKEN] = GLOBEX
        yield running


@pytest.fixture
def hub(tmp_path: Path, slack: SlackPair) -> Iterator[Hub]:
    """The settings' own token is Acme's, and Globex was invited beside it."""
    environ = {
        "AI_CRM_DATA": str(tmp_path),
        "AI_CRM_SLACK_BOT_TOKEN": BOT_TOKEN,
        "AI_CRM_SLACK_API_URL": slack.url,
    }
    made = assemble(read_hub_settings(environ), SystemClock())
    asyncio.run(made.connections.add(installed(GLOBEX, GLOBEX_TOKEN)))
    yield made
    made.close()


def through(hub: Hub, change: HeldChange) -> str:
    return asyncio.run(hub.desk.reach.connection(change))


@pytest.mark.parametrize(
    ("target", "planned", "expected"),
    [
        (f"{TEAM}/#dev", "", ""),
        (f"{GLOBEX}/#dev", f"slack-{GLOBEX}", f"slack-{GLOBEX}"),
        (f"{GLOBEX}/#dev", "", f"slack-{GLOBEX}"),  # planned before it was connected
        (DEV, f"slack-{GLOBEX}", ""),
        (SALES, f"slack-{GLOBEX}", f"slack-{GLOBEX}"),
        (ANN, f"slack-{GLOBEX}", ""),
        (GINA, "", f"slack-{GLOBEX}"),
        ("#sales", "", f"slack-{GLOBEX}"),
        ("#old", f"slack-{GLOBEX}", ""),
        ("T0GONE/#dev", "slack-T0GONE", "slack-T0GONE"),  # and its applier says that it is gone
        ("#dev", "slack-T0GONE", "slack-T0GONE"),  # others have a channel of that name
        (SALES, "slack-T0GONE", f"slack-{GLOBEX}"),  # there is one of that id alone
    ],
)
def test_a_message_goes_where_its_target_is(hub: Hub, target: str, planned: str, expected: str) -> None:
    assert through(hub, held(target, planned)) == expected


def test_what_both_have_by_name_is_refused_with_what_to_write(hub: Hub) -> None:
    with pytest.raises(ChangeRefused) as refused:
        through(hub, held("#dev"))
    assert refused.value.hint == (
        f"Write {TEAM}/#dev for Acme ({TEAM}) or {GLOBEX}/#dev for T0Globex ({GLOBEX}), or the channel's id"
    )


@pytest.mark.parametrize(("where", "expected"), [(f"{DEV}:1.2", ""), (f"{SALES}:1.2", f"slack-{GLOBEX}")])
def test_what_began_under_a_name_goes_on_where_it_began(hub: Hub, where: str, expected: str) -> None:
    planned = held("#dev", f"slack-{GLOBEX}")
    assert through(hub, replace(planned, change=replace(planned.change, where=where))) == expected


def test_a_workspace_where_the_app_may_not_look_might_have_it_too(hub: Hub, slack: SlackPair) -> None:
    slack.scopes = ("chat:write",)  # Acme's token; Globex's may look
    with pytest.raises(ChangeRefused, match=f"{GLOBEX}/#sales"):
        through(hub, held("#sales"))
    assert through(hub, held(SALES)) == f"slack-{GLOBEX}"  # an id is in one alone
    slack.scopes = ("channels:read",)
    with pytest.raises(ItemMissing):
        through(hub, held("#nowhere"))


def test_a_slack_workspace_that_is_connected_both_ways_is_one(hub: Hub) -> None:
    asyncio.run(hub.connections.add(installed(TEAM, BOT_TOKEN)))
    assert through(hub, held(DEV)) == f"slack-{TEAM}"
    asyncio.run(hub.connections.switch("default", f"slack-{TEAM}", on=False))
    assert through(hub, held(f"{TEAM}/#dev", f"slack-{TEAM}")) == ""  # the settings' token is for the same


def test_a_token_that_is_refused_stops_nobody_else(hub: Hub, slack: SlackPair) -> None:
    del slack.tokens[BOT_TOKEN]
    assert through(hub, held(SALES)) == f"slack-{GLOBEX}"
    with pytest.raises(ItemMissing, match=GLOBEX):
        through(hub, held(DEV))


def test_a_connection_without_a_token_stops_nobody_else(hub: Hub) -> None:
    asyncio.run(hub.connections.add(replace(installed("T0THIRD", "xoxb-third"), secrets={})))
    assert through(hub, held(SALES)) == f"slack-{GLOBEX}"


def test_a_pause_of_who_was_only_asked_is_no_pause_of_the_connection(hub: Hub, slack: SlackPair) -> None:
    slack.slows("conversations.info", 30)
    with pytest.raises(UpstreamUnavailable):
        through(hub, held(DEV, f"slack-{GLOBEX}"))


def test_where_a_channel_is_is_not_asked_for_every_message(hub: Hub, slack: SlackPair) -> None:
    for _ in range(3):
        through(hub, held(SALES))
    assert len(slack.asked("conversations.info")) == 2  # once in each


def test_an_id_that_the_oldest_has_is_looked_for_nowhere_else(hub: Hub, slack: SlackPair) -> None:
    through(hub, held(DEV))
    assert len(slack.asked("conversations.info")) == 1  # whatever is the matter with the others


def test_one_alone_is_asked_nothing(hub: Hub, slack: SlackPair) -> None:
    asyncio.run(hub.connections.add(installed("T0THIRD", "xoxb-third", "other")))
    assert through(hub, held("#anything", "", "other")) == "slack-T0THIRD"
    assert through(hub, held("#anything", "", "nobodys")) == ""
    assert slack.calls == []


# Teams


@pytest.fixture
def teams(tmp_path: Path) -> Iterator[Hub]:
    environ = {
        "AI_CRM_DATA": str(tmp_path),
        "AI_CRM_TEAMS_APP_ID": APP,
        "AI_CRM_TEAMS_APP_PASSWORD": "x",
        "AI_CRM_TEAMS_TENANT_ID": TENANT,
        "AI_CRM_TEAMS_MULTI_TENANT": "1",
        "HTTPS_PROXY": "http://127.0.0.1:9",  # whatever got so far would end there
    }
    made = assemble(read_hub_settings(environ), SystemClock())
    asyncio.run(made.connections.add(let_in(OTHER, "globex")))
    yield made
    made.close()


async def told(hub: Hub, change: HeldChange) -> None:
    sent = replace(change, change=replace(change.change, platform=PlatformName.TEAMS))
    async with hub.desk.reach.applier(sent) as applier:
        await applier.apply(sent.change)


@pytest.mark.parametrize(
    ("workspace", "target", "error"),
    [
        ("default", CHANNEL, UpstreamUnavailable),  # on its way
        ("default", f"{TENANT}/{APP}", UpstreamUnavailable),
        ("default", f"{OTHER}/{APP}", ChangeRefused),
        ("globex", f"{OTHER}/{APP}", UpstreamUnavailable),
        ("globex", APP, UpstreamUnavailable),
        ("globex", f"{TENANT}/{APP}", ChangeRefused),
        ("nobodys", CHANNEL, Unsupported),
    ],
)
def test_a_workspace_tells_its_own_tenants_alone(
    teams: Hub, workspace: str, target: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        asyncio.run(told(teams, held(target, "", workspace)))


def test_a_tenant_that_is_sent_away_is_told_nothing_more(teams: Hub) -> None:
    asyncio.run(teams.connections.switch("globex", f"teams-{OTHER}", on=False))
    with pytest.raises(Unsupported, match="ai-crm teams allow"):
        asyncio.run(told(teams, held(f"{OTHER}/{APP}", f"teams-{OTHER}", "globex")))


def test_somebody_without_a_tenant_is_not_looked_for_in_one_of_several(teams: Hub) -> None:
    third = "dddddddd-9999-4999-8999-999999999999"
    asyncio.run(teams.connections.add(let_in(third, "globex")))
    with pytest.raises(ChangeRefused, match="TENANT_ID/PERSON"):
        asyncio.run(told(teams, held(APP, "", "globex")))
    with pytest.raises(UpstreamUnavailable):
        asyncio.run(told(teams, held(f"{third}/{APP}", "", "globex")))


def test_a_sweep_for_lost_deliveries_passes_what_is_no_connection_to_github_by(teams: Hub) -> None:
    async def swept() -> int:
        return await teams.sweep()

    assert asyncio.run(swept()) == 0
