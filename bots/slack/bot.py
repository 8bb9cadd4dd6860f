"""What the bot does about each thing that it hears: asks the core, then answers where it was asked."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping

import msgspec
import structlog
from aiohttp import ClientError
from msgspec import Struct, structs
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from ai_crm.commands.catalogue import PERSONAL
from ai_crm.commands.command import Asked, NewTask, StartTask
from ai_crm.commands.presses import RENEWING, Verb
from ai_crm.errors import AiCrmError, CommandRefused, Misunderstood
from ai_crm.flow.commands import demand, obey, pressed, refusal, understand
from ai_crm.flow.commands.reply import Asker, CommandDesk, Reply, agents_of
from ai_crm.model.analysis import Analysis
from bots.links import Links
from bots.memory import Heard
from bots.slack import form, home
from bots.slack.heard import (
    InWindow,
    LinkShared,
    MessageShortcut,
    Pressed,
    Removed,
    Revoked,
    Said,
    SlashCommand,
    TabOpened,
    Told,
)
from bots.slack.installations import Installations
from bots.slack.links import unfurl
from bots.slack.people import People, request_id
from bots.slack.speak import Speaker, trouble

# Slack waits three seconds for a window that was sent; after so many of them the person is told to wait instead.
_PATIENCE = 2.0
_MENTION = re.compile(r"^\s*<@[A-Z0-9]+(\|[^>]*)?>[\s,:]*")
_MOST_TITLE, _MOST_SENTENCE = 120, 150

Tell = Callable[[Reply], Awaitable[None]]
log = structlog.get_logger()


class Caller(Struct, frozen=True, kw_only=True):
    """Who is there, in Slack's ids. `client` speaks with the token of their workspace once it is known who they are."""

    team: str
    organisation: str
    user: str
    client: AsyncWebClient


class Bot:
    """One method for each ear of `bots.slack.ears`. None of them raises what a person can cause."""

    def __init__(self, desk: CommandDesk, kept: Installations, people: People, speaker: Speaker, links: Links) -> None:
        self._desk = desk
        self._kept = kept
        self._people = people
        self._speaker = speaker
        self._links = links
        self._heard = Heard()

    def forget(self, request: str) -> None:
        """It is to be done once more, because nobody did it to the end."""
        self._heard.forget(request)

    async def slash_command(self, heard: SlashCommand, caller: Caller) -> None:
        async def work() -> None:
            who = await self._who(caller)
            asked = await understand(_unescaped(heard.text), who, self._desk)
            if isinstance(asked.command, StartTask):
                demand(who.principal, asked.command)
                wanted, origin = asked.command.draft, form.Origin(channel=heard.channel_id)
                draft = form.Draft(title=wanted.title, description=wanted.description, wanted=wanted, origin=origin)
                await self._open(caller, who, heard.trigger_id, draft)
                return
            await tell(await obey(asked, who, self._desk, request_id(heard.trigger_id)))

        async def tell(reply: Reply) -> None:
            await self._speaker.respond(heard.response_url, reply)

        await _answered(work, tell)

    async def message_shortcut(self, heard: MessageShortcut, caller: Caller) -> None:
        message, text = heard.message, _unescaped(heard.message.text or "")

        async def work() -> None:
            who = await self._who(caller)
            demand(who.principal, StartTask(NewTask(title="")))
            draft = form.Draft(
                title=text.strip().partition("\n")[0][:_MOST_TITLE],
                description=text,
                origin=form.Origin(channel=heard.channel.id, thread=message.thread_ts or message.ts),
            )
            await self._open(caller, who, heard.trigger_id, draft, about=message.ts)

        async def tell(reply: Reply) -> None:
            await self._speaker.respond(heard.response_url, reply)

        await _answered(work, tell)

    async def mention(self, heard: Told[Said], caller: Caller) -> None:
        said = heard.event
        thread = said.thread_ts or said.ts

        async def work() -> None:
            reply, public = await self._reply(heard, caller, thread, among_others=True)
            await (self._speaker.say(caller.client, said.channel, thread, reply) if public else tell(reply))

        async def tell(reply: Reply) -> None:
            await self._speaker.whisper(caller.client, said.channel, caller.user, reply, said.thread_ts or "")

        if not said.bot_id and not self._heard.is_repeated(heard.event_id):
            await _answered(work, tell)

    async def direct_message(self, heard: Told[Said], caller: Caller) -> None:
        said = heard.event
        thread = said.thread_ts or ""

        async def work() -> None:
            await tell((await self._reply(heard, caller, thread))[0])

        async def tell(reply: Reply) -> None:
            await self._speaker.say(caller.client, said.channel, thread, reply)

        if not said.subtype and not said.bot_id and not self._heard.is_repeated(heard.event_id):
            await _answered(work, tell)

    async def pressed(self, heard: Pressed, caller: Caller) -> None:
        action = heard.actions[0]
        verb = action.action_id.partition(":")[0]

        async def work() -> None:
            who = await self._who(caller)
            request = request_id(heard.trigger_id, action.action_ts)
            share = verb in RENEWING and heard.is_seen_by_others
            reply = await pressed(verb, _data(action.value), who, self._desk, request, share=share)
            if heard.response_url and reply.ok and verb in RENEWING:
                await self._speaker.respond(heard.response_url, reply, replace=True)
            else:
                await tell(reply)
            if not heard.response_url:
                await home.show(caller.client, who, self._desk)

        async def tell(reply: Reply) -> None:
            if heard.response_url:
                await self._speaker.respond(heard.response_url, reply)
            else:  # from the home tab, which has no such address
                await self._speaker.whisper(caller.client, "", caller.user, reply)

        if verb in set(Verb):  # else it is a link, and the browser does it
            await _answered(work, tell)

    async def title_entered(self, heard: InWindow, caller: Caller) -> None:
        """Somebody pressed Enter in the window's title: the analysis is renewed, what was typed stays."""
        view = heard.view

        async def work() -> None:
            who = await self._who(caller)
            draft = form.draft_of(view)
            analysis = self._analysis(who, draft) if draft.title else None
            await caller.client.views_update(view_id=view.id, hash=view.hash, view=form.window(draft, analysis))

        await _answered(work, _unheard)

    async def agents_wanted(self, heard: InWindow, caller: Caller, ack: AsyncAck) -> None:
        """Slack asks while somebody types: what the menu offers."""
        try:
            who = await self._who(caller)
            draft = form.draft_of(heard.view)
            agents = agents_of(who, self._desk)
        except AiCrmError as error:
            log.warning("agents wanted", action="agents wanted", problem=str(error))
            await ack(options=[])
            return
        analysis = self._analysis(who, draft) if draft.title else None
        await ack(options=form.agent_options(agents, heard.value, analysis))

    async def window_sent(self, heard: InWindow, caller: Caller, ack: AsyncAck) -> None:
        """What was entered becomes a task while the window waits; where that takes too long, it says so and goes on."""
        view = heard.view
        try:
            who = await self._who(caller)
            found = form.entered(view, await self._people.login(who))
        except AiCrmError as error:
            await _wrong(ack, {form.TITLE: str(error)})
            return
        if isinstance(found, form.Wrong):
            await _wrong(ack, found.errors)
            return
        making = asyncio.ensure_future(obey(Asked(found.task, share=found.share), who, self._desk, request_id(view.id)))
        await asyncio.wait({making}, timeout=_PATIENCE)
        if not making.done():
            await ack(response_action="update", view=form.waiting())
            reply = await making
            await _answered(lambda: self._replaced(caller, view.id, found, reply), _unheard)
        elif not (reply := making.result()).ok:
            await _wrong(ack, {form.TITLE: reply.text})
        else:
            await ack()
        if reply.ok:
            await _answered(lambda: self._tell_created(caller, found.origin, reply), _unheard)

    async def home_opened(self, heard: Told[TabOpened], caller: Caller) -> None:
        async def work() -> None:
            await home.show(caller.client, await self._who(caller), self._desk)

        if heard.event.tab == "home":
            await _answered(work, _unheard)

    async def link_shared(self, heard: Told[LinkShared], caller: Caller) -> None:
        async def work() -> None:
            await unfurl(self._links, caller.client, heard.event, await self._who(caller), self._desk)

        if not heard.is_ext_shared_channel:  # people of another company would see it
            await _answered(work, _unheard)

    async def uninstalled(self, _heard: Told[Removed], caller: Caller) -> None:
        await self._kept.forget(caller.team or caller.organisation)

    async def tokens_revoked(self, heard: Told[Revoked], caller: Caller) -> None:
        if heard.event.tokens.bot:
            await self._kept.forget(caller.team or caller.organisation)

    async def _who(self, caller: Caller) -> Asker:
        installation = await self._kept.find(caller.team, caller.organisation)
        if installation is None:
            raise CommandRefused("this Slack workspace is not connected", hint="An operator can: `ai-crm slack invite`")
        caller.client.token = installation.token.reveal()
        return await self._people.asker(installation, caller.user, caller.client)

    async def _reply(
        self, heard: Told[Said], caller: Caller, thread: str, *, among_others: bool = False
    ) -> tuple[Reply, bool]:
        """The answer to what somebody wrote, and whether it is for everybody. A task that is made in a thread says which."""
        who = await self._who(caller)
        asked = await understand(_unescaped(_MENTION.sub("", heard.event.text or "")), who, self._desk)
        command = asked.command
        if isinstance(command, NewTask) and thread and not command.description:
            origin = await self._permalink(caller.client, heard.event.channel, thread)
            asked = structs.replace(asked, command=structs.replace(command, description=origin))
        for_all = among_others and not isinstance(command, PERSONAL)
        asked = structs.replace(asked, share=asked.share or for_all)
        reply = await obey(asked, who, self._desk, request_id(heard.event_id))
        return reply, reply.ok and for_all

    async def _open(self, caller: Caller, who: Asker, trigger: str, draft: form.Draft, about: str = "") -> None:
        """Opens the window at once, because its ticket lasts three seconds, and fills it in while the person reads."""
        client = caller.client
        opened = (await client.views_open(trigger_id=trigger, view=form.window(draft, None)))["view"]
        if about:
            link = await self._permalink(client, draft.origin.channel, about)
            draft = structs.replace(draft, origin=structs.replace(draft.origin, permalink=link))
        if draft.title or about:
            shown = form.window(draft, self._analysis(who, draft) if draft.title else None)
            await client.views_update(view_id=opened["id"], hash=opened["hash"], view=shown)

    async def _replaced(self, caller: Caller, view: str, found: form.Entered, reply: Reply) -> None:
        """What becomes of a window that waited: nothing that was typed is lost."""
        shown = form.ended(reply.text) if reply.ok else form.window(form.kept(found), None, problem=reply.text)
        await caller.client.views_update(view_id=view, view=shown)

    async def _tell_created(self, caller: Caller, origin: form.Origin, reply: Reply) -> None:
        """Where the window was opened; to who made the task alone, where the channel cannot be told."""
        client, channel = caller.client, origin.channel
        if not reply.private and channel:
            try:
                await self._speaker.say(client, channel, origin.thread, reply)
            except SlackApiError as error:
                log.info("say", action="say", problem=str(error.response.get("error", "")))
            else:
                return
        await self._speaker.whisper(client, channel, caller.user, reply, origin.thread)

    async def _permalink(self, client: AsyncWebClient, channel: str, ts: str) -> str:
        try:
            answer = await client.chat_getPermalink(channel=channel, message_ts=ts)
        except SlackApiError:
            return ""
        return str(answer.get("permalink", ""))

    def _analysis(self, who: Asker, draft: form.Draft) -> Analysis:
        return self._desk.analyst.analyse(draft.title, draft.description, (), agents_of(who, self._desk))


async def _answered(work: Callable[[], Awaitable[None]], tell: Tell) -> None:
    """Does it. What went wrong is told to the person, or where Slack itself does not listen, to the log."""
    try:
        try:
            await work()
        except AiCrmError as error:
            await tell(refusal(error))
        except SlackApiError as error:
            await tell(refusal(trouble(error)))
    except SlackApiError as error:
        log.warning("slack", action="slack", problem=str(error.response.get("error", "")))
    except (ClientError, OSError, TimeoutError) as error:
        log.warning("slack", action="slack", problem=type(error).__name__)


async def _unheard(reply: Reply) -> None:
    log.info("unheard", action="unheard", ok=reply.ok)


def _data(value: str) -> dict[str, object]:
    """What a button carries. Raises Misunderstood."""
    try:
        return msgspec.json.decode(value, type=dict[str, object])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Misunderstood(
            "this button cannot be understood", hint="Show the card again: task show AICRM-42"
        ) from error


async def _wrong(ack: AsyncAck, errors: Mapping[str, str]) -> None:
    """The window stays, with a sentence beside each field that is meant."""
    await ack(response_action="errors", errors={block: said[:_MOST_SENTENCE] for block, said in errors.items()})


def _unescaped(text: str) -> str:
    """Slack escapes these three in what people write, and no others."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
