"""Who somebody in Teams is to us: a member, a guest who may only look, or nobody."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from msgspec import structs

from ai_crm.cards.inert import one_line
from ai_crm.errors import ChangeRefused, CommandRefused, CredentialsRefused, ItemMissing
from ai_crm.flow.commands.reply import Asker
from ai_crm.model.access import HOME, Principal, Role
from ai_crm.model.item import PlatformName
from ai_crm.platforms.teams.client import Person
from ai_crm.ports.members import Member, Members
from bots.memory import Recent
from bots.teams.activity import Heard, Scope
from bots.teams.adapter import Voice

_LONGEST_NAME = 80


class People:
    """Asks Teams who somebody is, and keeps the answer for ten minutes. `tenant` is empty where everybody is one of us:
    in front of an emulator.
    """

    def __init__(self, members: Members, tenant: str, now: Callable[[], datetime]) -> None:
        self._members = members
        self._tenant = tenant
        self._known = Recent[Person](now)

    async def asker(self, heard: Heard, voice: Voice) -> Asker:
        """Raises CommandRefused for bots and for people of another company in a shared channel."""
        if not heard.sender.id:
            raise CommandRefused("only people can ask me")
        found = await self._person(heard.sender.id, "you are", voice)
        id_ = found.entra_id or heard.sender.aad_object_id
        if self._tenant and not (id_ and self._is_ours(found, heard)):
            raise CommandRefused("only people of this organisation can ask me", hint="Ask somebody who is one of them")
        id_ = id_ or heard.sender.id
        name = one_line(found.called or heard.sender.name or id_, _LONGEST_NAME)
        role = Role.VIEWER if found.user_role in {"guest", "anonymous"} else Role.MEMBER
        asker = Asker(
            principal=Principal(name=f"{name} (Teams)", workspace=HOME, role=role),
            platform=PlatformName.TEAMS,
            id=id_,
            name=name,
        )
        await self._remember(asker, reachable=heard.scope is Scope.PERSONAL)
        return asker

    def _is_ours(self, found: Person, heard: Heard) -> bool:
        """In a channel there may be people of other companies; elsewhere the conversation's own tenant says enough."""
        ours = {self._tenant.lower()} if heard.scope is Scope.CHANNEL else {"", self._tenant.lower()}
        return found.tenant_id.lower() in ours

    async def login(self, asker: Asker) -> str:
        """The login on GitHub that they said is theirs, or empty."""
        member = await self._members.find(HOME, PlatformName.TEAMS, asker.id)
        return member.login if member else ""

    async def forget(self, heard: Heard) -> None:
        """They removed the app: nothing can be told to them, until they write to it again."""
        member = await self._members.find(HOME, PlatformName.TEAMS, heard.sender.aad_object_id)
        if member and not member.away:
            await self._members.keep(HOME, structs.replace(member, away=True))

    async def spelled(self, heard: Heard, voice: Voice) -> str:
        """The text with people as commands spell them: by the id that stays, `<@id|name>`."""
        text = heard.text
        for mention in heard.mentions:
            who = mention.mentioned
            if self._tenant and not who.id.startswith("29:"):
                continue  # a team, a channel, a tag or another bot: its name is a word like others
            name = re.sub(r"[\s<>|]", "", who.name)
            id_ = who.aad_object_id or (await self._person(who.id, f"{name} is", voice)).entra_id or who.id
            # Of several who are called the same each is named once, in the order of the text.
            called_so = {each.mentioned.id for each in heard.mentions if each.text == mention.text}
            text = text.replace(mention.text, f"<@{id_}|{name}>", 1 if len(called_so) > 1 else -1)
        return text

    async def _person(self, id_: str, who: str, voice: Voice) -> Person:
        if not self._tenant:
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

    async def _remember(self, asker: Asker, *, reachable: bool) -> None:
        """So that others can name this person, and be told who it is."""
        member = await self._members.find(HOME, PlatformName.TEAMS, asker.id)
        before = member or Member(platform=PlatformName.TEAMS, id=asker.id, name=asker.name)
        after = structs.replace(before, name=asker.name, away=before.away and not reachable)
        if after != member:
            await self._members.keep(HOME, after)
