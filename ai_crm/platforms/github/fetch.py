"""An item as it is now: which address of GitHub shows each kind."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from ai_crm.errors import CredentialsRefused, ItemMissing, RateLimited, UpstreamError
from ai_crm.model.item import Item, ItemKind, ItemRef, ItemState, Project
from ai_crm.platforms.github import code_items, items
from ai_crm.platforms.github.answers import Asked, grant
from ai_crm.platforms.github.api import Api
from ai_crm.platforms.github.encode import repository, segment
from ai_crm.platforms.github.payload import Value, absent

_LABEL_PAGES = 10


def fetch(api: Api, ref: ItemRef) -> Item:
    """The item as it is now. Raises UpstreamError, ItemMissing when it is gone."""
    where, name = api.project(ref.project), ref.id
    match ref.kind:
        case ItemKind.ISSUE:
            return items.issue(where, _see(api, ref, f"issues/{segment(name)}", "issues: read"))
        case ItemKind.PULL_REQUEST:
            return _pull_request(api, where, ref)
        case ItemKind.DISCUSSION:
            return _discussion(api, where, ref)
        case ItemKind.RELEASE:
            return code_items.release(where, _see(api, ref, f"releases/{segment(name)}", "contents: read"))
        case ItemKind.PUSH:
            push = code_items.parse_push(name)
            commit = _see(api, ref, f"commits/{segment(push.commit)}", "contents: read")
            return code_items.pushed_commit(where, push, commit)
        case ItemKind.REF:
            return _ref(api, where, ref)
        case ItemKind.REPOSITORY:
            return items.repository(_see(api, ref, "", "metadata: read"))
        case ItemKind.DEPLOYMENT:
            return _deployment(api, where, ref)
        case ItemKind.WORKFLOW_RUN:
            return code_items.workflow_run(where, _see(api, ref, f"actions/runs/{segment(name)}", "actions: read"))
        case ItemKind.CHECK:
            return _check(api, where, ref)
        case ItemKind.ALERT:
            return _alert(api, where, ref)
        case ItemKind.LABEL:
            return _label(api, where, ref)
        case ItemKind.MILESTONE:
            return items.milestone(where, _see(api, ref, f"milestones/{segment(name)}", "issues: read"))
        case ItemKind.REQUEST | ItemKind.REPORT:
            raise ItemMissing("GitHub has no such items: they are the hub's own", where=str(ref))


def _pull_request(api: Api, where: Project, ref: ItemRef) -> Item:
    """With who reviewed it: they are not asked any more and need not be asked again."""
    path = f"pulls/{segment(ref.id)}"
    item = items.pull_request(where, _see(api, ref, path, "pull-requests: read"))
    reviews = _see(api, ref, f"{path}/reviews?per_page=100", "pull-requests: read")
    heard = (items.person(review["user"]).login for review in reviews.each())
    known = dict.fromkeys((*(item.reviewers or ()), *heard))
    by = item.author.login if item.author else ""
    return msgspec.structs.replace(item, reviewers=tuple(login for login in known if login != by))


def _discussion(api: Api, where: Project, ref: ItemRef) -> Item:
    """GitHub shows discussions through GraphQL alone, where a refusal, too, is a success with an error inside."""
    owner, _, name = ref.project.partition("/")
    asked = Asked("read the discussion", f"{ref.project}#{ref.id}", "discussions: read")
    answer = api.graphql(_DISCUSSION, {"owner": owner, "name": name, "number": int(ref.id)}, asked)
    found = answer["data"]["repository"]["discussion"]
    if not found.exists:
        raise unseen(first_error(answer), asked)
    item = items.discussion(where, found)
    reason = found["state_reason"].name_or("").lower()
    closed = ItemState.DROPPED if reason in items.NOT_PLANNED else ItemState.DONE
    return msgspec.structs.replace(
        item,
        state=closed if found["closed"].flag() else item.state,
        labels=tuple(label["name"].name() for label in found["label_list"]["nodes"].each()),
        comments=found["comment_list"]["totalCount"].number_or(0),
    )


def first_error(answer: Value) -> str:
    """The kind of a GraphQL answer's first error; empty where it has none."""
    return next((error["type"].name_or("") for error in answer["errors"].each()), "")


def unseen(kind: str, asked: Asked) -> UpstreamError:
    """What an error that GraphQL names by its kind means."""
    what = f"could not {asked.what}"
    match kind:
        case "RATE_LIMITED":
            return RateLimited(f"{what}: GitHub's limit of requests is used up", retry_after=60, where=asked.where)
        case "FORBIDDEN" | "INSUFFICIENT_SCOPES":
            return CredentialsRefused(what, missing=asked.permission, where=asked.where, hint=grant(asked.permission))
        case _:
            return ItemMissing(f"{what}: it is gone, or the token cannot see it", where=asked.where)


def _ref(api: Api, where: Project, ref: ItemRef) -> Item:
    _see(api, ref, f"git/ref/{'/'.join(segment(part) for part in ref.id.split('/'))}", "contents: read")
    folder, _, name = ref.id.partition("/")
    return code_items.branch_or_tag(where, "tag" if folder == "tags" else "branch", name)


def _deployment(api: Api, where: Project, ref: ItemRef) -> Item:
    path = f"deployments/{segment(ref.id)}"
    deployment = _see(api, ref, path, "deployments: read")
    statuses = _see(api, ref, f"{path}/statuses?per_page=1", "deployments: read").each()
    return code_items.deployment(where, deployment, next(statuses, absent()))


def _check(api: Api, where: Project, ref: ItemRef) -> Item:
    kind, _, number = ref.id.partition("/")
    if kind == "suite":
        return code_items.check_suite(where, _see(api, ref, f"check-suites/{segment(number)}", "checks: read"))
    return code_items.check_run(where, _see(api, ref, f"check-runs/{segment(number)}", "checks: read"))


def _alert(api: Api, where: Project, ref: ItemRef) -> Item:
    source, _, number = ref.id.partition("/")
    folder, read = _ALERTS[source]
    return read(where, _see(api, ref, f"{folder}/alerts/{segment(number)}", "security-events: read"))


def _label(api: Api, where: Project, ref: ItemRef) -> Item:
    asked = Asked("list the labels", ref.project, "issues: read")
    for label in api.each(f"{repository(ref.project)}/labels", asked, _LABEL_PAGES):
        if str(label["id"].number()) == ref.id:
            return items.label(where, label)
    raise ItemMissing("the label does not exist any more", where=str(ref))


def _see(api: Api, ref: ItemRef, path: str, permission: str) -> Value:
    """What GitHub shows of an item below its repository."""
    place = f"{repository(ref.project)}/{path}" if path else repository(ref.project)
    return api.get(place, Asked(f"read {ref.kind} {ref.id}", ref.project, permission))


_ALERTS: dict[str, tuple[str, Callable[[Project, Value], Item]]] = {
    "code_scanning": ("code-scanning", code_items.code_scanning_alert),
    "dependabot": ("dependabot", code_items.dependabot_alert),
    "secret_scanning": ("secret-scanning", code_items.secret_scanning_alert),
}

# The names are those that the webhook uses, so that both are read by the same function.
# https://docs.github.com/en/graphql/reference/objects#discussion
_DISCUSSION = """
query ($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    discussion(number: $number) {
      number title body html_url: url answer_html_url: answerChosenAt closed state_reason: stateReason
      created_at: createdAt updated_at: updatedAt author_association: authorAssociation
      user: author { login type: __typename } category { name }
      label_list: labels(first: 100) { nodes { name } } comment_list: comments { totalCount }
    }
  }
}
"""
