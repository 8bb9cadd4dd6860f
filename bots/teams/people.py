"""Who somebody in Teams is to us: a member, a guest who may only look, or nobody."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from msgspec import structs

from ai_crm.cards.inert import one_line
from ai_crm.errors import ChangeRefused, CommandRefused, CredentialsRefused, ItemMissing
from ai_crm.flow.commands.reply import Asker
from ai_crm.model.access import Principal, Role
from ai_crm.model.item import PlatformName
from ai_crm.platforms.teams.client import Person
from ai_crm.ports.members import Member, Members
from bots.memory import Recent
from bots.teams.activity import Heard, Scope
from bots.teams.adapter import Voice
from bots.teams.tenants import Tenants

_LONGEST_NAME = 80


class People:
    """Asks Teams who somebody is, and keeps the answer for ten minutes. In front of an emulator everybody is one of us."""

    def __init__(self, members: Members, tenants: Tenants, now: Callable[[], datetime]) -> None:
        self._members = members
        self._tenants = tenants
        self._known = Recent[Person](now)

    async def asker(self, heard: Heard, voice: Voice) -> Asker:
        """Raises CommandRefused for bots and for people of another company in a shared channel."""
        if not heard.sender.id:
            raise CommandRefused("only people can ask me")
        workspace = await self._workspace(heard)
        found = await self._person(heard.sender.id, "you are", voice)
        id_ = found.entra_id or heard.sender.aad_object_id
        if self._tenants.are_told and not (id_ and self._is_ours(found, heard)):
            raise CommandRefused("only people of this organisation can ask me", hint="Ask somebody who is one of them")
        id_ = id_ or heard.sender.id
        name = one_line(found.called or heard.sender.name or id_, _LONGEST_NAME)
        role = Role.VIEWER if found.user_role in {"guest", "anonymous"} else Role.MEMBER
        asker = Asker(
            principal=Principal(name=f"{name} (Teams)", workspace=workspace, role=role),
            platform=PlatformName.TEAMS,
            id=id_,
            name=name,
        )
        await self._remember(asker, heard)
        return asker

    def _is_ours(self, found: Person, heard: Heard) -> bool:
        """Whether they are of the tenant that the call is from. Channels and group chats are shared with people of other
        companies, and those alone with the bot are not: there a tenant that Teams leaves out is that of the chat.

        https://learn.microsoft.com/en-us/microsoftteams/platform/concepts/build-and-test/shared-channels (read 2026-11)
        """
        if not found.tenant_id:
            return heard.scope is Scope.PERSONAL and found.user_role == "user"
        return found.tenant_id.lower() == heard.tenant

    async def login(self, asker: Asker) -> str:
        """The login on GitHub that they said is theirs, or empty."""
        member = await self._members.find(asker.principal.workspace, PlatformName.TEAMS, asker.id)
        return member.login if member else ""

    async def forget(self, heard: Heard) -> None:
        """They removed the app: nothing can be told to them, until they write to it again."""
        workspace = await self._workspace(heard)
        member = await self._members.find(workspace, PlatformName.TEAMS, heard.sender.aad_object_id)
        if member and not member.away:
            await self._members.keep(workspace, structs.replace(member, away=True))

    async def spelled(self, heard: Heard, voice: Voice) -> str:
        """The text with people as commands spell them: by the id that stays, `<@id|name>`."""
        text = heard.text
        for mention in heard.mentions:
            who = mention.mentioned
            if self._tenants.are_told and not who.id.startswith("29:"):
                continue  # a team, a channel, a tag or another bot: its name is a word like others
            name = re.sub(r"[\s<>|]", "", who.name)
            id_ = who.aad_object_id or (await self._person(who.id, f"{name} is", voice)).entra_id or who.id
            # Of several who are called the same each is named once, in the order of the text.
            called_so = {each.mentioned.id for each in heard.mentions if each.text == mention.text}
            text = text.replace(mention.text, f"<@{id_}|{name}>", 1 if len(called_so) > 1 else -1)
        return text

    async def _workspace(self, heard: Heard) -> str:
        """Raises CommandRefused for a tenant that was sent away since its call came in."""
        found = await self._tenants.workspace_of(heard.tenant)
        if found is None:
            raise CommandRefused("people of this organisation cannot ask me", hint=self._tenants.advice(heard.tenant))
        return found

    async def _person(self, id_: str, who: str, voice: Voice) -> Person:
        if not self._tenants.are_told:
            return Person(id=id_)
        known = self._known.get(id_)
        if known is not None:
            return known
        try:
            found = await voice.member(id_)
        except (ItemMissing, CredentialsRefused, ChangeRefused) as error:
            hint = "Add me for yourself first: Apps, AI-CRM, Add"
            raise CommandRefused(f"Teams does not tell me who {who} here", hint=hint) from error
        return self._known.keep(id_, found)

    async def _remember(self, asker: Asker, heard: Heard) -> None:
        """So that others can name this person, and be told who it is."""
        workspace, space = asker.principal.workspace, self._tenants.space_of(heard.tenant)
        member = await self._members.find(workspace, PlatformName.TEAMS, asker.id)
        before = member or Member(platform=PlatformName.TEAMS, id=asker.id, name=asker.name)
        away = before.away and heard.scope is not Scope.PERSONAL
        after = structs.replace(before, name=asker.name, away=away, space=space)
        if after != member:
            await self._members.keep(workspace, after)
