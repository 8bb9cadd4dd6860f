"""GitHub's events about code and what runs on it: pushes, releases, deployments, runs, checks, alerts, repositories."""

from __future__ import annotations

from ai_crm.model.event import Event, FieldChange
from ai_crm.model.item import Item
from ai_crm.platforms.github import code_items, items
from ai_crm.platforms.github.code_items import FAILED, SUCCEEDED
from ai_crm.platforms.github.delivery import Delivery, edits


def push(it: Delivery) -> Event:
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#push"""
    return it.tell(code_items.push(it.project, it.payload))


def create(it: Delivery) -> Event:
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#create"""
    return it.tell(_ref(it))


def delete(it: Delivery) -> Event:
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#delete"""
    return it.tell(items.dropped(_ref(it)))


def _ref(it: Delivery) -> Item:
    return code_items.branch_or_tag(it.project, it.payload["ref_type"].name(), it.payload["ref"].name())


def release(it: Delivery) -> Event:
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#release"""
    item = code_items.release(it.project, it.payload["release"])
    changed = edits(
        it,
        ("name", "title", item.title),
        ("body", "body", item.body),
        ("tag_name", "tag_name", item.facts["tag_name"]),
    )
    return it.tell(items.dropped(item) if it.action in {"deleted", "unpublished"} else item, *changed)


def repository(it: Delivery) -> Event:
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#repository"""
    item = items.repository(it.payload["repository"])
    changes = it.payload["changes"]
    owner, _, name = it.project.name.partition("/")
    changed = [
        *edits(
            it,
            ("description", "body", item.body),
            ("default_branch", "default_branch", it.project.default_branch),
        )
    ]
    if changes["repository"].exists:
        before = changes["repository"]["name"]["from"].name_or("")
        changed.append(FieldChange("title", before=f"{owner}/{before}", after=it.project.name))
    if changes["owner"].exists:
        was = changes["owner"]["from"]
        before = was["user"]["login"].name_or("") or was["organization"]["login"].name_or("")
        changed.append(FieldChange("title", before=f"{before}/{name}", after=it.project.name))
    return it.tell(items.dropped(item) if it.action == "deleted" else item, *changed)


def deployment(it: Delivery) -> Event:
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#deployment"""
    return it.tell(_deployment(it))


def deployment_status(it: Delivery) -> Event:
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#deployment_status"""
    return it.tell(_deployment(it), names=it.also(_ended(it.payload["deployment_status"]["state"].name_or(""))))


def _deployment(it: Delivery) -> Item:
    return code_items.deployment(it.project, it.payload["deployment"], it.payload["deployment_status"])


def workflow_run(it: Delivery) -> Event:
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#workflow_run"""
    return _finished(it, code_items.workflow_run(it.project, it.payload["workflow_run"]))


def check_suite(it: Delivery) -> Event:
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#check_suite"""
    return _finished(it, code_items.check_suite(it.project, it.payload["check_suite"]))


def check_run(it: Delivery) -> Event:
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#check_run"""
    return _finished(it, code_items.check_run(it.project, it.payload["check_run"]))


def _finished(it: Delivery, item: Item) -> Event:
    return it.tell(item, names=it.also(_ended(item.facts["conclusion"]) if it.action == "completed" else ""))


def _ended(result: str) -> str:
    if result in SUCCEEDED:
        return "succeeded"
    return "failed" if result in FAILED else ""


def code_scanning_alert(it: Delivery) -> Event:
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#code_scanning_alert"""
    return it.tell(code_items.code_scanning_alert(it.project, it.payload["alert"]))


def dependabot_alert(it: Delivery) -> Event:
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#dependabot_alert"""
    return it.tell(code_items.dependabot_alert(it.project, it.payload["alert"]))


def secret_scanning_alert(it: Delivery) -> Event:
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#secret_scanning_alert"""
    return it.tell(code_items.secret_scanning_alert(it.project, it.payload["alert"]))
