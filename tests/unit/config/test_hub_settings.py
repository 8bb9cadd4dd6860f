import pytest

from ai_crm.config.hub_settings import KEEP, VARIABLES, read_hub_settings
from ai_crm.errors import SettingsInvalid
from ai_crm.store.retention import DAYS


def test_nothing_needs_to_be_set() -> None:
    settings = read_hub_settings({"PATH": "/bin"})

    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.database_url.reveal() == "sqlite:///data/hub.db"
    assert settings.rules_folder == "data/rules"


def test_everything_that_is_wrong_is_told_at_once_and_no_value_is_shown() -> None:
    environ = {
        "AI_CRM_PORT": "eighty",
        "AI_CRM_BASE_URL": "http://hub.example.com",
        "AI_CRM_TEAMS_APP_PASSWORD": "canary-password",
        "AI_CRM_DATABSE_URL": "postgresql://u:canary@h/n",
    }

    with pytest.raises(SettingsInvalid) as refused:
        read_hub_settings(environ)

    text = str(refused.value)
    for name in (
        "AI_CRM_PORT",
        "AI_CRM_BASE_URL",
        "AI_CRM_TEAMS_APP_ID",
        "AI_CRM_TEAMS_TENANT_ID",
        "AI_CRM_DATABSE_URL",
    ):
        assert name in text
    assert 'did you mean "AI_CRM_DATABASE_URL"?' in text
    assert "canary" not in text


@pytest.mark.parametrize(
    ("environ", "said"),
    [({"AI_CRM_TEAMS_MULTI_TENANT": "1"}, "is set without an app"), ({"AI_CRM_TEAMS_MULTI_TENANT": "x"}, "neither 1")],
)
def test_many_tenants_are_an_apps(environ: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsInvalid, match=said):
        read_hub_settings(environ)


def test_what_is_kept_how_long_is_said_in_days() -> None:
    assert read_hub_settings({}).keep == {}
    settings = read_hub_settings({"AI_CRM_KEEP_DELIVERIES_DAYS": "4", "AI_CRM_KEEP_AUDIT_DAYS": "3650"})

    assert settings.keep == {"deliveries": 4, "audit": 3650}
    assert set(KEEP) < set(DAYS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AI_CRM_KEEP_DELIVERIES_DAYS", "3"),
        ("AI_CRM_KEEP_DECISIONS_DAYS", "0"),
        ("AI_CRM_KEEP_DEAD_LETTERS_DAYS", "-1"),
        ("AI_CRM_KEEP_AUDIT_DAYS", "99999999"),
        ("AI_CRM_KEEP_AUDIT_DAYS", "a year"),
        ("AI_CRM_WEBHOOK_NETWORKS", "10.0.0.1/8"),
        ("AI_CRM_WEBHOOK_NETWORKS", "10.0.0.0/8, intranet"),
        ("AI_CRM_TRUSTED_PROXIES", "*"),
    ],
)
def test_days_and_networks_that_are_none_stop_the_start(name: str, value: str) -> None:
    with pytest.raises(SettingsInvalid, match=name):
        read_hub_settings({name: value})


def test_networks_have_commas_between_them() -> None:
    settings = read_hub_settings({"AI_CRM_WEBHOOK_NETWORKS": "10.1.0.0/16, fd00::/8,", "AI_CRM_TRUSTED_PROXIES": "::1"})

    assert settings.webhook_networks == ("10.1.0.0/16", "fd00::/8")
    assert settings.trusted_proxies == ("::1",)


def test_every_variable_is_documented_and_every_documented_one_is_read() -> None:
    with pytest.raises(SettingsInvalid) as refused:
        read_hub_settings({**dict.fromkeys(VARIABLES, "\x01"), "AI_CRM_NOT_ONE": "1"})

    unknown = [problem.file for problem in refused.value.problems if "not known" in problem.what]
    assert unknown == ["AI_CRM_NOT_ONE"]


@pytest.mark.parametrize(
    "more",
    [
        {"AI_CRM_HOST": "0.0.0.0"},  # noqa: S104 - what must not be
        {"AI_CRM_BASE_URL": "https://hub.example.com"},
        {"AI_CRM_TRUSTED_PROXIES": "10.0.0.1"},
        {
            "AI_CRM_TEAMS_APP_ID": "0f8fad5b-d9cb-469f-a165-70867728950e",
            "AI_CRM_TEAMS_APP_PASSWORD": "x",
            "AI_CRM_TEAMS_TENANT_ID": "y",
        },
        {"AI_CRM_TEAMS_LOCAL": "yes"},
    ],
    ids=["host", "address", "proxy", "app", "word"],
)
def test_calls_without_a_token_are_taken_from_this_machine_alone(more: dict[str, str]) -> None:
    assert read_hub_settings({"AI_CRM_TEAMS_LOCAL": "1"}).teams_local
    assert not read_hub_settings({"AI_CRM_TEAMS_LOCAL": "0"}).teams_local
    with pytest.raises(SettingsInvalid, match="AI_CRM_TEAMS_LOCAL"):
        read_hub_settings({"AI_CRM_TEAMS_LOCAL": "1", **more})
