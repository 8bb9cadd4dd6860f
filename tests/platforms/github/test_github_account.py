"""What the hub keeps between conversations with GitHub, and what it must not keep."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ai_crm.errors import (
    AiCrmError,
    CredentialsRefused,
    RateLimited,
    RulesInvalid,
    UpstreamUnavailable,
)
from ai_crm.model.change import AddLabels, change_key
from ai_crm.model.item import ItemKind, ItemRef, PlatformName
from ai_crm.model.secret import Secret
from ai_crm.model.task import RuleId
from ai_crm.platforms.github import Access, GitHub
from ai_crm.platforms.github.account import GitHubAccount
from ai_crm.platforms.github.credentials import AppCredentials, Hook, TokenCredentials
from ai_crm.ports import RulesText
from tests.doubles.github_app import FakeApp
from tests.doubles.github_server import FakeGitHub, Fault
from tests.doubles.notices import inline

PROJECT = "octo/hello"
RULES = ".github/ai-crm.yml"
NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
NewAccount = Callable[..., GitHubAccount]
Finish = Callable[[Coroutine[Any, Any, Any]], Any]


class Hour:
    """A clock that is set by hand, in seconds since 1970."""

    def __init__(self) -> None:
        self.now = NOW.timestamp()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hour() -> Hour:
    return Hour()


@pytest.fixture
def new_account(fake_github: FakeGitHub, naps: list[float], hour: Hour) -> Iterator[NewAccount]:
    """An account at the fake; with its token unless other credentials are given."""
    made: list[GitHubAccount] = []

    def connect(credentials: TokenCredentials | AppCredentials | None = None) -> GitHubAccount:
        where = Access(api_url=fake_github.url, graphql_url=fake_github.graphql_url)
        token = TokenCredentials(token=Secret(fake_github.token))
        made.append(GitHubAccount(credentials or token, inline, naps.append, hour, where))
        return made[-1]

    yield connect
    for account in made:
        account.close()


@pytest.fixture
def account(new_account: NewAccount) -> GitHubAccount:
    return new_account()


@pytest.fixture
def app(fake_github: FakeGitHub, hour: Hour) -> FakeApp:
    fake_github.app = FakeApp(hour.now)
    return fake_github.app


@pytest.fixture
def of_app(new_account: NewAccount, app: FakeApp) -> GitHubAccount:
    return new_account(AppCredentials(app_id=app.app_id, private_key=Secret(app.private_key)))


@pytest.fixture
def rules(finish: Finish) -> Callable[[GitHubAccount], RulesText | None]:
    """The project's rules, read in a conversation of their own."""

    def read(account: GitHubAccount) -> RulesText | None:
        github = account.open(PROJECT)
        try:
            found: RulesText | None = finish(github.rules(PROJECT))
            return found
        finally:
            github.close()

    return read


Rules = Callable[[GitHubAccount], RulesText | None]


def add_label(github: GitHub, finish: Finish, number: int, label: str = "bug") -> None:
    item, rule = ItemRef(PlatformName.GITHUB, PROJECT, ItemKind.ISSUE, str(number)), RuleId("triage")
    change = AddLabels(
        key=change_key(rule, item, "labels", label), rule=rule, item=item, because="it says so", labels=(label,)
    )
    finish(github.apply(change))


def test_opening_a_conversation_asks_nothing(account: GitHubAccount, fake_github: FakeGitHub) -> None:
    account.open(PROJECT).close()
    assert fake_github.connections == 0


def test_what_was_learned_is_not_sent_again_while_it_is_the_same(
    account: GitHubAccount, fake_github: FakeGitHub, finish: Finish
) -> None:
    def read() -> RulesText | None:
        with closing(account.open(PROJECT)) as github:
            found: RulesText | None = finish(github.learned(PROJECT, "learned.json"))
            return found

    fake_github.put_file("learned.json", b"{}")
    assert read() == read() == RulesText("learned.json", b"{}", "default branch")
    assert (fake_github.calls(), fake_github.unchanged) == (2, 1)
    fake_github.put_file("learned.json", b"{ }")
    assert read() == RulesText("learned.json", b"{ }", "default branch")


def test_conversations_use_one_connection_after_the_other(
    account: GitHubAccount, fake_github: FakeGitHub, rules: Rules
) -> None:
    for _ in range(5):
        rules(account)
    assert fake_github.connections == 1


def test_conversations_at_the_same_time_have_a_connection_each(
    account: GitHubAccount, fake_github: FakeGitHub, finish: Finish
) -> None:
    first, second = account.open(PROJECT), account.open(PROJECT)
    for github in (first, second, first):
        finish(github.rules(PROJECT))
    first.close()
    second.close()
    assert fake_github.connections == 2


def test_eight_connections_are_kept_at_most(account: GitHubAccount, fake_github: FakeGitHub, finish: Finish) -> None:
    for _ in range(2):
        crowd = [account.open(PROJECT) for _ in range(9)]
        for github in crowd:
            finish(github.rules(PROJECT))
        for github in crowd:
            github.close()
    assert fake_github.connections == 10


def test_after_the_account_was_closed_conversations_hang_up_themselves(
    account: GitHubAccount, fake_github: FakeGitHub, finish: Finish, rules: Rules
) -> None:
    github = account.open(PROJECT)
    finish(github.rules(PROJECT))
    account.close()
    github.close()
    rules(account)
    assert fake_github.connections == 2


def test_a_connection_that_was_idle_for_long_is_not_used_again(
    account: GitHubAccount, fake_github: FakeGitHub, rules: Rules, hour: Hour
) -> None:
    rules(account)
    hour.now += 60
    rules(account)
    assert fake_github.connections == 2


def test_writes_share_pygithubs_connection_too(account: GitHubAccount, fake_github: FakeGitHub, finish: Finish) -> None:
    number = fake_github.open_issue("It crashes")
    for label in ("bug", "urgent"):
        github = account.open(PROJECT)
        add_label(github, finish, number, label)
        github.close()
    assert fake_github.labels_of(number) == ["bug", "urgent"]
    assert fake_github.connections == 1


def test_what_a_conversation_read_is_forgotten_with_it(
    account: GitHubAccount, fake_github: FakeGitHub, finish: Finish
) -> None:
    number = fake_github.open_issue("It crashes")
    item = ItemRef(PlatformName.GITHUB, PROJECT, ItemKind.ISSUE, str(number))
    fresh = account.open(PROJECT, fresh=frozenset({item}))
    assert finish(fresh.read_card(item)) is None
    fresh.close()
    assert fake_github.calls() == 0
    later = account.open(PROJECT)
    assert finish(later.read_card(item)) is None
    later.close()
    assert fake_github.calls() >= 1


def test_a_limit_that_was_hit_stops_this_conversation_and_not_the_next(
    account: GitHubAccount, fake_github: FakeGitHub, finish: Finish, rules: Rules
) -> None:
    fake_github.put_file(RULES, "version: 1")
    fake_github.fail(Fault(status=429, headers={"retry-after": "7"}))
    limited = account.open(PROJECT)
    for _ in range(2):
        with pytest.raises(RateLimited) as caught:
            finish(limited.rules(PROJECT))
        assert caught.value.retry_after == 7
    limited.close()
    assert fake_github.calls() == 1
    assert rules(account) == RulesText(RULES, b"version: 1", "default branch")


def test_rules_that_did_not_change_are_not_sent_again(
    account: GitHubAccount, fake_github: FakeGitHub, rules: Rules
) -> None:
    fake_github.put_file(RULES, "version: 1")
    first = rules(account)
    assert [rules(account) for _ in range(3)] == [first] * 3
    assert (fake_github.calls(), fake_github.unchanged) == (4, 3)


def test_rules_that_changed_are_noticed_at_once(account: GitHubAccount, fake_github: FakeGitHub, rules: Rules) -> None:
    for text in ("version: 1", "version: 1\nrules: []", "version: 1"):
        fake_github.put_file(RULES, text)
        assert rules(account) == RulesText(RULES, text.encode(), "default branch")


def test_missing_broken_and_unreachable_rules_stay_three_states(
    account: GitHubAccount, fake_github: FakeGitHub, rules: Rules
) -> None:
    assert rules(account) is None
    fake_github.put_file(RULES, "version: 1", type="symlink")
    for _ in range(2):
        with pytest.raises(RulesInvalid):
            rules(account)
    fake_github.put_file(RULES, "version: 1")
    assert rules(account) is not None
    fake_github.fail(Fault(status=502), times=3)
    with pytest.raises(UpstreamUnavailable):
        rules(account)
    assert rules(account) is not None
    del fake_github.repo.files[RULES]
    assert rules(account) is None


def test_rules_are_not_shown_to_a_token_that_lost_sight_of_them(
    account: GitHubAccount, fake_github: FakeGitHub, rules: Rules
) -> None:
    fake_github.put_file(RULES, "version: 1")
    rules(account)
    fake_github.grant("issues: write")
    with pytest.raises(CredentialsRefused):
        rules(account)


def test_an_app_asks_for_one_token_for_all_its_conversations(
    of_app: GitHubAccount, app: FakeApp, fake_github: FakeGitHub, rules: Rules, finish: Finish
) -> None:
    fake_github.put_file(RULES, "version: 1")
    number = fake_github.open_issue("It crashes")
    for _ in range(3):
        assert rules(of_app) is not None
    github = of_app.open(PROJECT)
    add_label(github, finish, number)
    github.close()
    assert fake_github.labels_of(number) == ["bug"]
    assert app.issued == ["ghs_issued_0"]


def test_many_threads_ask_for_one_token(of_app: GitHubAccount, app: FakeApp, rules: Rules) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            rules(of_app)
        except AiCrmError as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(app.issued) == 1


def test_a_token_is_renewed_five_minutes_before_its_end(
    of_app: GitHubAccount, app: FakeApp, rules: Rules, hour: Hour
) -> None:
    rules(of_app)
    for seconds, tokens in ((54 * 60, 1), (61, 2)):
        hour.now = app.now = hour.now + seconds
        rules(of_app)
        assert len(app.issued) == tokens


def test_a_token_that_github_refuses_is_replaced_for_the_next_conversation(
    of_app: GitHubAccount, app: FakeApp, rules: Rules
) -> None:
    rules(of_app)
    app.issued[0] = "revoked"
    with pytest.raises(CredentialsRefused):
        rules(of_app)
    rules(of_app)
    assert app.issued == ["revoked", "ghs_issued_1"]


def test_only_what_the_installation_was_granted_is_asked_for(
    of_app: GitHubAccount, app: FakeApp, fake_github: FakeGitHub, rules: Rules
) -> None:
    app.granted = {"issues": "read", "pull_requests": "write", "metadata": "read", "administration": "write"}
    rules(of_app)
    (asked,) = [seen.json for seen in fake_github.requests if seen.path.endswith("/access_tokens")]
    assert asked == {"permissions": {"issues": "read", "pull_requests": "write", "metadata": "read"}}


def test_a_permission_that_was_taken_away_meanwhile_is_left_out(
    of_app: GitHubAccount, app: FakeApp, rules: Rules
) -> None:
    app.shown = {**app.granted}
    del app.granted["members"]
    rules(of_app)
    assert len(app.issued) == 1


def test_an_app_that_may_nothing_asks_for_nothing(of_app: GitHubAccount, app: FakeApp, rules: Rules) -> None:
    app.granted = {"administration": "read"}
    with pytest.raises(CredentialsRefused, match="may do nothing"):
        rules(of_app)
    assert app.issued == []


def test_an_app_that_is_not_installed_says_so(of_app: GitHubAccount, app: FakeApp, rules: Rules) -> None:
    app.installed = False
    with pytest.raises(CredentialsRefused, match=r"octo/hello: the GitHub App is not installed there"):
        rules(of_app)
    app.installed = True
    rules(of_app)


def test_another_apps_key_is_refused_with_what_to_check(new_account: NewAccount, app: FakeApp, rules: Rules) -> None:
    other = AppCredentials(app_id="another", private_key=Secret(app.private_key))
    with pytest.raises(CredentialsRefused, match="Check the app's id and private key"):
        rules(new_account(other))


@pytest.mark.parametrize(
    "broken", ["", "canary", "-----BEGIN RSA PRIVATE KEY-----\ncanary\n-----END RSA PRIVATE KEY-----"]
)
def test_a_broken_key_is_not_told(new_account: NewAccount, app: FakeApp, rules: Rules, broken: str) -> None:
    with pytest.raises(CredentialsRefused, match="private key cannot be used") as caught:
        rules(new_account(AppCredentials(app_id=app.app_id, private_key=Secret(broken))))
    assert caught.value.__cause__ is None
    assert "canary" not in str(caught.value)


def test_no_credential_is_in_a_repr(fake_github: FakeGitHub, app: FakeApp) -> None:
    shown = repr(AppCredentials(app_id=app.app_id, private_key=Secret(app.private_key)))
    assert "BEGIN" not in shown
    assert fake_github.token not in repr(TokenCredentials(token=Secret(fake_github.token)))


def delivered(number: int, guid: str, status: str, minutes: int) -> dict[str, Any]:
    at = NOW - timedelta(minutes=minutes)
    return {
        "id": number,
        "guid": guid,
        "delivered_at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "redelivery": False,
        "status": status,
        "status_code": 200 if status == "OK" else 502,
        "event": "issues",
        "action": "opened",
    }


def test_deliveries_that_never_arrived_are_found_and_sent_again(
    of_app: GitHubAccount, app: FakeApp, finish: Finish
) -> None:
    app.deliveries = [
        delivered(5, "once-lost", "OK", 1),
        delivered(4, "lost", "timed out", 2),
        delivered(3, "lost-early", "Invalid HTTP Response: 502", 3),
        delivered(2, "once-lost", "timed out", 4),
        delivered(1, "too-old", "timed out", 90),
    ]
    found = finish(of_app.failed_deliveries(NOW - timedelta(hours=1)))
    assert [(one.guid, one.event, one.delivered_at) for one in found] == [
        ("lost-early", "issues", NOW - timedelta(minutes=3)),
        ("lost", "issues", NOW - timedelta(minutes=2)),
    ]
    for one in found:
        finish(of_app.redeliver(one.id))
    assert app.sent_again == ["3", "4"]


def test_failed_deliveries_are_looked_for_on_every_page(of_app: GitHubAccount, app: FakeApp, finish: Finish) -> None:
    app.deliveries = [delivered(500 - i, f"guid-{i}", "OK", i) for i in range(250)]
    app.deliveries.append(delivered(1, "lost", "timed out", 300))
    (lost,) = finish(of_app.failed_deliveries(NOW - timedelta(days=1)))
    assert lost.guid == "lost"


def test_a_token_asks_for_the_deliveries_of_its_hooks(
    new_account: NewAccount, app: FakeApp, fake_github: FakeGitHub, finish: Finish
) -> None:
    app.deliveries = [delivered(4, "lost", "timed out", 2)]
    token = TokenCredentials(token=Secret(fake_github.token), hooks=(Hook(PROJECT, 12),))
    account = new_account(token)
    (lost,) = finish(account.failed_deliveries(NOW - timedelta(hours=1)))
    finish(account.redeliver(lost.id))
    assert fake_github.requests[-1].path == "/repos/octo/hello/hooks/12/deliveries/4/attempts"


def test_a_token_without_hooks_knows_of_no_deliveries(account: GitHubAccount, finish: Finish) -> None:
    assert finish(account.failed_deliveries(NOW)) == ()


@pytest.mark.parametrize("identity", ["", "7", "/repos/octo/hello/issues/7", "/app/hook/deliveries/7/../8"])
def test_only_what_names_a_delivery_is_sent_again(account: GitHubAccount, finish: Finish, identity: str) -> None:
    with pytest.raises(ValueError, match="not the id of a delivery"):
        finish(account.redeliver(identity))
