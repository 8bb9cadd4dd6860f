"""What a delivery of GitHub says: a table from their events to ours, and by name what we leave alone and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from ai_crm.errors import EventUnknown, PayloadInvalid
from ai_crm.model.event import Event
from ai_crm.model.trigger import find_trigger
from ai_crm.platforms.github import decode_code, decode_work, items
from ai_crm.platforms.github.delivery import Delivery
from ai_crm.platforms.github.payload import parse
from ai_crm.ports import RawRequest

_EVENT = "x-github-event"
_DELIVERY = "x-github-delivery"
FORM = "application/x-www-form-urlencoded"
_EVENT_FILE = "x-ai-crm-event-id"  # a workflow has no delivery id: the Action sends the event file's hash instead


def decode(request: RawRequest) -> tuple[Event, ...]:
    """The one event that a delivery tells; () for what IGNORED names.

    Raises PayloadInvalid for what is not GitHub's form, EventUnknown for an event that GitHub added after 2026-11.
    """
    event = request.headers.get(_EVENT, "")
    if event in IGNORED:
        return ()
    decoder = EVENTS.get(event)
    if decoder is None:
        raise _unknown(event)
    payload = parse(document(request))
    delivery = Delivery(
        id=_delivery_id(request),
        event="pull_request" if event == "pull_request_target" else event,
        action=payload["action"].name_or(""),
        payload=payload,
        project=items.project(payload["repository"]),
    )
    if delivery.name in IGNORED:
        return ()
    if find_trigger(delivery.name) is None:
        raise _unknown(delivery.name)
    return (decoder(delivery),)


def document(request: RawRequest) -> bytes:
    """The JSON itself; webhooks that send a form carry it in the field `payload`. Raises PayloadInvalid."""
    if not request.headers.get("content-type", "").lower().startswith(FORM):
        return request.body
    from urllib.parse import parse_qs  # noqa: PLC0415 - cold start: only webhooks set up that way

    try:
        fields = parse_qs(request.body, strict_parsing=True, max_num_fields=10)
    except ValueError as error:
        raise PayloadInvalid("the body is not a form", where="GitHub") from error
    documents = fields.get(b"payload", [])
    if len(documents) != 1:
        raise PayloadInvalid("the form must have exactly one field `payload`", where="GitHub")
    return documents[0]


# https://docs.github.com/en/webhooks/webhook-events-and-payloads
EVENTS: Mapping[str, Callable[[Delivery], Event]] = MappingProxyType(
    {
        "issues": decode_work.issues,
        "issue_comment": decode_work.issue_comment,
        "pull_request": decode_work.pull_request,
        "pull_request_target": decode_work.pull_request,  # the same event, for workflows that must not see the head
        "pull_request_review": decode_work.pull_request_review,
        "pull_request_review_comment": decode_work.pull_request_review_comment,
        "pull_request_review_thread": decode_work.pull_request_review_thread,
        "discussion": decode_work.discussion,
        "discussion_comment": decode_work.discussion_comment,
        "label": decode_work.label,
        "milestone": decode_work.milestone,
        "push": decode_code.push,
        "create": decode_code.create,
        "delete": decode_code.delete,
        "release": decode_code.release,
        "repository": decode_code.repository,
        "deployment": decode_code.deployment,
        "deployment_status": decode_code.deployment_status,
        "workflow_run": decode_code.workflow_run,
        "check_suite": decode_code.check_suite,
        "check_run": decode_code.check_run,
        "code_scanning_alert": decode_code.code_scanning_alert,
        "dependabot_alert": decode_code.dependabot_alert,
        "secret_scanning_alert": decode_code.secret_scanning_alert,
    }
)

_ACCESS = "it is about who may do what, and no work comes of it"
_SETTINGS = "a setting was changed, and no work comes of it"
_MONEY = "it is about money, and no work comes of it"
_BOARD = "boards are not followed: an item's own events tell what happens to it"
_APPLAUSE = "it is a sign of interest, and no work comes of it"

# Event, or `event.action`, -> why it is left alone.
IGNORED: Mapping[str, str] = MappingProxyType(
    {
        "branch_protection_configuration": _SETTINGS,
        "branch_protection_rule": _SETTINGS,
        "commit_comment": "a commit is no item of work: people write about it in the pull request",
        "custom_property": _SETTINGS,
        "custom_property_values": _SETTINGS,
        "deploy_key": _ACCESS,
        "deployment_protection_rule": "it asks an app for a verdict, which rules cannot give",
        "deployment_review": "the deployment's status tells how it ended",
        "fork": _APPLAUSE,
        "github_app_authorization": _ACCESS,
        "gollum": "wiki pages are not items of work",
        "image_version": "a runner image is no item of work",
        "installation": "it is about where an app is installed, which connections keep, not rules",
        "installation_repositories": "it is about where an app is installed, which connections keep, not rules",
        "installation_target": "it is about where an app is installed, which connections keep, not rules",
        "issue_dependencies": "what blocks what is not followed yet",
        "marketplace_purchase": _MONEY,
        "member": _ACCESS,
        "membership": _ACCESS,
        "merge_group": "the pull requests in a merge group tell for themselves what becomes of them",
        "meta": "the webhook itself was deleted: nothing more will come",
        "org_block": _ACCESS,
        "organization": _ACCESS,
        "package": "a published package is announced by its release",
        "page_build": "a page that was built is a deployment, which is read",
        "personal_access_token_request": _ACCESS,
        "ping": "GitHub only tries whether the webhook answers",
        "project": _BOARD,
        "project_card": _BOARD,
        "project_column": _BOARD,
        "projects_v2": _BOARD,
        "projects_v2_item": _BOARD,
        "projects_v2_status_update": _BOARD,
        "public": "repository.publicized tells the same",
        "registry_package": "a published package is announced by its release",
        "repository_advisory": "an advisory is confidential until it is published: rules would spread it",
        "repository_dispatch": "an outside program starts a workflow: what it means only its author knows",
        "repository_import": "repository.created tells the same",
        "repository_ruleset": _SETTINGS,
        "repository_vulnerability_alert": "GitHub replaced it with dependabot_alert",
        "schedule": "nothing happened to any one item: the Action asks for the items that nobody touched",
        "secret_scanning_alert.assigned": "who looks after a secret is not followed",
        "secret_scanning_alert.unassigned": "who looks after a secret is not followed",
        "secret_scanning_alert_location": "secret_scanning_alert tells that there is one",
        "secret_scanning_scan": "a scan without a finding is no work; findings come as alerts",
        "security_advisory": "it is about the whole world; what concerns a repository comes as dependabot_alert",
        "security_and_analysis": _SETTINGS,
        "sponsorship": _MONEY,
        "star": _APPLAUSE,
        "status": "it names a commit and no item; what runs on GitHub tells it as a check or a workflow run",
        "sub_issues": "which issue belongs to which is not followed yet",
        "team": _ACCESS,
        "team_add": _ACCESS,
        "watch": _APPLAUSE,
        "workflow_call": "another workflow calls this one, and its own event tells what happened",
        "workflow_dispatch": "somebody presses a button to start a workflow: nothing happened to any item",
        "workflow_job": "workflow_run tells how all of its jobs ended",
    }
)


def _unknown(name: str) -> EventUnknown:
    named = name if name.replace("_", "").replace(".", "").isalnum() and len(name) <= 80 else "of an unreadable name"
    return EventUnknown(
        f"GitHub's event {named} is not known here" if name else "the delivery does not say which event it is",
        where="GitHub",
        hint="Nothing is lost: it was left alone. Take it out of the workflow's `on:` or update AI-CRM",
    )


def _delivery_id(request: RawRequest) -> str:
    given = request.headers.get(_DELIVERY) or request.headers.get(_EVENT_FILE) or ""
    if not given.isascii() or not given.isprintable() or not 0 < len(given) <= 200:
        raise PayloadInvalid(f"the header {_DELIVERY} is missing or unreadable", where="GitHub")
    return given
