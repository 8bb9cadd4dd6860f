"""What the bot does about each thing that it hears: acknowledges it, asks the core, and answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar
from weakref import WeakValueDictionary

import msgspec
import structlog
from msgspec import Struct, structs

from ai_crm.cards.form import mended_form, offered, task_form
from ai_crm.cards.welcome import welcome_card
from ai_crm.commands.catalogue import PERSONAL
from ai_crm.commands.command import Asked, NewTask, StartTask
from ai_crm.commands.presses import OWN, RENEWING, parse_press
from ai_crm.errors import AiCrmError, ChangeRefused, CredentialsRefused, ItemMissing, UpstreamError
from ai_crm.flow.commands import demand, obey, refusal, understand
from ai_crm.flow.commands.reply import Asker, CommandDesk, Reply, agents_of
from ai_crm.model.analysis import Analysis
from bots.links import Links
from bots.memory import Heard as Repeated
from bots.promised import Promising
from bots.teams import dialog, meeting
from bots.teams.activity import Heard, Scope
from bots.teams.adapter import Message, Voice
from bots.teams.door import Answer
from bots.teams.ears import Way, ear_of, unheard
from bots.teams.people import People
from bots.teams.speak import (
    NOTHING_SHOWN,
    Json,
    card_answer,
    contents_of,
    found_answer,
    found_nothing,
    message_of,
    opener,
    own_view,
    tasks_answer,
    text_answer,
)

# Teams waits ten seconds for an invoke and shows an error then; people less.
_PATIENCE = 4.0
_GRACE = 20.0
_NAME = "@AI-CRM"

_GOES_ON = "That takes longer than usual. It goes on, and nothing has to be done again."
_FAULT = "That did not work, and it is my fault: the hub's log says more."
_ONCE_MORE = "That took too long. Try it once more."

T = TypeVar("T")
log = structlog.get_logger()


class Outcome(Struct, frozen=True):
    """What an invoke is answered with; `late` is told to the person alone where they were told to wait instead."""

    answer: Json
    late: tuple[Message, ...] = ()


class Bot:
    """One method for each ear of `bots.teams.ears`. None of them raises what a person can cause.

    `voice` makes the way to answer an activity.
    """

    def __init__(
        self,
        desk: CommandDesk,
        people: People,
        voice: Callable[[Heard], Voice],
        meetings: meeting.Meetings,
        links: Links,
        promised: Promising,
    ) -> None:
        self._desk = desk
        self._people = people
        self._voice = voice
        self._meetings = meetings
        self._links = links
        self._promised = promised
        self._patience = 0.0 if promised.late else _PATIENCE
        self._repeated = Repeated()
        self._working: set[asyncio.Future[Any]] = set()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._leaving = False

    async def receive(self, heard: Heard) -> Answer:
        """Answers an activity that is proven genuine. Raises PayloadInvalid and StoreUnavailable."""
        ear = ear_of(heard)
        if ear is None:
            return unheard(heard)
        voice = self._voice(heard)
        hears = getattr(self, ear.hears)
        answer = Answer(202)
        if ear.way is Way.NOW:
            answer = Answer(200, await hears(heard, voice))
        elif not self._repeated.is_repeated(heard.request) and await self._promised.give(heard.request, _body(heard)):
            self._begin(self._kept(heard, self._answered(ear.hears, voice, lambda: hears(heard, voice))))
        if self._leaving:
            await self.finish()  # the server waits for its calls, and nobody for anything else
        return answer

    async def leave(self) -> None:
        """The process ends: what is still to come is carried out before it is acknowledged."""
        self._leaving = True
        await self.finish()

    async def finish(self, seconds: float = _GRACE) -> None:
        """Lets what is under way come to its end, if it does so in time."""
        end = time.monotonic() + seconds
        while self._working and (left := end - time.monotonic()) > 0:
            await asyncio.wait(self._working, timeout=left)

    async def message(self, heard: Heard, voice: Voice) -> None:
        if isinstance(heard.value, dict) and not heard.text:
            await self._submitted(heard, voice)
            return
        asker = await self._people.asker(heard, voice)
        asked = await understand(await self._people.spelled(heard, voice), asker, self._desk)
        if isinstance(asked.command, StartTask):
            demand(asker.principal, asked.command)
            await voice.say(opener(asked.command.draft))
            return
        reply = await obey(_placed(asked, heard), asker, self._desk, heard.request)
        if isinstance(asked.command, PERSONAL) and not asked.share and heard.scope is not Scope.PERSONAL:
            reply = await self._whispered(voice, reply)
        await voice.say(message_of(reply, (heard.sender.id,)))

    async def pressed(self, heard: Heard, voice: Voice) -> Json:
        press = dialog.read(heard.value, dialog.Pressed)

        async def work() -> Outcome:
            asker = await self._people.asker(heard, voice)
            asked = parse_press(press.action.verb, press.action.data)
            alone = press.trigger == "automatic" or (press.action.verb in OWN and heard.scope is not Scope.PERSONAL)
            reply = await obey(asked if alone else _placed(asked, heard), asker, self._desk, heard.request)
            if alone:  # what the others see stays as it is
                view = own_view(reply, asker, (heard.sender.id,))
                return Outcome(card_answer(view) if reply.ok else text_answer(reply.text))
            return self._shown(heard, voice, press.action.verb, reply)

        return await self._in_time(heard, voice, work, text_answer)

    async def agents_wanted(self, heard: Heard, voice: Voice) -> Json:
        """Teams asks while somebody types: what the field offers."""
        wanted = dialog.read(heard.value, dialog.Lookup)

        async def work() -> Json:
            agents = agents_of(await self._people.asker(heard, voice), self._desk)
            return found_answer(offered(agents, wanted.query_text, None, min(wanted.query_options.top, 100)))

        return await self._looked_up(work, lambda _text: found_answer(()))

    async def form_wanted(self, heard: Heard, voice: Voice) -> Json:
        async def work() -> Json:
            asker = await self._people.asker(heard, voice)
            begun = dialog.entered(heard.value, await self._people.login(asker))
            return self._form(heard, asker, begun.task, begun.link or _link(heard))

        return await self._looked_up(work, dialog.told_answer)

    async def form_about_message(self, heard: Heard, voice: Voice) -> Json:
        async def work() -> Json:
            asker = await self._people.asker(heard, voice)
            draft, link = dialog.draft_of(heard.value)
            return self._form(heard, asker, draft, link)

        return await self._looked_up(work, dialog.told_answer)

    async def form_sent(self, heard: Heard, voice: Voice) -> Json:
        async def work() -> Outcome:
            asker = await self._people.asker(heard, voice)
            found = dialog.entered(heard.value, await self._people.login(asker))
            if found.errors:
                return self._mended(heard, asker, found, found.errors)
            task = structs.replace(
                found.task, description="\n\n".join(filter(None, (found.task.description, found.link)))
            )
            reply = await obey(Asked(task, share=found.share), asker, self._desk, heard.request)
            if not reply.ok:
                return self._mended(heard, asker, found, (reply.text,))
            message = message_of(reply, (heard.sender.id,))
            if found.share or heard.scope is Scope.PERSONAL:
                self._begin(self._answered("say", voice, lambda: voice.say(message)))
                return Outcome(dialog.told_answer(reply.text))
            return Outcome(dialog.told_answer(reply.text), (message,))

        return await self._in_time(heard, voice, work, dialog.told_answer)

    async def tasks_wanted(self, heard: Heard, voice: Voice) -> Json:
        """Somebody looks for a task, to put its card into a message."""

        async def work() -> Json:
            asker = await self._people.asker(heard, voice)
            asked = await understand(f"task list {dialog.searched(heard.value)}", asker, self._desk)
            reply = await obey(asked, asker, self._desk, heard.request)
            return tasks_answer(reply.tasks) if reply.tasks else found_nothing(reply.text)

        return await self._looked_up(work, found_nothing)

    async def link_written(self, heard: Heard, voice: Voice) -> Json:
        """Somebody writes an address of ours into a message: what is shown there is what they may see."""
        wanted = dialog.read(heard.value, dialog.Link).url

        async def work() -> Json:
            if self._links.task_of(wanted) is None:
                return NOTHING_SHOWN
            reply = await self._links.shown(wanted, await self._people.asker(heard, voice), self._desk)
            return tasks_answer(reply.tasks[:1]) if reply else NOTHING_SHOWN

        return await self._looked_up(work, lambda _text: NOTHING_SHOWN)

    async def link_of_a_stranger(self, _heard: Heard, _voice: Voice) -> Json:
        """Teams does not say who writes it."""
        return NOTHING_SHOWN

    async def installed(self, heard: Heard, voice: Voice) -> None:
        if heard.scope is Scope.PERSONAL:
            await self._people.asker(heard, voice)
        card = welcome_card("" if heard.scope is Scope.PERSONAL else _NAME)
        await voice.say(message_of(Reply(text=card.fallback_text, cards=(card,))))

    async def removed(self, heard: Heard, _voice: Voice) -> None:
        if heard.scope is Scope.PERSONAL:
            await self._people.forget(heard)

    async def meeting_started(self, heard: Heard, voice: Voice) -> None:
        await self._meetings.started(heard, voice)

    async def meeting_ended(self, heard: Heard, voice: Voice) -> None:
        await self._meetings.ended(heard, voice)

    async def _submitted(self, heard: Heard, voice: Voice) -> None:
        """A button of a client that knows only `Action.Submit`."""
        asker = await self._people.asker(heard, voice)
        verb = str(heard.value.get("verb") or heard.value.get("action") or "")
        reply = await obey(_placed(parse_press(verb, heard.value), heard), asker, self._desk, heard.request)
        if verb in OWN and heard.scope is not Scope.PERSONAL:
            await voice.say(message_of(await self._whispered(voice, reply)))
            return
        if heard.reply_to and _is_renewing(verb, reply):
            await self._renew(heard, voice, message_of(reply, (heard.sender.id,)))
        if not (heard.reply_to and _is_renewing(verb, reply) and reply.ok):
            await voice.say(message_of(reply, (heard.sender.id,)))

    async def _whispered(self, voice: Voice, reply: Reply) -> Reply:
        """Answers who asked in their own chat; what the others hear of it."""
        try:
            await voice.whisper(message_of(reply))
        except (ItemMissing, CredentialsRefused, ChangeRefused):
            return Reply(text="That is for you alone. Ask me in our own chat: Apps, AI-CRM, Add", ok=False)
        return Reply(text="That is for you alone: the answer is in our own chat")

    def _shown(self, heard: Heard, voice: Voice, verb: str, reply: Reply) -> Outcome:
        """The pressed card becomes the answer for everybody; what is no new state of it is said below."""
        message = message_of(reply, (heard.sender.id,))
        renewed = bool(heard.reply_to) and _is_renewing(verb, reply)
        if renewed:
            self._begin(self._answered("renew", voice, lambda: self._renew(heard, voice, message)))
        if not reply.ok:
            return Outcome(text_answer(reply.text), (message_of(Reply(text=reply.text)),))
        if renewed:
            return Outcome(card_answer(contents_of(reply, (heard.sender.id,))[0]))
        self._begin(self._answered("say", voice, lambda: voice.say(message)))
        return Outcome(text_answer(reply.text))

    async def _renew(self, heard: Heard, voice: Voice, message: Message) -> None:
        """One after the other for one message: what came of the last press stays."""
        turn = self._turns.setdefault(f"{heard.conversation}|{heard.reply_to}", asyncio.Lock())
        async with turn:
            await voice.renew(heard.reply_to, message)

    def _form(self, heard: Heard, asker: Asker, draft: NewTask, link: str) -> Json:
        """Raises CommandRefused for who could not send it."""
        demand(asker.principal, StartTask(draft))
        agents = agents_of(asker, self._desk)
        analysis = self._analysis(draft, asker) if draft.title else None
        shareable = heard.scope is not Scope.PERSONAL
        return dialog.form_answer(task_form(draft, analysis, agents, link=link, shareable=shareable))

    def _mended(self, heard: Heard, asker: Asker, found: dialog.Entered, errors: tuple[str, ...]) -> Outcome:
        """Nothing that was typed is lost: too late for the form, a message opens it again."""
        shareable = heard.scope is not Scope.PERSONAL
        agents = agents_of(asker, self._desk)
        form = dialog.form_answer(mended_form(found.task, errors, agents, link=found.link, shareable=shareable))
        return Outcome(form, (message_of(Reply(text="; ".join(errors))), opener(found.task, found.link)))

    def _analysis(self, draft: NewTask, asker: Asker) -> Analysis:
        return self._desk.analyst.analyse(draft.title, draft.description, (), agents_of(asker, self._desk))

    async def _in_time(
        self, heard: Heard, voice: Voice, work: Callable[[], Awaitable[Outcome]], tell: Callable[[str], Json]
    ) -> Json:
        """The answer, or after a while the promise of one: what comes of it later is told in messages."""
        late = asyncio.Event()

        async def guarded() -> Outcome:
            try:
                outcome = await work()
            except AiCrmError as error:
                outcome = Outcome(tell(str(error)), (message_of(refusal(error)),))
            for message in outcome.late if late.is_set() else ():
                await self._answered("late", voice, partial(voice.whisper, message))
            return outcome

        working = self._begin(guarded())
        await asyncio.wait({working}, timeout=self._patience)
        if working.done() and not self._promised.late:
            return working.result().answer
        late.set()
        await self._promised.give(heard.request, _body(heard))
        self._begin(self._kept(heard, working))  # not before: what is kept first and given then would be done again
        return tell(_GOES_ON)

    async def _looked_up(self, work: Callable[[], Awaitable[Json]], tell: Callable[[str], Json]) -> Json:
        """The answer to what changes nothing; nobody wants it any more after a while."""

        async def guarded() -> Json:
            try:
                return await work()
            except AiCrmError as error:
                return tell(str(error))

        working = self._begin(guarded())  # it goes on in any case: a thread cannot be called back
        await asyncio.wait({working}, timeout=self._patience)
        return working.result() if working.done() else tell(_ONCE_MORE)

    async def _kept(self, heard: Heard, work: Awaitable[T]) -> T:
        """What ends in a fault is not done: the promise stays, and somebody tries it once more."""
        done = await work
        await self._promised.keep(heard.request)
        return done

    async def _answered(self, action: str, voice: Voice, work: Callable[[], Awaitable[object]]) -> None:
        """Does it. What went wrong is told to the person, or where Teams itself does not listen, to the log."""
        try:
            try:
                await work()
            except UpstreamError:
                raise  # Teams itself: nobody could be told
            except AiCrmError as error:
                await voice.say(message_of(refusal(error)))
            except Exception:
                with suppress(AiCrmError):
                    await voice.say(message_of(Reply(text=_FAULT, ok=False)))
                raise
        except AiCrmError as error:
            log.warning("teams", action=action, problem=str(error))

    def _begin(self, work: Awaitable[T]) -> asyncio.Future[T]:
        working = asyncio.ensure_future(work)
        self._working.add(working)
        working.add_done_callback(self._ended)
        return working

    def _ended(self, working: asyncio.Future[Any]) -> None:
        """What nobody expected is one fault in the log, without what was asked."""
        self._working.discard(working)
        if not working.cancelled() and (error := working.exception()):
            log.error("fault", action="teams", exc_info=(type(error), error, error.__traceback__))


def _is_renewing(verb: str, reply: Reply) -> bool:
    """A card that was out of date is renewed, too, although nothing was done."""
    return verb in RENEWING and bool(reply.ok or reply.tasks)


def _body(heard: Heard) -> bytes:
    """As the door read it, to be read once more."""
    return msgspec.json.encode(heard.raw)


def _placed(asked: Asked, heard: Heard) -> Asked:
    """As it is meant where it was asked for: in a group others see the answer. A new task about which nothing else is said
    remembers the place.
    """
    if heard.scope is not Scope.PERSONAL and not isinstance(asked.command, PERSONAL):
        asked = structs.replace(asked, share=True)
    if not isinstance(asked.command, NewTask) or asked.command.description:
        return asked
    return structs.replace(asked, command=structs.replace(asked.command, description=_link(heard)))


def _link(heard: Heard) -> str:
    """Where it was asked for, for people and for the meeting's summary; a chat with the bot is nobody else's business."""
    return "" if heard.scope is Scope.PERSONAL else meeting.link_to(heard)
