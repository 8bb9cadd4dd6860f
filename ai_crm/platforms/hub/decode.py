"""What our own deliveries say: a schedule's turn in a project, or a report with its figures. Pure."""

from __future__ import annotations

from typing import assert_never

from ai_crm.model.event import Event
from ai_crm.model.item import Item, ItemKind, ItemRef, Person, PlatformName, Project
from ai_crm.model.occasion import ItemsDue, ReportDue, occasion_in
from ai_crm.model.record import Report
from ai_crm.model.trigger import REPORT, SCHEDULE
from ai_crm.ports import RawRequest

_CLOCK = Person("schedule", is_bot=True)
_UNKNOWN = "n/a"


def decode(request: RawRequest) -> tuple[Event, ...]:
    """One event. That of a schedule is about the whole project: which items it means is found out when it is decided.

    Raises PayloadInvalid.
    """
    identity = request.headers["x-ai-crm-event-id"]
    match occasion_in(request.body):
        case ItemsDue() as due:
            return (_of_project(due, identity),)
        case ReportDue() as due:
            return (_of_report(due, identity),)
        case unknown:
            assert_never(unknown)


def _of_project(due: ItemsDue, identity: str) -> Event:
    return Event(
        id=identity,
        platform=PlatformName.GITHUB,
        names=(SCHEDULE,),
        actor=_CLOCK,
        project=Project(name=due.project, url=due.url),
        item=Item(
            ref=ItemRef(PlatformName.GITHUB, due.project, ItemKind.REPOSITORY, due.project),
            title=due.project,
            url=due.url,
        ),
    )


def _of_report(due: ReportDue, identity: str) -> Event:
    return Event(
        id=identity,
        platform=PlatformName.HUB,
        names=(REPORT,),
        actor=_CLOCK,
        project=Project(name=due.workspace, url=due.url),
        item=Item(
            ref=ItemRef(PlatformName.HUB, due.workspace, ItemKind.REPORT, f"{due.rule}@{due.at:%Y-%m-%dT%H:%MZ}"),
            title=f"Report of {due.figures.until:%Y-%m-%d}",
            url=due.url,
            created_at=due.at,
            facts=_facts(due.figures),
        ),
        at=due.at,
    )


def _facts(figures: Report) -> dict[str, str]:
    average, rate = figures.average_response_ms, figures.success_rate
    return {
        "since": figures.since.isoformat(" ", "minutes"),
        "until": figures.until.isoformat(" ", "minutes"),
        "total_events": str(figures.total_events),
        "average_response_ms": _UNKNOWN if average is None else str(average),
        "success_rate": _UNKNOWN if rate is None else f"{rate:.1%}",
        "top_workflows": ", ".join(f"{each.rule} ({each.matched})" for each in figures.top_workflows) or "none",
        "tasks_created": str(figures.tasks_created),
        "tasks_done": str(figures.tasks_done),
        "tasks_open": str(figures.tasks_open),
    }
