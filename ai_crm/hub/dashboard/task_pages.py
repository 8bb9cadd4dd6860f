"""Tasks in a browser: the list of all platforms, one task with its reasons, and the forms that change it."""

from __future__ import annotations

from urllib.parse import quote

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ai_crm.cards.task_card import task_card
from ai_crm.commands.command import AskAnalysis, Asked, CommentTask
from ai_crm.commands.priority import Level, matrix_lines
from ai_crm.commands.query import LONGEST, parse_query
from ai_crm.errors import AiCrmError, CommandRefused, Misunderstood
from ai_crm.flow.commands import CommandDesk, Reply, obey, refusal
from ai_crm.flow.commands.reply import logins_of, me_of, member_of, today_of
from ai_crm.flow.commands.watching import own_view, watchers_of
from ai_crm.hub.dashboard.asking import asker_of, status_of, today_for, visitor_of
from ai_crm.hub.dashboard.form import Fields, fields_of
from ai_crm.hub.dashboard.render import page
from ai_crm.hub.dashboard.task_forms import change_of, draft_of, new_values, shown_values, values_of
from ai_crm.hub.exchange import task_id
from ai_crm.model.access import MAY, Permission
from ai_crm.model.agent import Agent
from ai_crm.model.analysis import Priority
from ai_crm.model.record import TaskPage
from ai_crm.model.task import TaskId, TaskStatus
from ai_crm.ports.sessions import Visitor

_A_PAGE = 50
_MOST_COMMENTS = 100

# Searches that people make all day; the language is that of `task list`.
QUICK = (
    ("Open", "status:open"),
    ("Mine", "assignee:@me status:open"),
    ("In progress", "status:in-progress"),
    ("In review", "status:in-review"),
    ("Blocked", "status:blocked"),
    ("Urgent", "priority:urgent status:open"),
    ("Overdue", "due:overdue"),
    ("Watched", "watched:@me"),
    ("Done", "status:done"),
    ("All", ""),
)


class TaskPages(Struct, frozen=True):
    desk: CommandDesk

    async def listed(self, request: Request) -> Response:
        visitor, asked = visitor_of(request), request.query_params
        typed, found, problem = asked.get("q", ""), None, None
        try:
            found = await self._found(visitor, typed, asked.get("cursor", ""))
        except CommandRefused as error:
            problem = refusal(error)
        return page(
            "tasks",
            visitor,
            200 if found else 422,
            typed=typed[: 2 * LONGEST],
            found=found,
            problem=problem,
            quick=QUICK,
            today=await today_for(visitor, self.desk),
        )

    async def shown(self, request: Request) -> Response:
        return await self._page(visitor_of(request), task_id(request))

    async def changed(self, request: Request) -> Response:
        """What is different in the form from what it showed becomes a change; nothing that was typed is lost."""
        visitor, fields, task = visitor_of(request), await fields_of(request), task_id(request)
        try:
            me = await self._me(visitor)
            command = change_of(task, fields, me, self.desk.statuses(visitor.principal.workspace))
        except Misunderstood as error:
            return await self._page(visitor, task, refusal(error), fields)
        reply = await obey(Asked(command), asker_of(visitor), self.desk, fields.request_id(visitor))
        return _back(task) if reply.ok else await self._page(visitor, task, reply, fields)

    async def commented(self, request: Request) -> Response:
        visitor, fields, task = visitor_of(request), await fields_of(request), task_id(request)
        said = fields.one("text")
        if not said:
            reply = refusal(Misunderstood("a comment needs a text", hint="Write what the others should know"))
            return await self._page(visitor, task, reply)
        asked = Asked(CommentTask(task, said))
        reply = await obey(asked, asker_of(visitor), self.desk, fields.request_id(visitor))
        return _back(task) if reply.ok else await self._page(visitor, task, reply, said=said)

    async def blank(self, request: Request) -> Response:
        visitor = visitor_of(request)
        return self._form(visitor, Fields({"title": request.query_params.get("title", "")}))

    async def created(self, request: Request) -> Response:
        """Makes the task, or shows first what the analysis says about it."""
        visitor, fields = visitor_of(request), await fields_of(request)
        who = asker_of(visitor)
        try:
            draft = draft_of(fields, await self._me(visitor))
        except Misunderstood as error:
            return self._form(visitor, fields, refusal(error))
        if fields.one("do") == "analyse":
            asked = Asked(AskAnalysis(draft.title, draft.description, detailed=True))
            return self._form(visitor, fields, _only_told(await obey(asked, who, self.desk, "")))
        reply = await obey(Asked(draft), who, self.desk, fields.request_id(visitor))
        return _back(reply.tasks[0].id) if reply.ok else self._form(visitor, fields, reply)

    async def _found(self, visitor: Visitor, typed: str, cursor: str) -> TaskPage:
        """Raises CommandRefused."""
        workspace, who, now = visitor.principal.workspace, asker_of(visitor), self.desk.clock.now()
        member = await member_of(who, self.desk)
        query = parse_query(typed, me_of(member), today_of(member, now), statuses=self.desk.statuses(workspace))
        people = await logins_of(query.assignees, who, self.desk)
        query = msgspec.structs.replace(query, assignees=people, watchers=watchers_of(query.watchers, who))
        return await self.desk.records.tasks(workspace, query, now, cursor, _A_PAGE)

    async def _page(
        self, visitor: Visitor, name: TaskId, reply: Reply | None = None, fields: Fields | None = None, said: str = ""
    ) -> Response:
        """The task as it is now; `reply` is why what was asked for was not done. Raises RecordMissing."""
        workspace, records = visitor.principal.workspace, self.desk.records
        task = await records.task(workspace, name)
        writes = Permission.TASKS_WRITE in MAY[visitor.principal.role]
        told = Reply(text=task.id, cards=(task_card(task, answered=writes),), tasks=(task,))
        own = await own_view(told, asker_of(visitor), self.desk)
        comments = await records.comments(workspace, name)
        return page(
            "task",
            visitor,
            status_of(reply) if reply else 200,
            task=task,
            card=own.cards[0],
            history=await records.history(workspace, name),
            comments=comments[-_MOST_COMMENTS:],
            earlier=len(comments[:-_MOST_COMMENTS]),
            reply=reply,
            said=said,
            now=values_of(task),
            shown=shown_values(task, fields),
            statuses=tuple(TaskStatus),
            priorities=tuple(reversed(Priority)),
            agents=self._agents(visitor) if writes else (),
        )

    def _form(self, visitor: Visitor, fields: Fields, reply: Reply | None = None) -> Response:
        return page(
            "new-task",
            visitor,
            status_of(reply) if reply else 200,
            reply=reply,
            shown=new_values(fields),
            levels=tuple(Level),
            matrix=matrix_lines(),
            priorities=tuple(reversed(Priority)),
            agents=self._agents(visitor),
        )

    async def _me(self, visitor: Visitor) -> str:
        return me_of(await member_of(asker_of(visitor), self.desk))

    def _agents(self, visitor: Visitor) -> tuple[Agent, ...]:
        """To choose from; none while the hub's rules are broken, which is told when one is chosen."""
        try:
            return self.desk.agents(visitor.principal.workspace)
        except AiCrmError:
            return ()


def _back(task: TaskId) -> Response:
    return RedirectResponse(f"/tasks/{quote(task, safe='')}", 303)


def _only_told(reply: Reply) -> Reply:
    """Without buttons: the form below it is what makes the task."""
    return msgspec.structs.replace(
        reply, cards=tuple(msgspec.structs.replace(card, actions=()) for card in reply.cards)
    )
