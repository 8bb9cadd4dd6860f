"""How what somebody writes comes under a task, and who hears of it: whose task it is, and who watches it."""

from __future__ import annotations

from ai_crm.cards.inert import one_line
from ai_crm.commands.command import NoticeKind
from ai_crm.errors import Misunderstood
from ai_crm.flow.notices import Listeners, Occasion, told_of
from ai_crm.model.decision import Answer, Decision
from ai_crm.model.item import PlatformName
from ai_crm.model.record import TaskComment
from ai_crm.model.task import Task
from ai_crm.ports.records import Records

LONGEST = 20_000  # characters


async def add_comment(comment: TaskComment, records: Records, listeners: Listeners) -> None:
    """Writes it, and in the same transaction plans what people are told: once, however often it comes.

    Raises Misunderstood for one that is too long, RecordMissing and StoreUnavailable.
    """
    if len(comment.text) > LONGEST:
        hint = f"{LONGEST:,} are possible: put the rest where others can read it, and link there"
        raise Misunderstood(f"a comment of {len(comment.text):,} characters", hint=hint)
    task = await records.task(listeners.workspace, comment.task)
    told = await told_of(_cause(comment, task), _occasions(comment, task), listeners, comment.at)
    await records.add_comment(listeners.workspace, comment, told)


def _occasions(comment: TaskComment, task: Task) -> tuple[Occasion, ...]:
    said = f"{one_line(comment.actor, 100) or 'somebody'} wrote about {task.id}: "
    return (
        Occasion(
            kind=NoticeKind.COMMENT,
            rule=task.rule,
            logins=task.assignees,
            said=said,
            title=task.title,
            words=comment.text,
            because="somebody wrote about this person's task",
        ),
        Occasion(
            kind=NoticeKind.WATCHED,
            rule=task.rule,
            logins=(),
            watched=task.id,
            said=said,
            title=task.title,
            words=comment.text,
            because="this person watches the task",
        ),
    )


def _cause(comment: TaskComment, task: Task) -> Decision:
    """The comment as what happened to the task's item: it changes no task."""
    return Decision(
        event=comment.id,
        platform=PlatformName.HUB,
        names=("comment",),
        actor=comment.actor,
        item=task.item,
        answer=Answer.NOTHING,
        rules="",
        verdicts=(),
        changes=(),
        skips=(),
    )
