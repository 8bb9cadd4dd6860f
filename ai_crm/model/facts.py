"""What each kind of item is called in rules, and which facts only that kind has."""

from __future__ import annotations

from types import MappingProxyType

from ai_crm.model.item import ItemKind

# The word for a kind in templates (`{pr.title}`); the first is the one that the documentation uses.
WORDS = MappingProxyType(
    {
        ItemKind.ISSUE: ("issue",),
        ItemKind.PULL_REQUEST: ("pr", "pull_request"),
        ItemKind.DISCUSSION: ("discussion",),
        ItemKind.RELEASE: ("release",),
        ItemKind.PUSH: ("push",),
        ItemKind.REF: ("ref",),
        ItemKind.REPOSITORY: ("repo",),
        ItemKind.DEPLOYMENT: ("deployment",),
        ItemKind.WORKFLOW_RUN: ("workflow_run", "run"),
        ItemKind.CHECK: ("check",),
        ItemKind.ALERT: ("alert",),
        ItemKind.LABEL: ("label",),
        ItemKind.MILESTONE: ("milestone",),
        ItemKind.REQUEST: ("request",),
        ItemKind.REPORT: ("report",),
    }
)

# A decoder fills exactly these keys of `Item.facts`, with "" where the platform sent nothing. Truth is "true"/"false".
FACTS = MappingProxyType(
    {
        ItemKind.ISSUE: ("type", "state_reason"),
        ItemKind.PULL_REQUEST: ("fork", "head_repo", "head_sha"),
        ItemKind.DISCUSSION: ("category",),
        ItemKind.RELEASE: ("tag_name", "name", "target_commitish", "prerelease", "draft"),
        ItemKind.PUSH: ("branch", "ref", "sha", "before", "compare_url", "message", "commits", "forced", "deleted"),
        ItemKind.REF: ("name", "ref_type"),
        ItemKind.REPOSITORY: ("name", "description", "visibility", "language"),
        ItemKind.DEPLOYMENT: ("environment", "ref", "sha", "task", "status", "description"),
        ItemKind.WORKFLOW_RUN: ("name", "branch", "sha", "conclusion", "status", "event", "run_number", "attempt"),
        ItemKind.CHECK: ("name", "branch", "sha", "conclusion", "status", "app"),
        ItemKind.ALERT: ("source", "rule", "severity", "location", "package", "secret_type"),
        ItemKind.LABEL: ("name", "color", "description"),
        ItemKind.MILESTONE: ("description", "due_on"),
        ItemKind.REQUEST: (),
        ItemKind.REPORT: (
            "since",
            "until",
            "total_events",
            "average_response_ms",
            "success_rate",
            "top_workflows",
            "tasks_created",
            "tasks_done",
            "tasks_open",
        ),
    }
)
