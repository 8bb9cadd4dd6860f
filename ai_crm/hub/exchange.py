"""How a request of the API is read and answered: who asks, a body of exactly one form, JSON in return."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ai_crm.errors import PayloadInvalid
from ai_crm.model.access import Principal
from ai_crm.model.task import Task, TaskId

T = TypeVar("T")

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"  # RFC 7396


def who(request: Request) -> Principal:
    """Whom the request's key belongs to."""
    principal: Principal = request.state.principal
    return principal


def task_id(request: Request) -> TaskId:
    return TaskId(request.path_params["id"])


async def body(request: Request, kind: type[T], *accepted: str) -> T:
    """What was sent. A field that nobody knows is refused by its name: it was meant for something.

    `accepted` are content types beside JSON's own. Raises PayloadInvalid, and HTTPException 415.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type not in {"", JSON, *accepted}:
        raise HTTPException(415, f"Send JSON, with the content type {JSON}.")
    raw = await request.body()
    try:
        return msgspec.json.decode(raw or b"{}", type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        what = str(error) if isinstance(error, msgspec.ValidationError) else "it is not JSON"
        raise PayloadInvalid(f"the body cannot be used: {what}") from error


def answered(value: Any, status: int = 200, **headers: str) -> Response:
    return Response(msgspec.json.encode(value), status, headers or None, JSON)


def tag(task: Task) -> str:
    """The task's `ETag`, which names its version."""
    return f'"v{task.version}"'
