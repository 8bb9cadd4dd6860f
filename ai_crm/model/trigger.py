"""The closed list of what a rule can wait for, in both spellings: `issues.opened` and `issue_opened`."""

from __future__ import annotations

from msgspec import Struct

from ai_crm.model.item import ItemKind, PlatformName

# What comes by the clock: the hub's rules say when with `cron`, a workflow with its own `on: schedule`.
SCHEDULE = "schedule"
REPORT = "report"


class Trigger(Struct, frozen=True):
    """`name` is the platform's own (`issues.opened`), `word` the rule file's other spelling (`issue_opened`)."""

    platform: PlatformName
    name: str
    word: str
    kind: ItemKind

    @property
    def opens(self) -> bool:
        """Whether it announces a new item, so that what is learned a little later still counts as its beginning."""
        return self.name.endswith((".opened", ".created"))

    @property
    def is_timed(self) -> bool:
        """Whether it comes by the clock and not because something happened."""
        return self.name in {SCHEDULE, REPORT}


def _family(event: str, word: str, kind: ItemKind, actions: str) -> tuple[Trigger, ...]:
    return tuple(
        Trigger(PlatformName.GITHUB, f"{event}.{action}", f"{word}_{action}", kind) for action in actions.split()
    )


def _bare(event: str, kind: ItemKind) -> tuple[Trigger, ...]:
    return (Trigger(PlatformName.GITHUB, event, event, kind),)


_ISSUE_ACTIONS = (
    "opened edited deleted closed reopened assigned unassigned labeled unlabeled locked unlocked "
    "milestoned demilestoned pinned unpinned transferred typed untyped"
)
_PULL_REQUEST_ACTIONS = (
    "opened edited closed merged reopened assigned unassigned labeled unlabeled locked unlocked milestoned "
    "demilestoned ready_for_review converted_to_draft review_requested review_request_removed synchronize "
    "auto_merge_enabled auto_merge_disabled enqueued dequeued"
)
_DISCUSSION_ACTIONS = (
    "created edited deleted closed reopened answered unanswered labeled unlabeled locked unlocked pinned unpinned "
    "transferred category_changed"
)

# https://docs.github.com/en/webhooks/webhook-events-and-payloads (actions as of 2026-11). `merged`, `approved`,
# `changes_requested`, `failed` and `succeeded` are ours: they name what GitHub says in a second field.
TRIGGERS: tuple[Trigger, ...] = (
    *_family("issues", "issue", ItemKind.ISSUE, _ISSUE_ACTIONS),
    *_family("issue_comment", "issue_comment", ItemKind.ISSUE, "created edited deleted"),
    *_family("pull_request", "pull_request", ItemKind.PULL_REQUEST, _PULL_REQUEST_ACTIONS),
    *_family("pull_request_comment", "pull_request_comment", ItemKind.PULL_REQUEST, "created edited deleted"),
    *_family(
        "pull_request_review",
        "pull_request_review",
        ItemKind.PULL_REQUEST,
        "submitted edited dismissed approved changes_requested",
    ),
    *_family(
        "pull_request_review_comment", "pull_request_review_comment", ItemKind.PULL_REQUEST, "created edited deleted"
    ),
    *_family("pull_request_review_thread", "pull_request_review_thread", ItemKind.PULL_REQUEST, "resolved unresolved"),
    *_family("discussion", "discussion", ItemKind.DISCUSSION, _DISCUSSION_ACTIONS),
    *_family("discussion_comment", "discussion_comment", ItemKind.DISCUSSION, "created edited deleted"),
    *_family(
        "release",
        "release",
        ItemKind.RELEASE,
        "created published released prereleased edited deleted unpublished",
    ),
    *_bare("push", ItemKind.PUSH),
    *_bare("create", ItemKind.REF),
    *_bare("delete", ItemKind.REF),
    *_family(
        "repository",
        "repository",
        ItemKind.REPOSITORY,
        "created deleted archived unarchived edited renamed transferred publicized privatized",
    ),
    *_family("deployment", "deployment", ItemKind.DEPLOYMENT, "created"),
    *_family("deployment_status", "deployment_status", ItemKind.DEPLOYMENT, "created failed succeeded"),
    *_family("workflow_run", "workflow_run", ItemKind.WORKFLOW_RUN, "requested in_progress completed failed succeeded"),
    *_family("check_suite", "check_suite", ItemKind.CHECK, "completed requested rerequested failed succeeded"),
    *_family(
        "check_run",
        "check_run",
        ItemKind.CHECK,
        "created completed rerequested requested_action failed succeeded",
    ),
    *_family(
        "code_scanning_alert",
        "code_scanning_alert",
        ItemKind.ALERT,
        "created reopened closed_by_user fixed appeared_in_branch reopened_by_user",
    ),
    *_family(
        "dependabot_alert",
        "dependabot_alert",
        ItemKind.ALERT,
        "created dismissed fixed reintroduced reopened auto_dismissed auto_reopened",
    ),
    *_family(
        "secret_scanning_alert",
        "secret_scanning_alert",
        ItemKind.ALERT,
        "created resolved reopened publicly_leaked validated",
    ),
    *_family("label", "label", ItemKind.LABEL, "created edited deleted"),
    *_family("milestone", "milestone", ItemKind.MILESTONE, "created opened edited closed deleted"),
    # A schedule is asked once for every open item that nobody touched lately: see flow.
    *_bare(SCHEDULE, ItemKind.ISSUE),
    # The hub's own figures, each time that a rule's `cron` says so.
    Trigger(PlatformName.HUB, REPORT, REPORT, ItemKind.REPORT),
)


def spellings() -> tuple[str, ...]:
    """Every accepted spelling, for schemas and did-you-mean."""
    return tuple(dict.fromkeys(s for trigger in TRIGGERS for s in (trigger.name, trigger.word)))


def find_trigger(spelling: str) -> Trigger | None:
    """The trigger that is spelled so, in either spelling."""
    return _BY_SPELLING.get(spelling)


_BY_SPELLING = {spelling: trigger for trigger in TRIGGERS for spelling in (trigger.word, trigger.name)}
