"""An event file of a workflow as the delivery that it is: GitHub gives it no id, so its own bytes do."""

from __future__ import annotations

from ai_crm.model.delivery import event_id
from ai_crm.ports import RawRequest


def event_file_delivery(name: str, body: bytes, occasion: str = "") -> RawRequest:
    """The delivery of a GitHub event called `name`. Same name, bytes and occasion: the same id, run after run.

    `occasion` tells files apart that say the same every time, as that of a schedule does.
    """
    return RawRequest(headers={"x-github-event": name, "x-ai-crm-event-id": event_id(name, body, occasion)}, body=body)
