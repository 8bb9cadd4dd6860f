"""What holds for every platform: whatever it is asked, and however its far side behaves. A new platform: one Case."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, get_args

import pytest
from msgspec.structs import replace

from ai_crm.errors import (
    AiCrmError,
    ChangeRefused,
    EventUnknown,
    RateLimited,
    SettingsInvalid,
    SignatureInvalid,
    Unsupported,
    UpstreamError,
    UpstreamUnavailable,
)
from ai_crm.model.change import (
    AddLabels,
    Applied,
    Assign,
    CallWebhook,
    Change,
    Comment,
    CreateItem,
    Notify,
    OutboundChange,
    RemoveLabels,
    RequestReview,
    ShowCard,
    Text,
    change_key,
)
from ai_crm.model.item import ItemKind, ItemRef, PlatformName, Project
from ai_crm.model.task import RuleId
from ai_crm.model.trigger import TRIGGERS
from ai_crm.platforms.github import Access, GitHub
from ai_crm.platforms.printed import Printed
from ai_crm.platforms.slack import Slack
from ai_crm.platforms.teams import BotAccount, Teams
from ai_crm.platforms.webhook import Webhooks
from ai_crm.ports import Applier, Capabilities, Platform, RawRequest
from tests.doubles.loopback import Loopback, Reply
from tests.doubles.notices import inline, shows, task

if TYPE_CHECKING:
    from tests.conftest import Finish

CANARY = "canary-Zx81-9f3kQ7mB2vT6wL0s"
OUTBOUND: tuple[type[Change], ...] = get_args(OutboundChange)


class Closing(Applier, Protocol):
    def close(self) -> None: ...


class Case(NamedTuple):
    """`build` connects to a service at that address; `change` is one that it can make; `listens` to what is answered."""

    applier: type[Applier]
    build: Callable[[str], Closing]
    change: OutboundChange
    folder: str
    inbound: Callable[[], Platform] | None = None
    listens: bool = True


class _OneWebhook:
    """Webhooks of which every call goes to one address, as the others have one service each."""

    name: ClassVar[PlatformName] = Webhooks.name
    capabilities: ClassVar[Capabilities] = Webhooks.capabilities

    def __init__(self, url: str) -> None:
        self._url = url
        secret = f"whsec_{b64encode(CANARY.encode()).decode()}"
        allowed = (ip_network("127.0.0.1/32"),)
        self._hooks = Webhooks(inline, lambda: datetime.now(UTC), signing_secret=secret, allowed=allowed)

    async def apply(self, change: OutboundChange) -> Applied:
        return await self._hooks.apply(replace(change, url=self._url) if isinstance(change, CallWebhook) else change)

    def close(self) -> None:
        self._hooks.close()


def _fields(action: str) -> dict[str, Any]:
    rule = RuleId("triage")
    item = ItemRef(PlatformName.GITHUB, "octo/hello", ItemKind.PULL_REQUEST, "42")
    return {"key": change_key(rule, item, action, ""), "rule": rule, "item": item, "because": "the rule says so"}


def _notify(platform: PlatformName, target: str) -> Notify:
    return Notify(**_fields("notify"), platform=platform, target=target, text=Text(("New task",)))


def _github(url: str) -> GitHub:
    return GitHub(Access(token=lambda: CANARY, api_url=url, graphql_url=f"{url}/graphql"), inline, lambda _: None)


def _slack(url: str) -> Slack:
    return Slack(CANARY, inline, base_url=f"{url}/api")


def _teams(url: str) -> Teams:
    account = BotAccount(
        app_id="11111111-2222-3333-4444-555555555555", password=CANARY, tenant="99999999-8888-7777-6666-555555555555"
    )
    login = f"{url}/login" if url.startswith("http://127.0.0.1") else ""
    return Teams(account, inline, service_url=f"{url}/teams", login_url=login)


LABELS = AddLabels(**_fields("label"), labels=("bug",))
WEBHOOK = CallWebhook(**_fields("webhook"), url="https://hooks.example.com", body=Text(("{}",)))
CASES = (
    Case(GitHub, _github, LABELS, "github", lambda: _github("https://api.github.com")),
    Case(Slack, _slack, _notify(PlatformName.SLACK, "#dev"), "slack"),
    Case(Teams, _teams, _notify(PlatformName.TEAMS, "19:abc@thread.v2"), "teams"),
    Case(_OneWebhook, _OneWebhook, WEBHOOK, "webhook", listens=False),
)
every_platform = pytest.mark.parametrize("case", CASES, ids=lambda case: case.folder)
every_inbound = pytest.mark.parametrize("case", [case for case in CASES if case.inbound], ids=lambda case: case.folder)


def one_of_each() -> Iterator[OutboundChange]:
    item_fields = _fields("any")
    project, text = Project(name="octo/hello", url=""), Text(("x",))
    yield ShowCard(**item_fields, project=project, tasks=(task(),))
    yield Comment(**item_fields, text=text)
    yield AddLabels(**item_fields, labels=("x",))
    yield RemoveLabels(**item_fields, labels=("x",))
    yield Assign(**item_fields, people=("ann",))
    yield RequestReview(**item_fields, people=("ann",))
    yield CreateItem(**item_fields, project=project, title=text, body=text)
    yield WEBHOOK
    yield from (_notify(platform, "#dev") for platform in PlatformName)


def test_the_changes_above_are_all_that_there_are() -> None:
    assert {type(change) for change in one_of_each()} == set(OUTBOUND)


@pytest.mark.parametrize("applier", [*(case.applier for case in CASES), Printed], ids=lambda applier: applier.__name__)
def test_every_change_can_be_made_or_is_absent_for_a_reason(applier: type[Applier]) -> None:
    can, absent = set(applier.capabilities.changes), applier.capabilities.absent
    assert not can & set(absent)
    assert can | set(absent) == set(OUTBOUND) or applier is Printed
    assert [kind.__name__ for kind, reason in absent.items() if len(reason.split()) < 5] == []
    assert applier.capabilities.text_limit > 0
    assert applier.capabilities.signature


def test_each_platform_has_a_name_of_its_own() -> None:
    assert sorted(vars(case.applier)["name"] for case in CASES) == sorted(set(PlatformName) - {PlatformName.HUB})


@every_platform
def test_what_is_absent_is_refused_before_anything_is_sent(case: Case, finish: Finish) -> None:
    with Loopback(lambda _: Reply(200)) as service:
        platform = case.build(service.url)
        for change in one_of_each():
            if type(change) in platform.capabilities.absent:
                with pytest.raises(Unsupported):
                    finish(platform.apply(change))
        platform.close()
        assert service.requests == []


@every_platform
@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(500, b"oops"), UpstreamUnavailable),
        (Reply(503, b"<html>Unicorn!</html>"), UpstreamUnavailable),
        (Reply(429, b"{}", {"Retry-After": "7"}), RateLimited),
        (Reply(401, b"{}"), UpstreamError),
        (Reply(403, b"{}"), UpstreamError),
        (Reply(404, b"<html>"), UpstreamError),
        (Reply(422, b"[1, 2]"), UpstreamError),
        (Reply(200, b"<html>welcome to the hotel's wireless network</html>"), UpstreamError),
        (Reply(200, b"\xff\xfe\x00"), UpstreamError),
        (Reply(200, b"[" * 100_000), UpstreamError),
        (Reply(302, b"", {"Location": "https://elsewhere.example/"}), UpstreamError),
    ],
    ids=lambda value: f"{value.status}-{len(value.body)}" if isinstance(value, Reply) else "",
)
def test_however_the_far_side_answers_it_is_one_of_our_errors_and_shows_no_secret(
    case: Case, finish: Finish, reply: Reply, error: type[AiCrmError]
) -> None:
    if reply.status == 200 and not case.listens:
        return
    with Loopback(lambda _: reply) as service:
        platform = case.build(service.url)
        with pytest.raises(error) as caught:
            finish(platform.apply(case.change))
        platform.close()
    assert not shows(caught.value, CANARY)
    if isinstance(caught.value, RateLimited):
        assert caught.value.retry_after == 7


@every_platform
def test_a_far_side_that_is_not_there_can_be_tried_again_later(case: Case, finish: Finish) -> None:
    with Loopback(lambda _: Reply(200)) as service:
        nobody = service.url
    platform = case.build(nobody)
    with pytest.raises(UpstreamUnavailable) as caught:
        finish(platform.apply(case.change))
    platform.close()
    assert caught.value.retry
    assert not shows(caught.value, CANARY)


@every_platform
@pytest.mark.parametrize("url", ["http://service.example", "file:///etc/passwd", "https://user:pw@service.example"])
def test_no_secret_goes_where_it_could_be_read(case: Case, finish: Finish, url: str) -> None:
    with pytest.raises((SettingsInvalid, ChangeRefused)):
        finish(case.build(url).apply(case.change))


@every_platform
def test_a_platform_does_not_show_its_secret(case: Case) -> None:
    platform = case.build("https://smba.trafficmanager.net")
    assert CANARY not in repr(platform)
    platform.close()


@every_platform
def test_every_file_of_a_platform_is_explained_and_so_is_what_may_happen_twice(case: Case, root: Path) -> None:
    folder = root / "ai_crm" / "platforms" / case.folder
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in folder.glob("*.py") if f"`{path.name}`" not in readme] == []
    assert "least once" in readme


@every_inbound
@pytest.mark.parametrize("headers", [{}, {"x-hub-signature-256": ""}, {"x-hub-signature-256": "sha256=" + "0" * 64}])
def test_without_a_secret_nobody_is_believed(case: Case, headers: dict[str, str]) -> None:
    assert case.inbound
    with pytest.raises(SignatureInvalid):
        case.inbound().verify(RawRequest(headers, b"{}"))


@every_inbound
def test_an_event_that_nobody_knows_is_named_and_what_is_ignored_is_ignored_for_a_reason(case: Case) -> None:
    assert case.inbound
    platform = case.inbound()
    with pytest.raises(EventUnknown):
        platform.decode(RawRequest({"x-github-event": "brand_new", "x-github-delivery": "1"}, b"{}"))
    for name, reason in platform.capabilities.ignored_events.items():
        assert len(reason.split()) > 3, name
        if "." not in name:
            assert platform.decode(RawRequest({"x-github-event": name}, b"")) == ()


def test_no_trigger_is_an_event_that_is_ignored() -> None:
    ignored = set().union(*(case.applier.capabilities.ignored_events for case in CASES)) - {"schedule"}
    assert [trigger.name for trigger in TRIGGERS if {trigger.name, trigger.name.partition(".")[0]} & ignored] == []
