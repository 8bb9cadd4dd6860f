"""The bot's own account, as its settings name it."""

from __future__ import annotations

from ai_crm.config.hub_settings import HubSettings
from ai_crm.platforms.teams.certificate import read_certificate
from ai_crm.platforms.teams.login import BotAccount


def account_of(settings: HubSettings) -> BotAccount:
    """Raises SettingsInvalid for a certificate's file that cannot be read."""
    return BotAccount(
        app_id=settings.teams_app_id,
        password=settings.teams_app_password.reveal(),
        tenant=settings.teams_tenant_id,
        several=settings.teams_multi_tenant,
        certificate=read_certificate(settings.teams_certificate) if settings.teams_certificate else "",
    )
