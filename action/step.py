"""One event from the runner through the house: decoded, judged by the rules, carried out unless it only looks, told."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import timedelta

from msgspec import Struct, structs

from action.delivery import SCHEDULE, Workspace, brand_new, only_looks, read_delivery, scheduled
from action.inputs import ConfigSource, FailOn, Inputs, Run
from action.log import Log
from action.report import Told, outputs, tell, write_outputs
from action.summary import summary, write_summary
from ai_crm import wiring
from ai_crm.analysis import offline_analyst
from ai_crm.config.policy import load_policy
from ai_crm.errors import AiCrmError, CredentialsRefused, EventUnknown, SettingsInvalid, StoreUnavailable
from ai_crm.flow.consider import Analysts, consider
from ai_crm.flow.deliver import deliver
from ai_crm.model.event import Event
from ai_crm.model.item import Item, PlatformName
from ai_crm.platforms.github import GitHub
from ai_crm.ports import Applier, Platform, RawRequest, RulesSource, RulesText, Store
from ai_crm.rules.rule import Defaults, Policy

# A schedule asks about the items that nobody touched for the longest time, a page of them.
_SILENT_FOR = timedelta(hours=1)
_MOST_SILENT = 100


class _Hands(Struct, frozen=True, kw_only=True):
    """What deciding and carrying out needs. `looks_only` stops before the first write.

    Where the store is `in_hub` its messages are sent by the hub, and `spare` is where tasks are kept if that is away.
    """

    platform: Platform
    store: Store
    appliers: Mapping[PlatformName, Applier]
    analysts: Analysts
    looks_only: bool
    in_hub: bool = False
    spare: Store | None = None


class Step:
    """One run. It raises ConfigError and other AiCrmError when nothing could be done at all."""

    def __init__(self, inputs: Inputs, run: Run, log: Log) -> None:
        self._inputs = inputs
        self._run = run
        self._log = log

    async def take(self) -> tuple[AiCrmError, ...]:
        """Does what the rules say about the event; returns what could not be done."""
        delivery = read_delivery(self._run)
        if self._inputs.half_a_hub:
            self._log.notice(self._inputs.half_a_hub)
        events = self._decoded(delivery)
        with closing(self._github(events)) as github:
            if self._run.event_name == SCHEDULE:
                events = scheduled(self._run, delivery, await self._silent_items(github))
            rules = await self._files(github).rules(self._run.repository) if events else None
            if rules is None:
                self._log.notice(self._idle(events))
                write_outputs(self._run.output, outputs(()))
                return ()
            return await self._follow(rules, events, github, only_looks(self._run, self._inputs, delivery))

    def _decoded(self, delivery: RawRequest) -> tuple[Event, ...]:
        if self._run.event_name == SCHEDULE:
            return ()
        try:
            return wiring.decoder(PlatformName.GITHUB)(delivery)
        except EventUnknown as error:
            self._log.notice(str(error))
            return ()

    def _github(self, events: tuple[Event, ...]) -> GitHub:
        access = wiring.Access(
            token=self._inputs.github_token.reveal,
            api_url=self._run.api_url,
            graphql_url=self._run.graphql_url,
            proxy=self._run.proxy.reveal(),
        )
        branch = events[0].project.default_branch if events else ""
        fresh = brand_new(events, self._run)
        return wiring.github(
            access, wiring.Setup(rules_path=self._inputs.config_path, default_branch=branch, fresh=fresh)
        )

    async def _silent_items(self, github: GitHub) -> tuple[Item, ...]:
        since = wiring.SystemClock().now() - _SILENT_FOR
        items = await github.untouched(self._run.repository, since, _MOST_SILENT)
        if len(items) == _MOST_SILENT:
            self._log.notice(f"Asks about the {_MOST_SILENT} open items that were silent for longest, not about others")
        return items

    def _files(self, github: GitHub) -> RulesSource:
        if self._inputs.config_source is ConfigSource.WORKSPACE:
            return Workspace(self._run.workspace, self._inputs.config_path)
        return github

    def _idle(self, events: tuple[Event, ...]) -> str:
        """Why there is nothing to do, and what to do about it."""
        if not events and self._run.event_name == SCHEDULE:
            return "No open issue or pull request was left untouched: nothing to do"
        if not events:
            reason = wiring.why_ignored(PlatformName.GITHUB, self._run.event_name)
            return f"Nothing to do about {self._run.event_name}" + (f": {reason}" if reason else "")
        where = self._inputs.config_source.replace("_", " ")
        return (
            f"There is no {self._inputs.config_path} in the {where} of {self._run.repository}: nothing to do. Add one "
            "that says what shall become a task; `ai-crm templates list` shows ready rules"
        )

    async def _follow(
        self, rules: RulesText, events: tuple[Event, ...], github: GitHub, looked: str
    ) -> tuple[AiCrmError, ...]:
        origin = f"{rules.path} ({rules.origin})"
        self._log.line(f"Rules: {origin}")
        defaults = Defaults(pm_analysis=self._inputs.pm_analysis, auto_assign=self._inputs.auto_assign)
        policy = load_policy(rules.text, rules.path, defaults)
        self._log.lines(f"note: {warning}" for warning in policy.warnings)
        if self._run.event_name == SCHEDULE and any(rule.schedule for rule in policy.rules):
            self._log.notice("cron and time_zone are for hubs: here the workflow's own schedule says when")
        looked = looked or self._homeless(policy)
        if looked:
            self._log.notice(f"Only looking, nothing is written: {looked}")
        with self._hands(github, policy, looks_only=bool(looked)) as hands:
            told, errors = await self._handle(events, policy, hands)
        return (*errors, *self._recorded(told, summary(told, origin, looked, errors)))

    def _recorded(self, told: tuple[Told, ...], markdown: str) -> Iterator[AiCrmError]:
        """Outputs and summary; one that cannot be written does not take the other with it, nor what was done."""
        try:
            write_outputs(self._run.output, outputs(told))
        except SettingsInvalid as error:
            yield error
        try:
            write_summary(self._run.summary, markdown)
        except SettingsInvalid as error:
            yield error

    def _homeless(self, policy: Policy) -> str:
        if policy.card.comment or self._inputs.database_url or self._inputs.hub:
            return ""
        return (
            "card.comment is false in the rules file and there is no database_url or hub, so a task would have no home"
        )

    @contextmanager
    def _hands(self, github: GitHub, policy: Policy, *, looks_only: bool) -> Iterator[_Hands]:
        connected = github if self._inputs.github_token else None
        own = wiring.store(self._inputs.database_url, self._run.repository, connected)
        hub = self._hub(connected)
        appliers = wiring.appliers(connected, self._inputs.chat)
        may_do_without = self._inputs.fail_on is not FailOn.ANY and policy.card.comment and connected is not None
        hands = _Hands(
            platform=github,
            store=hub or own,
            appliers=appliers,
            analysts=Analysts(offline_analyst(), self._files(github)),
            looks_only=looks_only,
            in_hub=hub is not None,
            spare=own if hub and may_do_without else None,
        )
        try:
            yield hands
        finally:
            for store in filter(None, (own, hub)):
                store.close()
            for applier in appliers.values():
                applier.close()

    def _hub(self, github: GitHub | None) -> Store | None:
        """The hub's store. A job that is run again is the same holder: it gets back what it had in hand."""
        access = self._inputs.hub
        if access is None:
            return None
        self._log.line(f"Hub: {access.url}")
        holder = f"run {self._run.id} {self._run.job}" if self._run.id else f"process {os.urandom(8).hex()}"
        return wiring.hub_store(access, holder.strip(), github)

    async def _handle(
        self, events: tuple[Event, ...], policy: Policy, hands: _Hands
    ) -> tuple[tuple[Told, ...], tuple[AiCrmError, ...]]:
        """What came of each event. One that fails does not stop the others, unless they would fail for the same reason."""
        told: list[Told] = []
        errors: list[AiCrmError] = []
        for position, event in enumerate(events):
            try:
                one, hands = await self._with_or_without_hub(event, policy, hands, errors)
            except AiCrmError as error:
                errors.append(error)
                stopped: AiCrmError | None = error
            else:
                tell(one, self._log)
                told.append(one)
                errors.extend(one.errors)
                stopped = one.stopped
            if stopped and (stopped.retry or isinstance(stopped, CredentialsRefused)):
                self._log.lines(_given_up(len(events) - position - 1))
                break
        return tuple(told), tuple(errors)

    async def _with_or_without_hub(
        self, event: Event, policy: Policy, hands: _Hands, errors: list[AiCrmError]
    ) -> tuple[Told, _Hands]:
        """What came of an event, and the hands to go on with: once the hub is away the rest is done without it."""
        try:
            return await _handle_one(event, policy, hands), hands
        except StoreUnavailable as error:
            if hands.spare is None:
                raise
            errors.append(_away(error))
            self._log.line("Goes on without the hub")
            hands = structs.replace(hands, store=hands.spare, in_hub=False, spare=None)
        return await _handle_one(event, policy, hands), hands


def _away(error: StoreUnavailable) -> StoreUnavailable:
    """What a run says that had to do without its hub."""
    hint = "This run went on without the hub and kept its tasks on GitHub; run the job again once the hub is back"
    return StoreUnavailable(error.what, where=error.where, hint=hint)


def _given_up(left: int) -> Iterator[str]:
    if left:
        yield f"{left} more {'item was' if left == 1 else 'items were'} not asked about: the same would happen"


async def _handle_one(event: Event, policy: Policy, hands: _Hands) -> Told:
    now = wiring.SystemClock().now()
    considered = await consider(event, hands.platform, hands.store, policy, hands.analysts, now)
    told = Told(event=event, decision=considered.decision, unseen=considered.unseen, in_hub=hands.in_hub)
    if hands.looks_only:
        return told
    try:
        report = await deliver(told.decision, hands.store, hands.appliers, now)
    except AiCrmError as error:
        if hands.spare and isinstance(error, StoreUnavailable):
            raise
        return structs.replace(told, stopped=error)
    return structs.replace(told, report=report)
