"""Commands about the person who asks: who they are here, what they are told, their day."""

from __future__ import annotations

from typing import assert_never

import msgspec

from ai_crm.cards import answers
from ai_crm.cards.answers import Fact, Section, answer_card
from ai_crm.cards.elements import Card
from ai_crm.commands.command import (
    DigestNow,
    LinkLogin,
    SetPreferences,
    SignIn,
    WhoAmI,
)
from ai_crm.flow.commands.digest import digest_for
from ai_crm.flow.commands.preferences import changed_preferences, described
from ai_crm.flow.commands.reply import DOINGS, Asker, CommandDesk, Reply, me_of, member_of, reply_of
from ai_crm.model.access import MAY
from ai_crm.ports.members import Member
from ai_crm.ports.sessions import Visitor


async def personal(
    command: WhoAmI | LinkLogin | SignIn | SetPreferences | DigestNow, who: Asker, desk: CommandDesk
) -> Reply:
    member, workspace = await member_of(who, desk), who.principal.workspace
    match command:
        case WhoAmI():
            return reply_of(_identity(member, who))
        case LinkLogin(login=login):
            await desk.members.keep(workspace, msgspec.structs.replace(member, login=login))
            if not login:
                return reply_of(answer_card("Kept", "Your login is forgotten.", foot="link LOGIN says it again"))
            said = f"You are {login} on GitHub: @me means you now."
            return reply_of(answer_card("Kept", said, foot=await _namesakes(login, who, desk)))
        case SignIn():
            visitor = Visitor(principal=who.principal, platform=who.platform, id=who.id, name=who.name)
            return reply_of(answers.sign_in_card(await desk.way_in(visitor)))
        case SetPreferences():
            wanted = msgspec.structs.replace(member, preferences=changed_preferences(member.preferences, command))
            if wanted != member:
                await desk.members.keep(workspace, wanted)
            return reply_of(
                answer_card("What you are told", "", (Section("", described(wanted.preferences)),), _CHANGE)
            )
        case DigestNow():
            digest = await digest_for(me_of(member), member, workspace, desk.records, desk.clock.now())
            if digest.is_empty:
                return reply_of(answer_card("Nothing to tell", "No task of yours is open, and nothing happened."))
            return reply_of(answers.digest_card(digest))
        case _:
            assert_never(command)


async def _namesakes(login: str, who: Asker, desk: CommandDesk) -> str:
    """Who else of the same platform said that this login is theirs: nobody checks it, so that everybody is told."""
    same = await desk.members.of_logins(who.principal.workspace, (login,))
    others = ", ".join(one.name for one in same if one.platform is who.platform and one.id != who.id)
    return f"{others} said the same: both of you are told about its tasks" if others else ""


_CHANGE = "To change it: settings --off status --quiet 22:00-07:00 --time-zone Europe/Berlin --digest 08:30"


def _identity(member: Member, who: Asker) -> Card:
    may = ", ".join(DOINGS[each] for each in DOINGS if each in MAY[who.principal.role]) or "ask for help"
    facts = (
        Fact("Name", who.name),
        Fact("Here", f"{who.platform} {who.id}"),
        Fact("On GitHub", member.login or "not said yet: link LOGIN"),
        Fact("@me is", me_of(member) or "nobody yet: link LOGIN"),
        Fact("Workspace", who.principal.workspace),
        Fact("Role", who.principal.role),
        Fact("You may", may),
    )
    return answer_card(
        "Who you are", "", (Section("", facts), Section("What you are told", described(member.preferences))), _CHANGE
    )
