"""The doors of the dashboard: which page is at which address, and what it takes to see or use it."""

from __future__ import annotations

from starlette.routing import Route

from ai_crm.flow.commands import CommandDesk
from ai_crm.hub.dashboard.asking import Asking
from ai_crm.hub.dashboard.event_pages import EventPages
from ai_crm.hub.dashboard.home import Home
from ai_crm.hub.dashboard.render import STYLE, style
from ai_crm.hub.dashboard.task_pages import TaskPages
from ai_crm.hub.routes import Endpoint, Open, Policy, Signed, route
from ai_crm.model.access import Permission


def dashboard_routes(desk: CommandDesk) -> tuple[Route, ...]:
    """Every page, and their style."""
    home, asking, tasks, events = Home(desk), Asking(desk), TaskPages(desk), EventPages(desk)
    anybody, see, write = Signed(), Signed(Permission.TASKS_READ), Signed(Permission.TASKS_WRITE)
    watch = Signed(Permission.EVENTS_READ)
    table: tuple[tuple[str, str, Endpoint, Policy], ...] = (
        ("GET", STYLE, style, Open("the style of pages is published with the source", page=True)),
        ("GET", "/", home.shown, anybody),
        ("GET", "/do", asking.helped, anybody),
        # What a command takes is decided where it is obeyed, as for a chat.
        ("POST", "/do", asking.said, anybody),
        ("POST", "/press", asking.pressed, anybody),
        ("GET", "/tasks", tasks.listed, see),
        ("GET", "/tasks/new", tasks.blank, write),
        ("POST", "/tasks/new", tasks.created, write),
        ("GET", "/tasks/{id}", tasks.shown, see),
        ("POST", "/tasks/{id}", tasks.changed, write),
        ("POST", "/tasks/{id}/comments", tasks.commented, write),
        ("GET", "/events", events.listed, watch),
        ("GET", "/events/{id}", events.shown, watch),
        ("POST", "/events/{id}/send-on", events.sent_on, Signed(Permission.EVENTS_REPLAY)),
        ("GET", "/analyse", asking.analysis_form, Signed(Permission.ANALYSES_WRITE)),
        ("POST", "/analyse", asking.analysed, Signed(Permission.ANALYSES_WRITE)),
        ("GET", "/agents", asking.agents, Signed(Permission.RULES_READ)),
        ("GET", "/connections", asking.connections, Signed(Permission.CONNECTIONS_READ)),
    )
    return tuple(route(path, endpoint, (method,), policy) for method, path, endpoint, policy in table)
