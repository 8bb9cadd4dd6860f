"""How a workflow run tells what happened: the event file as a delivery, and when we may only look."""

from __future__ import annotations

import os

import msgspec
from msgspec import Struct

from action.inputs import ConfigSource, Inputs, Run
from ai_crm.errors import PayloadInvalid, Problem, RulesInvalid
from ai_crm.flow.event_file import event_file_delivery
from ai_crm.model.event import Event
from ai_crm.model.item import Item, ItemRef, Person, PlatformName, Project
from ai_crm.ports import RawRequest, RulesText

SCHEDULE = "schedule"

# GitHub's own cap for a webhook payload, which the event file repeats.
_EVENT_LIMIT = 25 * 1024 * 1024
_RULES_LIMIT = 64 * 1024
_LEARNED_LIMIT = 1_000_000  # as from the default branch
# The runs of these check out what somebody with write access put there. Of all others (pull requests, comments on
# them, runs that follow theirs) it is common to check out a stranger's branch, and its rules must not act.
_TRUSTED_WORKSPACES = frozenset(
    {"push", "schedule", "issues", "release", "create", "delete", "label", "milestone", "workflow_dispatch"}
)


class _Repository(Struct, frozen=True):
    full_name: str = ""


class _Head(Struct, frozen=True):
    repo: _Repository | None = None


class _PullRequest(Struct, frozen=True):
    head: _Head = _Head()


class _Payload(Struct, frozen=True):
    """The little of an event file that decides whether this run may write."""

    pull_request: _PullRequest | None = None
    repository: _Repository = _Repository()


def read_delivery(run: Run) -> RawRequest:
    """The event file as a delivery; the same one when a job is run again. Raises PayloadInvalid with what to do."""
    body = _read(run.event_path, _EVENT_LIMIT, "the event file (GITHUB_EVENT_PATH)")
    return event_file_delivery(run.event_name, body, run.id if run.event_name == SCHEDULE else "")


def scheduled(run: Run, delivery: RawRequest, items: tuple[Item, ...]) -> tuple[Event, ...]:
    """A schedule says nothing about anything: each of these items is asked about as if it had just spoken."""
    project = Project(name=run.repository, url=f"{run.server_url}/{run.repository}")
    return tuple(
        Event(
            id=delivery.headers["x-ai-crm-event-id"],
            platform=PlatformName.GITHUB,
            names=(SCHEDULE,),
            actor=Person("schedule", is_bot=True),
            project=project,
            item=item,
        )
        for item in items
    )


def brand_new(events: tuple[Event, ...], run: Run) -> frozenset[ItemRef]:
    """The items that this event created and that nobody, not even an earlier attempt of ours, wrote under."""
    if run.attempt != 1:
        return frozenset()
    return frozenset(event.item.ref for event in events if event.name.endswith(".opened") and event.item.comments == 0)


class Workspace:
    """The checked-out files instead of those of the default branch. Links are not followed. Implements ports.RulesSource."""

    def __init__(self, folder: str, rules_path: str) -> None:
        self._root = os.path.realpath(folder)
        self._rules_path = rules_path

    async def rules(self, project: str) -> RulesText | None:  # noqa: ARG002 - there is one project
        return self._file(self._rules_path, _RULES_LIMIT, "split it or leave something out")

    async def learned(self, project: str, path: str) -> RulesText | None:  # noqa: ARG002 - the same
        return self._file(path, _LEARNED_LIMIT, "learn it from fewer issues")

    def _file(self, path: str, limit: int, hint: str) -> RulesText | None:
        file = os.path.normpath(os.path.join(self._root, path))
        inside = file.startswith(os.path.join(self._root, ""))
        if inside and not os.path.lexists(file):
            return None
        if not inside or os.path.realpath(file) != file or not os.path.isfile(file):
            raise _refused(path, "is not an ordinary file inside the workspace", "replace the link by the file itself")
        if os.path.getsize(file) > limit:
            raise _refused(path, f"is larger than {limit // 1024} KiB", hint)
        return RulesText(path=path, text=_read(file, limit, path), origin="workspace")


def _refused(path: str, what: str, hint: str) -> RulesInvalid:
    return RulesInvalid((Problem(path, 0, 0, what, hint),))


def only_looks(run: Run, inputs: Inputs, delivery: RawRequest) -> str:
    """Why this run writes nothing, as a sentence; empty when it may write."""
    if inputs.dry_run:
        return "dry_run is on"
    if run.event_name not in _TRUSTED_WORKSPACES and inputs.config_source is ConfigSource.WORKSPACE:
        return f"on {run.event_name} the workspace may hold a stranger's rules (config_source: workspace)"
    if run.event_name != "pull_request_target" and _from_fork(delivery.body):
        return "this pull request comes from a fork, whose runs get a read-only token (use pull_request_target to act)"
    if not inputs.github_token and not inputs.database_url and inputs.hub is None:
        return "there is neither github_token nor database_url nor a hub, so a task would have no home"
    return ""


def _from_fork(body: bytes) -> bool:
    try:
        payload = msgspec.json.decode(body, type=_Payload)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False  # decode says what is wrong with it
    if payload.pull_request is None:
        return False
    head = payload.pull_request.head.repo
    return head is None or head.full_name != payload.repository.full_name


def _read(path: str, limit: int, what: str) -> bytes:
    hint = "This program runs as a step of a workflow; `make run` shows how to try it elsewhere"
    try:
        with open(path, "rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise PayloadInvalid(f"{what} cannot be read: {error.strerror}", where=path, hint=hint) from error
    if len(data) > limit:
        raise PayloadInvalid(f"{what} is larger than {limit // 1024} KiB", where=path)
    return data
