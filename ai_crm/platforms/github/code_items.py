"""How what happens to code on GitHub (releases, pushes, deployments, runs, checks, alerts) becomes items."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from ai_crm.model.item import Item, ItemKind, ItemState, Person, Project
from ai_crm.platforms.github.encode import segment
from ai_crm.platforms.github.items import labels, person, reference
from ai_crm.platforms.github.payload import Value

# GitHub's conclusions of runs and checks. `action_required` waits for a person and is neither.
# https://docs.github.com/en/rest/checks/runs#create-a-check-run
SUCCEEDED = frozenset({"success"})
FAILED = frozenset({"failure", "timed_out", "startup_failure", "error"})
_WITHOUT_RESULT = frozenset({"cancelled", "skipped", "neutral", "stale", "inactive"})


def release(where: Project, release: Value) -> Item:
    """https://docs.github.com/en/rest/releases/releases#get-a-release"""
    tag, name, draft = release["tag_name"].name(), release["name"].text_or(""), release["draft"].flag()
    return Item(
        ref=reference(where, ItemKind.RELEASE, str(release["id"].number())),
        title=name or tag,
        url=release["html_url"].link(),
        body=release["body"].text_or(""),
        state=ItemState.OPEN if draft else ItemState.DONE,
        author=person(release["author"]),
        draft=draft,
        created_at=release["created_at"].time(),
        updated_at=release["updated_at"].time() or release["published_at"].time() or release["created_at"].time(),
        facts={
            "tag_name": tag,
            "name": name,
            "target_commitish": release["target_commitish"].name_or(""),
            "prerelease": _word(release["prerelease"].flag()),
            "draft": _word(draft),
        },
    )


class Push(Struct, frozen=True):
    """What names a push for ever: its branch or tag (`main`, `tags/v1`) and the commit that it brought or took away."""

    name: str
    commit: str
    deleted: bool = False

    @property
    def identity(self) -> str:
        return f"{self.name}@{self.commit}" + (_DELETED if self.deleted else "")


_DELETED = "/deleted"


def parse_push(identity: str) -> Push:
    """The push that an item's id names."""
    name, _, commit = identity.rpartition("@")
    return Push(name, commit.removesuffix(_DELETED), commit.endswith(_DELETED))


def push(where: Project, payload: Value) -> Item:
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#push"""
    ref, before, after = payload["ref"].name(), payload["before"].name(), payload["after"].name()
    deleted = not after.strip("0")  # GitHub's word for no commit is a row of zeros
    this = Push(short_ref(ref), before if deleted else after, deleted)
    message = payload["head_commit"]["message"].text_or("")
    compare = payload["compare"].link()
    return Item(
        ref=reference(where, ItemKind.PUSH, this.identity),
        title=_first_line(message) or f"{'Deleted' if deleted else 'Pushed to'} {this.name}",
        url=compare,
        body=message,
        author=_writer(payload["sender"]),
        files=() if deleted else _pushed_files(payload),
        facts={
            "branch": "" if this.name.startswith("tags/") else this.name,
            "ref": ref,
            "sha": after,
            "before": before,
            "compare_url": compare,
            "message": message,
            "commits": str(sum(1 for _ in payload["commits"].each())),
            "forced": _word(payload["forced"].flag()),
            "deleted": _word(deleted),
        },
    )


def pushed_commit(where: Project, push: Push, commit: Value) -> Item:
    """A push as its last commit shows it later: how it came there, GitHub does not keep.

    https://docs.github.com/en/rest/commits/commits#get-a-commit
    """
    message, url = commit["commit"]["message"].text_or(""), commit["html_url"].link()
    branch = "" if push.name.startswith("tags/") else push.name
    unknown = dict.fromkeys(("before", "commits", "forced"), "")
    return Item(
        ref=reference(where, ItemKind.PUSH, push.identity),
        title=_first_line(message),
        url=url,
        body=message,
        author=person(commit["author"]) if commit["author"].exists else None,
        facts={
            **unknown,
            "branch": branch,
            "ref": f"refs/heads/{branch}" if branch else f"refs/{push.name}",
            "sha": push.commit,
            "compare_url": url,
            "message": message,
            "deleted": _word(push.deleted),
        },
    )


def _writer(user: Value) -> Person:
    """Whoever pushed may write to the repository: the push is the proof."""
    pusher = person(user)
    return Person(pusher.login, pusher.is_bot, trusted=True)


def _first_line(message: str) -> str:
    return message.strip().partition("\n")[0].strip()


def _pushed_files(payload: Value) -> tuple[str, ...] | None:
    """None where the commits do not say: in a workflow GitHub leaves the three lists out (2026-11).

    https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows#push
    """
    commits = tuple(payload["commits"].each())
    if any(not commit[what].exists for commit in commits for what in _TOUCHED) or len(commits) >= _MOST_COMMITS:
        return None
    return tuple(dict.fromkeys(path for commit in commits for path in _touched(commit)))


_TOUCHED = ("added", "modified", "removed")
_MOST_COMMITS = 2048  # a payload lists no more of a push's commits than these


def _touched(commit: Value) -> Iterator[str]:
    for what in _TOUCHED:
        for path in commit[what].each():
            yield path.name()


def short_ref(ref: str) -> str:
    """`main` for `refs/heads/main`, `tags/v1` for `refs/tags/v1`."""
    return ref.removeprefix("refs/heads/") if ref.startswith("refs/heads/") else ref.removeprefix("refs/")


def branch_or_tag(where: Project, ref_type: str, name: str) -> Item:
    """What `create` and `delete` are about; `ref_type` is GitHub's word, `branch` or `tag`."""
    folder = "tags" if ref_type == "tag" else "heads"
    path = "/".join(segment(part) for part in name.split("/"))
    return Item(
        ref=reference(where, ItemKind.REF, f"{folder}/{name}"),
        title=name,
        url=f"{where.url}/tree/{path}" if where.url else "",
        facts={"name": name, "ref_type": ref_type},
    )


def deployment(where: Project, deployment: Value, status: Value) -> Item:
    """`status` is absent for a deployment that nobody reported about yet.

    https://docs.github.com/en/rest/deployments/deployments#get-a-deployment
    """
    state = status["state"].name_or("")
    ref, environment = deployment["ref"].name(), deployment["environment"].name()
    description = status["description"].text_or("") or deployment["description"].text_or("")
    return Item(
        ref=reference(where, ItemKind.DEPLOYMENT, str(deployment["id"].number())),
        title=f"{ref} to {environment}",
        url=f"{where.url}/deployments" if where.url else "",
        body=description,
        state=_outcome(state),
        author=person(deployment["creator"]),
        created_at=deployment["created_at"].time(),
        updated_at=status["updated_at"].time() or deployment["updated_at"].time(),
        facts={
            "environment": environment,
            "ref": ref,
            "sha": deployment["sha"].name_or(""),
            "task": deployment["task"].name_or(""),
            "status": state,
            "description": description,
        },
    )


def workflow_run(where: Project, run: Value) -> Item:
    """https://docs.github.com/en/rest/actions/workflow-runs#get-a-workflow-run"""
    conclusion = run["conclusion"].name_or("")
    return Item(
        ref=reference(where, ItemKind.WORKFLOW_RUN, str(run["id"].number())),
        title=run["display_title"].text_or("") or run["name"].text_or("") or f"run {run['id'].number()}",
        url=run["html_url"].link(),
        state=_outcome(conclusion),
        author=person(run["actor"]) if run["actor"].exists else None,
        created_at=run["created_at"].time(),
        updated_at=run["updated_at"].time(),
        facts={
            "name": run["name"].name_or(""),
            "branch": run["head_branch"].name_or(""),
            "sha": run["head_sha"].name_or(""),
            "conclusion": conclusion,
            "status": run["status"].name_or(""),
            "event": run["event"].name_or(""),
            "run_number": str(run["run_number"].number_or(0)),
            "attempt": str(run["run_attempt"].number_or(1)),
        },
    )


def check_suite(where: Project, suite: Value) -> Item:
    """https://docs.github.com/en/rest/checks/suites#get-a-check-suite"""
    sha, conclusion = suite["head_sha"].name(), suite["conclusion"].name_or("")
    app = suite["app"]["name"].name_or("")
    return Item(
        ref=reference(where, ItemKind.CHECK, f"suite/{suite['id'].number()}"),
        title=app or "checks",
        url=f"{where.url}/commit/{sha}/checks" if where.url else "",
        state=_outcome(conclusion),
        created_at=suite["created_at"].time(),
        updated_at=suite["updated_at"].time(),
        facts={
            "name": app,
            "branch": suite["head_branch"].name_or(""),
            "sha": sha,
            "conclusion": conclusion,
            "status": suite["status"].name_or(""),
            "app": suite["app"]["slug"].name_or("") or app,
        },
    )


def check_run(where: Project, run: Value) -> Item:
    """https://docs.github.com/en/rest/checks/runs#get-a-check-run"""
    name, conclusion = run["name"].name(), run["conclusion"].name_or("")
    return Item(
        ref=reference(where, ItemKind.CHECK, f"run/{run['id'].number()}"),
        title=name,
        url=run["html_url"].link(),
        body=run["output"]["summary"].text_or(""),
        state=_outcome(conclusion),
        created_at=run["started_at"].time(),
        updated_at=run["completed_at"].time() or run["started_at"].time(),
        facts={
            "name": name,
            "branch": run["check_suite"]["head_branch"].name_or(""),
            "sha": run["head_sha"].name_or(""),
            "conclusion": conclusion,
            "status": run["status"].name_or(""),
            "app": run["app"]["slug"].name_or("") or run["app"]["name"].name_or(""),
        },
    )


def code_scanning_alert(where: Project, alert: Value) -> Item:
    """https://docs.github.com/en/rest/code-scanning/code-scanning#get-a-code-scanning-alert"""
    rule, instance = alert["rule"], alert["most_recent_instance"]
    identity = rule["id"].name_or("")
    return _alert(
        where,
        alert,
        source="code_scanning",
        title=rule["description"].text_or("") or identity or "code scanning alert",
        body=rule["full_description"].text_or("") or instance["message"]["text"].text_or(""),
        facts={
            "rule": identity,
            "severity": rule["security_severity_level"].name_or("") or rule["severity"].name_or(""),
            "location": _location(instance["location"]),
        },
    )


def _location(location: Value) -> str:
    if not location["path"].exists:
        return ""
    line = location["start_line"]
    return f"{location['path'].name()}:{line.number()}" if line.exists else location["path"].name()


def dependabot_alert(where: Project, alert: Value) -> Item:
    """https://docs.github.com/en/rest/dependabot/alerts#get-a-dependabot-alert"""
    advisory = alert["security_advisory"]
    identity = advisory["ghsa_id"].name_or("")
    return _alert(
        where,
        alert,
        source="dependabot",
        title=advisory["summary"].text_or("") or identity or "vulnerable dependency",
        body=advisory["description"].text_or(""),
        facts={
            "rule": identity,
            "severity": advisory["severity"].name_or(""),
            "location": alert["dependency"]["manifest_path"].name_or(""),
            "package": alert["dependency"]["package"]["name"].name_or(""),
        },
    )


def secret_scanning_alert(where: Project, alert: Value) -> Item:
    """The secret itself, which the REST API shows under `secret`, is never read.

    https://docs.github.com/en/rest/secret-scanning/secret-scanning#get-a-secret-scanning-alert
    """
    kind = alert["secret_type"].name_or("")
    return _alert(
        where,
        alert,
        source="secret_scanning",
        title=alert["secret_type_display_name"].text_or("") or kind or "leaked secret",
        body="",
        facts={"secret_type": kind},
    )


def _alert(where: Project, alert: Value, *, source: str, title: str, body: str, facts: dict[str, str]) -> Item:
    absent = dict.fromkeys(("rule", "severity", "location", "package", "secret_type"), "")
    return Item(
        ref=reference(where, ItemKind.ALERT, f"{source}/{alert['number'].number()}"),
        title=title,
        url=alert["html_url"].link(),
        body=body,
        state=_alert_state(alert),
        labels=labels(alert),
        created_at=alert["created_at"].time(),
        updated_at=alert["updated_at"].time() or alert["fixed_at"].time() or alert["created_at"].time(),
        facts={"source": source, **absent, **facts},
    )


def _alert_state(alert: Value) -> ItemState:
    if alert["fixed_at"].exists or alert["resolution"].name_or("") == "revoked":
        return ItemState.DONE
    if any(alert[reason].exists for reason in ("dismissed_at", "auto_dismissed_at", "resolution")):
        return ItemState.DROPPED
    return ItemState.OPEN


def _outcome(result: str) -> ItemState:
    """What failed stays open: it still wants somebody's attention."""
    if result in SUCCEEDED:
        return ItemState.DONE
    return ItemState.DROPPED if result in _WITHOUT_RESULT else ItemState.OPEN


def _word(truth: bool) -> str:  # noqa: FBT001 - the one thing it says in words
    return "true" if truth else "false"
