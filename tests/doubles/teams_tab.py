"""A tab in Teams: Entra ID, which says who people are, and a hub's pages where the tab shows them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import jwt
from msgspec import structs

from ai_crm.hub.app import build_app
from ai_crm.hub.dashboard.routes import dashboard_routes
from ai_crm.hub.dashboard.sign_in import Door, sign_in_routes
from ai_crm.wiring.hub import command_desk
from tests.doubles import hub_parts
from tests.doubles.teams_room import Room
from tests.doubles.teams_server import ANN, APP, PASSWORD, PEOPLE, TENANT, Published, TeamsServer, key_pair

HOST = "hub.example.com"
BASE = f"https://{HOST}"
RESOURCE = f"api://{HOST}/botid-{APP}"


class Entra:
    """The documents of one tenant, on the address of a small Microsoft."""

    def __init__(self, teams: TeamsServer, tenant: str = TENANT) -> None:
        self.key = key_pair(f"people of {tenant}")
        self.published = {"person-1": Published(self.key, ())}
        self.issuers: dict[str, str] = {}
        self.issuer = f"{teams.url}/{tenant}/v2.0"
        self.tenant = tenant
        keys = f"/{tenant}/discovery/v2.0/keys"
        home = {"issuer": self.issuer, "jwks_uri": f"{teams.url}{keys}"}
        teams.documents[f"/{tenant}/v2.0/.well-known/openid-configuration"] = lambda: home
        teams.documents[keys] = lambda: {"keys": [self._jwk(kid) for kid in self.published]}

    def claims(self, person: str = ANN, **more: Any) -> dict[str, Any]:
        """What a token of version 2 says; None leaves a claim out."""
        now = int(time.time())
        usual = {
            "aud": APP,
            "iss": self.issuer,
            "iat": now - 10,
            "nbf": now - 10,
            "exp": now + 3600,
            "azp": "5e3ce6c0-2b1f-4285-8d4b-75ee78787346",
            "name": PEOPLE[person]["name"],
            "oid": PEOPLE[person]["aadObjectId"],
            "preferred_username": "ann@contoso.example",
            "scp": "access_as_user",
            "sub": "XkjgWjdmaZ",
            "tid": self.tenant,
            "ver": "2.0",
        }
        return {name: value for name, value in {**usual, **more}.items() if value is not None}

    def token(self, person: str = ANN, kid: str = "person-1", **more: Any) -> str:
        return jwt.encode(self.claims(person, **more), self.published[kid].private, "RS256", {"kid": kid})

    def old_token(self, **more: Any) -> str:
        """One of version 1."""
        usual = {"iss": f"https://sts.windows.net/{self.tenant}/", "aud": RESOURCE, "ver": "1.0", "azp": None}
        return self.token(**{**usual, "appid": APP, **more})

    def _jwk(self, kid: str) -> dict[str, Any]:
        return {**self.published[kid].jwk(kid), "issuer": self.issuers.get(kid, self.issuer)}


class TabRoom(Room):
    """A team whose hub has its pages, at an address that Teams can show."""

    def __init__(self, data: Path, teams: TeamsServer, **environ: str) -> None:
        app = {
            "AI_CRM_TEAMS_APP_ID": APP,
            "AI_CRM_TEAMS_APP_PASSWORD": PASSWORD,
            "AI_CRM_TEAMS_TENANT_ID": TENANT,
            "AI_CRM_BASE_URL": BASE,
        }
        super().__init__(data, teams, {**app, **environ})
        door = Door(sessions=self.hub.sessions, keys=self.hub.keys, clock=self.clock, secure=True)
        parts = structs.replace(
            hub_parts.Hub().parts,
            api=(
                *self.parts.routes,
                *sign_in_routes(door),
                *dashboard_routes(command_desk(self.hub, self._wake)),
            ),
            clock=self.clock,
            sessions=self.hub.sessions,
            base_url=BASE,
            framing=self.parts.framing,
        )
        self.app = build_app(parts)
