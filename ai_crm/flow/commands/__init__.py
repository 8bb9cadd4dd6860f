"""What becomes of a command: who may do it, who does it, and the same answer in every chat and terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

import msgspec

from ai_crm.cards.answers import answer_card
from ai_crm.commands.catalogue import COMMANDS, NEEDS
from ai_crm.commands.command import (
    AskAnalysis,
    Asked,
    ChangeTask,
    CheckHealth,
    Command,
    CommentTask,
    DigestNow,
    ExplainDecision,
    Help,
    LinkLogin,
    ListAgents,
    ListTasks,
    NewTask,
    SetPreferences,
    ShowDashboard,
    ShowTask,
    SignIn,
    StartTask,
    WatchTasks,
    WhoAmI,
)
from ai_crm.commands.grammar import parse
from ai_crm.commands.presses import parse_press
from ai_crm.errors import AiCrmError, CommandRefused, Misunderstood, RecordMissing, StoreError
from ai_crm.flow.commands.personal import personal
from ai_crm.flow.commands.reading import advised, helped, read
from ai_crm.flow.commands.reply import DOINGS, Asker, CommandDesk, Reply, me_of, member_of, today_of
from ai_crm.flow.commands.watching import own_view, watched
from ai_crm.flow.commands.writing import written
from ai_crm.model.access import MAY, Principal

__all__ = ["Asker", "CommandDesk", "Reply", "answer", "demand", "obey", "pressed", "refusal", "understand"]


async def answer(text: str, who: Asker, desk: CommandDesk, request: str) -> Reply:
    """Understands a text and does what it says. `request` has 32 hexadecimal digits, the same when it comes again."""
    try:
        asked = await understand(text, who, desk)
    except AiCrmError as error:
        return refusal(error)
    return await obey(asked, who, desk, request)


async def pressed(
    verb: str, data: Mapping[str, object], who: Asker, desk: CommandDesk, request: str, *, share: bool = False
) -> Reply:
    """Does what a button says; the first card is what the message that it stood on becomes.

    `share` says that others see that message, too.
    """
    try:
        asked = msgspec.structs.replace(parse_press(verb, data), share=share)
    except AiCrmError as error:
        return refusal(error)
    return await obey(asked, who, desk, request)


async def understand(text: str, who: Asker, desk: CommandDesk) -> Asked:
    """The command, with people and days as they are for who asks. Raises Misunderstood and StoreUnavailable."""
    member = await member_of(who, desk)
    return parse(text, me_of(member), today_of(member, desk.clock.now()), desk.statuses(who.principal.workspace))


async def obey(asked: Asked, who: Asker, desk: CommandDesk, request: str) -> Reply:
    """Carries a command out. What a person can cause becomes an answer that says what to do next; a bug is raised."""
    try:
        demand(who.principal, asked.command)
        if asked.share and isinstance(asked.command, SignIn):
            raise CommandRefused("a link that makes people you is not shared", hint="Ask for it without --share")
        reply = await _carried_out(asked.command, who, desk, request)
        if not asked.share:
            reply = await own_view(reply, who, desk)
    except AiCrmError as error:
        return refusal(error)
    return msgspec.structs.replace(reply, private=not (asked.share and reply.ok))


def refusal(error: AiCrmError) -> Reply:
    """The answer to what was not understood, not allowed, or did not work."""
    match error:
        case Misunderstood():
            heading = "Not understood"
        case CommandRefused():
            heading = "Not allowed"
        case RecordMissing():
            heading = "Not found"
        case _:
            heading = "That did not work"
    if isinstance(error, StoreError) and not isinstance(error, RecordMissing):
        error = type(error)(error.what, hint=error.hint)  # where the database is, is nobody's business in a chat
    what = f"{error.where}: {error.what}" if error.where else error.what
    return Reply(text=str(error), cards=(answer_card(heading, what, foot=error.hint),), ok=False)


async def _carried_out(command: Command, who: Asker, desk: CommandDesk, request: str) -> Reply:
    match command:
        case NewTask() | ChangeTask() | CommentTask():
            return await written(command, who, desk, request)
        case WhoAmI() | LinkLogin() | SignIn() | SetPreferences() | DigestNow():
            return await personal(command, who, desk)
        case WatchTasks():
            return await watched(command, who, desk)
        case StartTask():
            raise Misunderstood("a task needs a title", hint=f"Write it behind the command: {COMMANDS[0].example}")
        case Help():
            return helped(command)
        case ListAgents() | AskAnalysis():
            return advised(command, who, desk)
        case ListTasks() | ShowTask() | ShowDashboard() | ExplainDecision() | CheckHealth():
            return await read(command, who, desk)
        case _:
            assert_never(command)


# Who may


def demand(principal: Principal, command: Command) -> None:
    """Raises CommandRefused for what the table does not allow; what it does not name, nobody may."""
    if type(command) not in NEEDS:
        raise CommandRefused("nobody may do this here")
    needed = NEEDS[type(command)]
    if needed is not None and needed not in MAY[principal.role]:
        doing = DOINGS.get(needed, needed)
        hint = "An operator of this hub can make you a member"
        raise CommandRefused(f"you are {principal.role} here and may not {doing}", hint=hint)
