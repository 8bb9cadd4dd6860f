"""What the bot does about each thing that it hears: says at once that it heard, then asks the core, then answers."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from msgspec import Struct, structs
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from ai_crm.commands.command import Asked, NewTask, StartTask
from ai_crm.errors import AiCrmError, CommandRefused
from ai_crm.flow.commands import obey, pressed, refusal, understand
from ai_crm.flow.reply import Asker, CommandDesk, Reply, agents_of
from ai_crm.model.analysis import Analysis
from bots.slack import form, home
from bots.slack.installations import Installation, Installations
from bots.slack.links import Links
from bots.slack.people import People, request_id
from bots.slack.speak import Speaker

# Slack waits three seconds for a window that was sent; after so many of them the person is told to wait instead.
_PATIENCE = 2.0
_MENTION = re.compile(r"^\s*<@[A-Z0-9]+(\|[^>]*)?>[\s,:]*")
_MOST_HEARD = 10_000
_MOST_TITLE = 120

Body = dict[str, Any]
log = structlog.get_logger()


class Call(Struct, frozen=True, kw_only=True):
    """Somebody who asks, from where. `client` speaks with the token of their workspace."""

    installation: Installation
    asker: Asker
    client: AsyncWebClient


class Bot:
    """One method for each ear of `bots.slack.ears`. None of them raises what a person can cause."""

    def __init__(
        self,
        desk: CommandDesk,
        kept: Installations,
        people: People,
        speaker: Speaker,
        links: Links,
    ) -> None:
        self._desk = desk
        self._kept = kept
        self._people = people
        self._speaker = speaker
        self._links = links
        self._heard: dict[str, None] = {}

    async def slash_command(self, ack: AsyncAck, body: Body, client: AsyncWebClient) -> None:
        await ack()
        url = body["response_url"]

        async def work() -> None:
            call = await self._call(body["team_id"], body["user_id"], client)
            asked = await understand(_unescaped(body.get("text", "")), call.asker, self._desk)
            if isinstance(asked.command, StartTask):
                draft = form.Draft(
                    title=asked.command.draft.title,
                    wanted=asked.command.draft,
                    origin=form.Origin(channel=body.get("channel_id", "")),
                )
                await self._open(call, body["trigger_id"], draft)
                return
            reply = await obey(asked, call.asker, self._desk, request_id(body["trigger_id"]))
            await self._speaker.respond(url, reply)

        await self._answered(work, lambda reply: self._speaker.respond(url, reply))

    async def message_shortcut(self, ack: AsyncAck, body: Body, client: AsyncWebClient) -> None:
        await ack()
        message, channel = body["message"], body["channel"]["id"]
        text = _unescaped(message.get("text", ""))

        async def work() -> None:
            call = await self._call(body["team"]["id"], body["user"]["id"], client)
            thread = message.get("thread_ts") or message["ts"]
            draft = form.Draft(
                title=text.strip().partition("\n")[0][:_MOST_TITLE],
                description=text,
                origin=form.Origin(channel=channel, thread=thread),
            )
            await self._open(call, body["trigger_id"], draft, about=(channel, message["ts"]))

        await self._answered(work, lambda reply: self._speaker.respond(body["response_url"], reply))

    async def mention(self, ack: AsyncAck, body: Body, event: Body, client: AsyncWebClient) -> None:
        await ack()
        if self._is_repeated(body["event_id"]):
            return
        thread = event.get("thread_ts") or event["ts"]

        async def work() -> None:
            call = await self._call(body["team_id"], event["user"], client)
            text = _MENTION.sub("", event.get("text", ""))
            reply = await self._said(call, text, body["event_id"], (event["channel"], thread))
            if reply.ok and not reply.private:
                await self._speaker.say(client, event["channel"], thread, reply)
            else:
                await self._speaker.say(client, event["channel"], thread, structs.replace(reply, private=False))

        await self._answered(work, lambda reply: self._speaker.say(client, event["channel"], thread, reply))

    async def direct_message(self, ack: AsyncAck, body: Body, event: Body, client: AsyncWebClient) -> None:
        await ack()
        if event.get("subtype") or event.get("bot_id") or self._is_repeated(body["event_id"]):
            return
        thread = event.get("thread_ts", "")

        async def work() -> None:
            call = await self._call(body["team_id"], event["user"], client)
            text = _MENTION.sub("", event.get("text", ""))
            reply = await self._said(call, text, body["event_id"], (event["channel"], thread))
            await self._speaker.say(client, event["channel"], thread, reply)

        await self._answered(work, lambda reply: self._speaker.say(client, event["channel"], thread, reply))

    async def pressed(self, ack: AsyncAck, body: Body, action: Body, client: AsyncWebClient) -> None:
        await ack()
        verb = action["action_id"].partition(":")[0]
        if verb == "open":  # a link: the browser does it
            return
        url = body.get("response_url", "")

        async def tell(reply: Reply) -> None:
            if url:
                await self._speaker.respond(url, reply)
            else:  # from the home tab, which has no such address
                await self._speaker.whisper(client, "", body["user"]["id"], reply)

        async def work() -> None:
            call = await self._call(body["team"]["id"], body["user"]["id"], client)
            data = json.loads(action.get("value") or "{}")
            request = request_id(body["trigger_id"], action["action_ts"])
            reply = await pressed(verb, data, call.asker, self._desk, request)
            if url and reply.ok and verb in _RENEWING:
                await self._speaker.respond(url, reply, replace=True)
            else:
                await tell(reply)
            if not url:
                await home.show(call.client, call.asker, self._desk)

        await self._answered(work, tell)

    async def title_entered(self, ack: AsyncAck, body: Body, client: AsyncWebClient) -> None:
        """Somebody pressed Enter in the window's title: the analysis is renewed, what was typed stays."""
        await ack()
        view = body["view"]

        async def work() -> None:
            call = await self._call(body["team"]["id"], body["user"]["id"], client)
            draft = form.draft_of(view, await self._people.login(call.asker))
            shown = form.window(draft, self._analysis(call, draft))
            await client.views_update(view_id=view["id"], hash=view["hash"], view=shown)

        await self._answered(work, self._unheard)

    async def agents_wanted(self, ack: AsyncAck, body: Body, client: AsyncWebClient) -> None:
        """Slack asks while somebody types: what the menu offers."""
        try:
            call = await self._call(body["team"]["id"], body["user"]["id"], client)
            draft = form.draft_of(body["view"], "")
            agents = agents_of(call.asker, self._desk)
        except AiCrmError as error:
            log.warning("agents wanted", action="agents wanted", problem=str(error))
            await ack(options=[])
            return
        analysis = self._analysis(call, draft) if draft.title else None
        await ack(options=form.agent_options(agents, body.get("value", ""), analysis))

    async def window_sent(self, ack: AsyncAck, body: Body, client: AsyncWebClient) -> None:
        """What was entered becomes a task while the window waits; where that takes too long, it says so and goes on."""
        view = body["view"]
        try:
            call = await self._call(body["team"]["id"], body["user"]["id"], client)
            found = form.entered(view, await self._people.login(call.asker))
        except AiCrmError as error:
            await ack(response_action="errors", errors={form.TITLE: _sentence(error)})
            return
        if isinstance(found, form.Wrong):
            await ack(response_action="errors", errors=dict(found.errors))
            return
        asked = Asked(found.task, share=found.share)
        making = asyncio.ensure_future(obey(asked, call.asker, self._desk, request_id(view["id"])))
        await asyncio.wait({making}, timeout=_PATIENCE)
        if not making.done():
            await ack(response_action="update", view=form.waiting())
            reply = await making
            done = form.ended(reply.text) if reply.ok else form.window(_kept_draft(found), None)
            await client.views_update(view_id=view["id"], view=done)
        elif not making.result().ok:
            await ack(response_action="errors", errors={form.TITLE: making.result().text[:150]})
            return
        else:
            await ack()
        await self._answered(lambda: self._tell_created(call, found, making.result()), self._unheard)

    async def home_opened(self, ack: AsyncAck, body: Body, event: Body, client: AsyncWebClient) -> None:
        await ack()
        if event.get("tab") != "home":
            return

        async def work() -> None:
            call = await self._call(body["team_id"], event["user"], client)
            await home.show(client, call.asker, self._desk)

        await self._answered(work, self._unheard)

    async def link_shared(self, ack: AsyncAck, body: Body, event: Body, client: AsyncWebClient) -> None:
        await ack()
        if body.get("is_ext_shared_channel"):  # people of another company would see it
            return

        async def work() -> None:
            call = await self._call(body["team_id"], event["user"], client)
            await self._links.unfurl(client, event, call.asker, self._desk)

        await self._answered(work, self._unheard)

    async def uninstalled(self, ack: AsyncAck, body: Body) -> None:
        await ack()
        await self._kept.forget(body["team_id"])

    async def tokens_revoked(self, ack: AsyncAck, body: Body, event: Body) -> None:
        await ack()
        if event.get("tokens", {}).get("bot"):
            await self._kept.forget(body["team_id"])

    async def _call(self, team: str, user: str, client: AsyncWebClient) -> Call:
        installation = await self._kept.find(team)
        if installation is None:
            raise CommandRefused("this Slack workspace is not connected", hint="An operator can: `ai-crm slack invite`")
        return Call(
            installation=installation, asker=await self._people.asker(installation, user, client), client=client
        )

    async def _said(self, call: Call, text: str, event: str, place: tuple[str, str]) -> Reply:
        """The answer to what somebody wrote; a task that was made in a thread remembers which."""
        asked = await understand(_unescaped(text), call.asker, self._desk)
        if isinstance(asked.command, NewTask) and place[1] and not asked.command.description:
            origin = await self._permalink(call.client, *place)
            asked = structs.replace(asked, command=structs.replace(asked.command, description=origin))
        return await obey(asked, call.asker, self._desk, request_id(event))

    async def _open(self, call: Call, trigger: str, draft: form.Draft, about: tuple[str, str] | None = None) -> None:
        """Opens the window at once, because its ticket lasts three seconds, and fills it in while the person reads."""
        opened = await call.client.views_open(trigger_id=trigger, view=form.window(draft, None))
        view = opened["view"]
        if about:
            link = await self._permalink(call.client, *about)
            origin = structs.replace(draft.origin, permalink=link)
            draft = structs.replace(draft, description=f"{draft.description}\n\n{link}".strip(), origin=origin)
        if draft.title or about:
            shown = form.window(draft, self._analysis(call, draft) if draft.title else None)
            await call.client.views_update(view_id=view["id"], hash=view["hash"], view=shown)

    async def _tell_created(self, call: Call, found: form.Entered, reply: Reply) -> None:
        if not reply.ok:
            return
        origin = found.origin
        if found.share and origin.channel:
            await self._speaker.say(call.client, origin.channel, origin.thread, reply)
        else:
            await self._speaker.whisper(call.client, origin.channel, call.asker.id, reply)

    async def _permalink(self, client: AsyncWebClient, channel: str, ts: str) -> str:
        try:
            answer = await client.chat_getPermalink(channel=channel, message_ts=ts)
        except SlackApiError:
            return ""
        return str(answer.get("permalink", ""))

    def _analysis(self, call: Call, draft: form.Draft) -> Analysis:
        agents = agents_of(call.asker, self._desk)
        return self._desk.analyst.analyse(draft.title, draft.description, (), agents)

    def _is_repeated(self, event: str) -> bool:
        """Slack sends again what it believes lost; after a restart the same request changes nothing either."""
        if event in self._heard:
            return True
        if len(self._heard) >= _MOST_HEARD:
            del self._heard[next(iter(self._heard))]
        self._heard[event] = None
        return False

    async def _answered(self, work: Callable[[], Awaitable[None]], tell: Callable[[Reply], Awaitable[None]]) -> None:
        """Does it. What went wrong is told to the person, or where Slack itself does not listen, to the log."""
        try:
            try:
                await work()
            except AiCrmError as error:
                await tell(refusal(error))
        except SlackApiError as error:
            log.warning("slack", action="slack", problem=str(error.response.get("error", "")))
        except (OSError, TimeoutError) as error:
            log.warning("slack", action="slack", problem=type(error).__name__)

    async def _unheard(self, reply: Reply) -> None:
        log.info("unheard", action="unheard", ok=reply.ok)


# Buttons whose message becomes what they lead to.
_RENEWING = frozenset({"set_status", "undo", "page"})


def _kept_draft(found: form.Entered) -> form.Draft:
    """Nothing of what was typed is lost."""
    return form.Draft(
        title=found.task.title, description=found.task.description, wanted=found.task, origin=found.origin
    )


def _sentence(error: AiCrmError) -> str:
    return str(error)[:150]


def _unescaped(text: str) -> str:
    """Slack escapes these three in what people write, and no others."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
