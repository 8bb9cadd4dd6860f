"""How tasks are made and changed through the API: each wish becomes a decision, and is stored like every other one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated

import msgspec
from msgspec import UNSET, Struct, UnsetType
from starlette.exceptions import HTTPException
from starlette.requests import Request as Call
from starlette.responses import Response
from starlette.routing import Route

from ai_crm.commands.command import ChangeTask, NewTask
from ai_crm.commands.query import parse_status
from ai_crm.errors import RulesInvalid, VersionClash
from ai_crm.flow.requests import Request, changed_task, checked, new_task
from ai_crm.hub.exchange import MERGE_PATCH, answered, body, tag, task_id, who
from ai_crm.hub.once import Once, Turn
from ai_crm.hub.routes import route
from ai_crm.model.access import Permission, Principal
from ai_crm.model.agent import Agent
from ai_crm.model.analysis import Priority
from ai_crm.model.status_name import StatusName
from ai_crm.model.task import Task, TaskPatch
from ai_crm.ports import Analyst, Clock, Store
from ai_crm.ports.records import Records


class Wanted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new task. What is left out is what the analysis of title and description finds."""

    title: str
    description: str = ""
    agent: str = ""
    priority: Priority | None = None
    assignees: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    due: date | None = None


class Different(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What shall be different about a task; lists are replaced as a whole. Only `due` can be taken away, with null.

    `status` is one of ours or a name of the workspace's own.
    """

    title: str | UnsetType = UNSET
    status: str | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    agent: Annotated[str, msgspec.Meta(min_length=1)] | UnsetType = UNSET
    assignees: tuple[str, ...] | UnsetType = UNSET
    labels: tuple[str, ...] | UnsetType = UNSET
    due: date | UnsetType | None = UNSET


class TaskApi(Struct, frozen=True, kw_only=True):
    """What writing tasks needs. `agents` are those that a workspace knows, `statuses` its own names of statuses.

    `wake` tells the worker of new changes.
    """

    records: Records
    store: Callable[[str], Store]
    once: Once
    analyst: Analyst
    agents: Callable[[str], tuple[Agent, ...]]
    statuses: Callable[[str], tuple[StatusName, ...]]
    clock: Clock
    wake: Callable[[], None]

    async def create(self, call: Call) -> Response:
        asked, by = await body(call, Wanted), who(call)
        agents = self._agents(by.workspace)
        wanted = checked(NewTask(**msgspec.structs.asdict(asked)), agents)

        async def work(turn: Turn) -> Response:
            request = Request(id=turn.id, actor=by.name, workspace=by.workspace, at=turn.at)
            commit = await self.store(by.workspace).commit(new_task(wanted, request, self.analyst, agents), turn.at)
            self.wake()
            (task,) = commit.tasks
            return answered(task, 201, Location=f"/api/v1/tasks/{task.id}", ETag=tag(task))

        return await self.once.run(call, asked, work)

    async def change(self, call: Call) -> Response:
        asked, by = await body(call, Different, MERGE_PATCH), who(call)
        status = UNSET if asked.status is UNSET else parse_status(asked.status, self.statuses(by.workspace))
        task = await self.records.task(by.workspace, task_id(call))
        version = _version(call, task)
        patch = TaskPatch(
            title=asked.title,
            status=status,
            priority=asked.priority,
            assignees=asked.assignees,
            labels=asked.labels,
            due=asked.due,
        )
        wanted = ChangeTask(task=task.id, patch=patch, agent=asked.agent or "", version=version)
        changed = await self._changed(task, wanted, by)
        return answered(changed, ETag=tag(changed))

    async def history(self, call: Call) -> Response:
        return answered({"history": await self.records.history(who(call).workspace, task_id(call))})

    async def _changed(self, task: Task, wanted: ChangeTask, by: Principal) -> Task:
        now = self.clock.now()
        request = Request(id=self.once.new_id(), actor=by.name, workspace=by.workspace, at=now)
        decision = changed_task(task, wanted, request, self._agents(by.workspace))
        try:
            commit = await self.store(by.workspace).commit(decision, now)
        except VersionClash:
            raise _outdated(await self.records.task(by.workspace, task.id)) from None
        self.wake()
        return next(each for each in commit.tasks if each.id == task.id)

    def _agents(self, workspace: str) -> tuple[Agent, ...]:
        try:
            return self.agents(workspace)
        except RulesInvalid as broken:
            told = (
                "The hub's own rules are broken, so nobody knows which agents there are. Its operator has to mend them."
            )
            raise HTTPException(503, told) from broken


def task_routes(api: TaskApi) -> tuple[Route, ...]:
    """Every route with what it takes to use it."""
    write, one = Permission.TASKS_WRITE, "/api/v1/tasks/{id}"
    return (
        route("/api/v1/tasks", api.create, ("POST",), write),
        route(one, api.change, ("PATCH",), write),
        route(f"{one}/history", api.history, ("GET",), Permission.TASKS_READ),
    )


def _version(call: Call, task: Task) -> int:
    """The version that the change is made for, 0 for any. Raises HTTPException 428 and 412."""
    given = ",".join(call.headers.getlist("if-match"))
    tags = {each.strip() for each in given.split(",")}
    if not given.strip():
        told = f"Say which version the change is for: `If-Match: {tag(task)}` is the one of now, `If-Match: *` is any."
        raise HTTPException(428, told, {"ETag": tag(task)})
    if "*" in tags:
        return 0
    if tag(task) not in tags:
        raise _outdated(task)
    return task.version


def _outdated(task: Task) -> HTTPException:
    told = f"{task.id} was changed meanwhile: it is at {tag(task)}. Read it again and say what shall be different."
    return HTTPException(412, told, {"ETag": tag(task)})
