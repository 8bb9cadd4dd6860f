"""Decisions as rules would make them, in one line each, for tests of what comes after the deciding."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ai_crm.model.analysis import Priority
from ai_crm.model.change import (
    AddLabels,
    AnyChange,
    CallWebhook,
    Comment,
    CreateTask,
    Later,
    Notify,
    OutboundChange,
    ShowCard,
    Text,
    UpdateTask,
    change_key,
)
from ai_crm.model.decision import Answer, Decision, Skip, Verdict
from ai_crm.model.item import ItemKind, ItemRef, PlatformName, Project
from ai_crm.model.task import AgentChoice, RuleId, TaskPatch

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PROJECT = Project(name="octo/hello", url="https://github.example/octo/hello", default_branch="main")
ISSUE = ItemRef(PlatformName.GITHUB, "octo/hello", ItemKind.ISSUE, "12")
PUSH = ItemRef(PlatformName.GITHUB, "octo/hello", ItemKind.PUSH, "9f2c")
TEXT = Text(("New task ", Later("id"), ": ", Later("url")))


class Decisions:
    """What happens once per (rule, item) has the same key for every event; what belongs to an event has the event's."""

    issue = ISSUE
    push = PUSH
    noon = NOON

    def minute(self, count: int) -> datetime:
        return NOON + timedelta(minutes=count)

    def another_issue(self, number: int) -> ItemRef:
        return ItemRef(PlatformName.GITHUB, "octo/hello", ItemKind.ISSUE, str(number))

    def branch(self, name: str) -> ItemRef:
        return ItemRef(PlatformName.GITHUB, "octo/hello", ItemKind.REF, name)

    def make(self, event: str, *changes: AnyChange, item: ItemRef = ISSUE, rules: str = "f" * 64) -> Decision:
        verdicts = (Verdict(rule=RuleId("triage"), matched=True, findings=()),)
        return Decision(
            event=event,
            platform=PlatformName.GITHUB,
            names=("issues.opened",),
            actor="octocat",
            item=item,
            answer=Answer.ACT if changes else Answer.NOTHING,
            rules=rules,
            verdicts=verdicts,
            changes=changes,
            skips=(Skip(rule=RuleId("other"), action="assign", because="nobody to assign"),),
        )

    def create(
        self,
        rule: str,
        item: ItemRef = ISSUE,
        *,
        title: str = "Fix the login",
        description: str = "",
        seen: int | None = 0,
    ) -> CreateTask:
        return CreateTask(
            key=change_key(RuleId(rule), item, "create", ""),
            rule=RuleId(rule),
            item=item,
            because=f"rule {rule}",
            title=title,
            description=description,
            priority=Priority.HIGH,
            agent=AgentChoice(
                name="security-auditor", assigned=True, because="auth", runner_up="tester", confidence=80
            ),
            assignees=("octocat",),
            labels=("bug", "auth"),
            seen_at=None if seen is None else self.minute(seen),
        )

    def update(
        self, rule: str, event: str, patch: TaskPatch, item: ItemRef = ISSUE, *, seen: int | None = None
    ) -> UpdateTask:
        return UpdateTask(
            key=change_key(RuleId(rule), item, "follow", event),
            rule=RuleId(rule),
            item=item,
            because=f"octocat: {event}",
            patch=patch,
            seen_at=None if seen is None else self.minute(seen),
        )

    def card(self, event: str, item: ItemRef = ISSUE, rule: str = "triage") -> ShowCard:
        key = change_key(RuleId(rule), item, "card", event)
        return ShowCard(key=key, rule=RuleId(rule), item=item, because="shows the tasks", project=PROJECT)

    def notify(self, rule: str, item: ItemRef = ISSUE, *, event: str = "", to: str = "#triage") -> Notify:
        return Notify(
            key=change_key(RuleId(rule), item, "notify", event),
            rule=RuleId(rule),
            item=item,
            because=f"rule {rule}",
            platform=PlatformName.SLACK,
            target=to,
            text=TEXT,
        )

    def webhook(self, rule: str, item: ItemRef = ISSUE, *, url: str = "https://hooks.example.com/a") -> CallWebhook:
        key = change_key(RuleId(rule), item, "webhook", "")
        return CallWebhook(key=key, rule=RuleId(rule), item=item, because=f"rule {rule}", url=url, body=TEXT)

    def comment(self, rule: str, item: ItemRef = ISSUE) -> Comment:
        key = change_key(RuleId(rule), item, "comment", "")
        return Comment(key=key, rule=RuleId(rule), item=item, because=f"rule {rule}", text=TEXT)

    def labels(self, rule: str, item: ItemRef = ISSUE) -> AddLabels:
        key = change_key(RuleId(rule), item, "labels", "")
        return AddLabels(key=key, rule=RuleId(rule), item=item, because=f"rule {rule}", labels=("ai-crm/high",))

    def opened(self, event: str, *rules: str, item: ItemRef = ISSUE) -> Decision:
        """An item that gives each rule its task, shows the card, and tells people about it."""
        about: tuple[OutboundChange, ...] = tuple(
            change
            for rule in rules
            for change in (self.labels(rule, item), self.comment(rule, item), self.notify(rule, item))
        )
        creations = (self.create(rule, item) for rule in rules)
        return self.make(event, *creations, self.card(event, item, rules[0]), *about, item=item)
