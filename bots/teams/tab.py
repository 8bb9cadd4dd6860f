"""The personal tab: whoever is in Teams already is let in with what Teams says of them, and sees the dashboard there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ai_crm import resources
from ai_crm.cards.inert import one_line
from ai_crm.errors import CommandRefused
from ai_crm.hub.dashboard.cookies import signed_in, token_of
from ai_crm.hub.dashboard.gate import visitor_of
from ai_crm.hub.dashboard.policy import Framing
from ai_crm.hub.dashboard.render import page
from ai_crm.hub.routes import Open, route
from ai_crm.model.access import Principal, Role
from ai_crm.model.item import PlatformName
from ai_crm.platforms.teams.entra import Identity, authority_of, identify, resource_of, tenant_of
from ai_crm.platforms.teams.login import Cloud
from ai_crm.platforms.teams.verify import bearer, key_id
from ai_crm.ports import Clock
from ai_crm.ports.sessions import Sessions, Visitor
from bots.teams.tenants import Tenants
from bots.teams.tokens import Keys

PATH = "/teams/tab"
SESSION = f"{PATH}/session"
SCRIPT = "/teams/tab.js"

# Microsoft's library from where Microsoft publishes it, and what it is there to the bit: the npm package's README of this
# version says the same (2026-11). It asks its home which windows are Teams'.
LIBRARY = "https://res.cdn.office.net/teams-js/2.58.0/js/MicrosoftTeams.min.js"
INTEGRITY = "sha384-sMo/EOqQPa1OCup2/VBRum7oFeOS22kvs8WGDc45xK53tUVZzFR5WwFYDUYN1LO4"
_WINDOWS = "https://res.cdn.office.net/teams-js/validDomains/json/validDomains.json"

_LONGEST_NAME = 80


class App(Struct, frozen=True, kw_only=True):
    """The app as its registration knows it: `host` is where its tab is."""

    id: str
    host: str
    cloud: Cloud
    proxy: str


def framing_of(cloud: Cloud) -> Framing:
    """Whose windows show the tab: those of the cloud's Teams."""
    return Framing(hosts=_HOSTS.get(cloud.issuer, _PUBLIC), entry=PATH)


def tab_routes(app: App, tenants: Tenants, sessions: Sessions, clock: Clock) -> tuple[Route, ...]:
    tab = _Tab(app, tenants, sessions, clock)
    plain = Open("has no data: what it shows is the way in", page=True)
    proven = Open("every call has a token that Entra ID signed for a person", page=True)
    return (
        route(PATH, tab.shown, ("GET",), plain),
        route(SCRIPT, tab.script, ("GET",), plain),
        route(SESSION, tab.kept, ("GET",), plain),
        route(SESSION, tab.begun, ("POST",), proven, lambda _request: 0),
    )


# https://learn.microsoft.com/en-us/microsoftteams/platform/tabs/how-to/tab-requirements (read 2026-11); the government's
# are those that Microsoft's library knows itself.
_PUBLIC = ("https://teams.microsoft.com", "https://*.teams.microsoft.com", "https://*.cloud.microsoft")
_HOSTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"https://api.botframework.us": ("https://gov.teams.microsoft.us", "https://dod.teams.microsoft.us")}
)


class _Tab:
    def __init__(self, app: App, tenants: Tenants, sessions: Sessions, clock: Clock) -> None:
        self._app = app
        self._tenants = tenants
        self._sessions = sessions
        self._clock = clock
        self._keys: dict[str, Keys] = {}
        self._audiences = frozenset(name.lower() for name in (app.id, f"api://{app.id}", resource_of(app.host, app.id)))
        self._policy = _policy(framing_of(app.cloud).hosts)

    async def shown(self, _request: Request) -> Response:
        response = page("teams-tab", None, library=LIBRARY, integrity=INTEGRITY, script=SCRIPT)
        response.headers["Content-Security-Policy"] = self._policy
        return response

    async def script(self, _request: Request) -> Response:
        return Response(resources.read("templates", "pages", "teams-tab.js"), media_type="text/javascript")

    async def kept(self, request: Request) -> Response:
        """Whether the browser kept what `begun` gave it: some keep nothing for a page in a frame."""
        return Response(status_code=204 if await visitor_of(request) else 404)

    async def begun(self, request: Request) -> Response:
        """Raises SignatureInvalid, and CommandRefused for people of a tenant that nobody let in."""
        given = request.headers.getlist("authorization")
        token = bearer(given[0] if len(given) == 1 else "")
        tenant = tenant_of(token)
        workspace = await self._tenants.workspace_of(tenant)
        if workspace is None:
            hint = "Use the account of the organisation that this hub is for"
            raise CommandRefused("people of this organisation are not let in", hint=hint)
        found = await self._identity(token, tenant)
        if before := token_of(request):
            await self._sessions.end(before)
        session = await self._sessions.begin(_visitor(found, workspace), self._clock.now())
        return signed_in(Response(status_code=204), session, framed=True)

    async def _identity(self, token: str, tenant: str) -> Identity:
        """`tenant` is one that is let in: there are no keys of others to keep."""
        authority = authority_of(self._app.cloud, tenant)
        keys = self._keys.setdefault(tenant, Keys(authority, time.monotonic, self._app.proxy))
        key = await keys.find(key_id(token))
        return identify(token, key, authority, self._audiences, self._clock.now())


def _visitor(found: Identity, workspace: str) -> Visitor:
    name = one_line(found.name, _LONGEST_NAME) or found.id
    role = Role.VIEWER if found.guest else Role.MEMBER
    principal = Principal(name=f"{name} (Teams)", workspace=workspace, role=role)
    return Visitor(principal=principal, platform=PlatformName.TEAMS, id=found.id, name=name)


def _policy(hosts: tuple[str, ...]) -> str:
    """For the one page that runs scripts: Microsoft's one file and ours."""
    directives = (
        "default-src 'none'",
        f"script-src 'self' {LIBRARY}",
        f"connect-src 'self' {_WINDOWS}",
        "style-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        f"frame-ancestors {' '.join(hosts)}",
    )
    return "; ".join(directives)
