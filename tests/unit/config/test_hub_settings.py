import pytest

from ai_crm.config.hub_settings import VARIABLES, read_hub_settings
from ai_crm.errors import SettingsInvalid


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


def test_every_variable_is_documented_and_every_documented_one_is_read() -> None:
    with pytest.raises(SettingsInvalid) as refused:
        read_hub_settings({**dict.fromkeys(VARIABLES, "\x01"), "AI_CRM_NOT_ONE": "1"})

    unknown = [problem.file for problem in refused.value.problems if "not known" in problem.what]
    assert unknown == ["AI_CRM_NOT_ONE"]
