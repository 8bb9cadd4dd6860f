"""What people are told by the clock and not by an event: each one's daily summary, and what is wrong with the hub."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, time, timedelta

from msgspec import Struct, field

from ai_crm.cards import answers, text
from ai_crm.cards.inert import mrkdwn, teams
from ai_crm.commands.command import NoticeKind
from ai_crm.flow.commands.digest import digest_for
from ai_crm.flow.commands.preferences import zone_of
from ai_crm.flow.notices import end_of_quiet
from ai_crm.model.access import HOME
from ai_crm.model.change import ChangeKey, Notify, Text, change_key
from ai_crm.model.decision import Answer, Decision
from ai_crm.model.item import ItemKind, ItemRef, PlatformName
from ai_crm.model.record import ConnectionHealth
from ai_crm.model.space import parted
from ai_crm.model.task import RuleId
from ai_crm.ports import Clock, Store
from ai_crm.ports.members import Member, Members
from ai_crm.ports.records import Records

DIGEST = RuleId("digest")
ALERT = RuleId("alert")

# A summary that could not be sent in time is still one for so long; after that the next one comes.
_LATE = timedelta(hours=4)
# Work that waits longer than this is worth a word.
_STUCK = timedelta(minutes=15)
# Summaries that this process remembers; what it forgets the records know.
_MOST_LOOKED = 10_000


class Rounds(Struct, frozen=True, kw_only=True):
    """`alerts` is the channel on Slack that hears what is wrong with the hub, empty for nobody. It is the one of the
    workspace `home`: whoever runs the hub is told, not each workspace's own Slack.

    `looked` are the summaries that this process is through with.
    """

    records: Records
    members: Members
    store: Callable[[str], Store]
    clock: Clock
    alerts: str = ""
    home: str = HOME
    looked: set[str] = field(default_factory=set)

    async def digests(self, workspace: str) -> int:
        """Plans the summaries that are due in a workspace, each day's once; says for how many people it looked.

        Raises StoreUnavailable.
        """
        now = self.clock.now()
        asked = await self.members.with_digest(workspace)
        # A terminal asks for a summary; it cannot be told one.
        due = tuple(each for each in asked if each.platform is not PlatformName.HUB and _due(each, now))
        return sum([await self._look(each, workspace, now) for each in due])

    async def health(self, workspace: str) -> int:
        """Plans a message for each connection that something new is wrong with. Raises StoreUnavailable."""
        if not self.alerts:
            return 0
        now = self.clock.now()
        seen = [alert(each, self.alerts, self.home, now) for each in await self.records.connections(workspace)]
        wrong = tuple(filter(None, seen))
        for decision in wrong:
            await self.store(self.home).commit(decision, now)
        return len(wrong)

    async def _look(self, member: Member, workspace: str, now: datetime) -> int:
        """1 when it had to look. The figures cost more than to remember: it is due for hours, and once is enough."""
        today = now.astimezone(zone_of(member.preferences)).date()
        item = ItemRef(PlatformName.HUB, workspace, ItemKind.REQUEST, f"digest {member.platform} {member.id} {today}")
        event = _event(_key(DIGEST, item, (member.platform, member.id)))
        if event in self.looked or await self.records.decisions_of(workspace, event):
            return 0
        decision = await self._digest(member, item, now)
        if decision:
            await self.store(workspace).commit(decision, now)
        if len(self.looked) >= _MOST_LOOKED:
            self.looked.clear()
        self.looked.add(event)
        return 1

    async def _digest(self, member: Member, item: ItemRef, now: datetime) -> Decision | None:
        """None where there is nothing to tell."""
        digest = await digest_for(member.login, member, item.project, self.records, now)
        if digest.is_empty:
            return None
        lines = text.render(answers.digest_card(digest)).splitlines()
        quiet = end_of_quiet(member.preferences, now)
        return _told(DIGEST, item, (member.platform, member.address), lines, not_before=quiet)


def alert(health: ConnectionHealth, channel: str, workspace: str, now: datetime) -> Decision | None:
    """What is wrong with a connection, said once a day, and again when it gets worse; None while it is well. Pure.

    Twice as many given up are worse, one more is not: an alert that cannot be sent is one more itself.
    """
    stuck = health.oldest_waiting is not None and now - health.oldest_waiting > _STUCK
    waits = health.waiting_deliveries + health.waiting_changes
    if not any((health.problem, health.dead, stuck)):
        return None
    state = (f"{now:%Y-%m-%d}", health.problem, str(health.dead.bit_length()), "stuck" if stuck else "")
    lines = [f"AI-CRM: {health.platform} connection {health.id}"]
    lines += [health.problem] if health.problem else []
    lines += [f"{health.dead:,} given up: `ai-crm` API, /api/v1/dead-letters, shows why"] if health.dead else []
    lines += [f"{waits:,} waiting, the oldest since {health.oldest_waiting:%Y-%m-%d %H:%M} UTC"] if stuck else []
    item = ItemRef(PlatformName.HUB, workspace, ItemKind.REQUEST, f"alert {health.id}")
    return _told(ALERT, item, (PlatformName.SLACK, channel), lines, state=" ".join(state))


def _due(member: Member, now: datetime) -> bool:
    """Whether today's summary should be out by now, by the member's own clock."""
    preferences = member.preferences
    if preferences.digest_at is None or NoticeKind.DIGEST in preferences.off:
        return False
    local = now.astimezone(zone_of(preferences))
    wanted = datetime.combine(
        local.date(), time(preferences.digest_at.hour, preferences.digest_at.minute), local.tzinfo
    )
    return wanted <= local < wanted + _LATE


def _told(
    rule: RuleId,
    item: ItemRef,
    to: tuple[PlatformName, str],
    lines: list[str],
    *,
    state: str = "",
    not_before: datetime | None = None,
) -> Decision:
    platform, target = to
    inert = teams if platform is PlatformName.TEAMS else mrkdwn
    key = _key(rule, item, to, state)
    said = Notify(
        key=key,
        rule=rule,
        item=item,
        because="it is time for it" if rule is DIGEST else "something is wrong that a person has to look at",
        platform=platform,
        target=target,
        text=Text(("\n".join(inert(line) for line in lines),)),
        surface=rule is ALERT,
        not_before=not_before,
    )
    return Decision(
        event=_event(key),
        platform=PlatformName.HUB,
        names=(str(rule),),
        actor="ai-crm",
        item=item,
        answer=Answer.ACT,
        rules="",
        verdicts=(),
        changes=(said,),
        skips=(),
    )


def _key(rule: RuleId, item: ItemRef, to: tuple[PlatformName, str], state: str = "") -> ChangeKey:
    """The same before and after it is known in which space somebody is."""
    platform = to[0]
    _space, target = parted(*to)
    return change_key(rule, item, f"tell {platform} {target}", state)


def _event(key: ChangeKey) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32]
