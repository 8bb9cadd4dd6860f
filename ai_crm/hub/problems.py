"""What a caller is told when something went wrong: RFC 9457 problem documents, and never more than it may know."""

from __future__ import annotations

import json
import math
import re
from http import HTTPStatus

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from ai_crm.errors import AiCrmError, ConfigError, RateLimited, StoreUnavailable

MEDIA_TYPE = "application/problem+json"

log = structlog.get_logger()


def problem(
    status: int, kind: str, detail: str = "", headers: dict[str, str] | None = None, **more: object
) -> Response:
    """A problem document. `kind` is the stable word that programs tell problems apart by, as in `signature-invalid`."""
    document = {"type": f"about:blank#{kind}", "title": kind.replace("-", " ").capitalize(), "status": status}
    if detail:
        document["detail"] = detail
    return Response(json.dumps(document | more), status, headers, MEDIA_TYPE)  # ASCII, whatever is in the text


def problem_of(error: AiCrmError) -> Response:
    """The document of an error of ours: its sentence and its hint, which are made to be shown."""
    headers = _retry_after(error) | _closing(error.http_status)
    if isinstance(error, ConfigError):
        found = [{field: getattr(each, field) for field in each.__struct_fields__} for each in error.problems]
        return problem(error.http_status, kind_of(error), error.what, headers, problems=found)
    detail = f"{error.what}. {error.hint}" if error.hint else error.what
    return problem(error.http_status, kind_of(error), detail, headers)


def kind_of(error: AiCrmError) -> str:
    """`SignatureInvalid` -> `signature-invalid`."""
    return _CAPITAL.sub("-", type(error).__name__).lower()


def unexpected() -> Response:
    """The whole answer to a fault of ours: what it was stands in the log, under the request's id."""
    return problem(500, "internal-server-error")


async def on_error(_request: Request, error: Exception) -> Response:
    """For the errors in HANDLED; anything else is a fault of ours and goes on up."""
    match error:
        case AiCrmError():
            if error.http_status >= 500:
                log.warning("problem", action="problem", kind=kind_of(error), detail=str(error))
            return problem_of(error)
        case HTTPException():
            headers = dict(error.headers or {}) | _closing(error.status_code)
            phrase = HTTPStatus(error.status_code).phrase
            detail = error.detail if error.detail != phrase else ""
            return problem(error.status_code, phrase.lower().replace(" ", "-"), detail, headers)
        case ClientDisconnect():
            return problem(400, "client-left", headers=_closing(400))
        case _:
            raise error


HANDLED: tuple[type[Exception], ...] = (AiCrmError, HTTPException, ClientDisconnect)

_CAPITAL = re.compile("(?<!^)(?=[A-Z])")
_STORE_RETRY_SECONDS = 5
# After these something of the request may still be on its way; nobody waits for it.
_UNREAD = frozenset({400, 408, 413, 415})


def _retry_after(error: AiCrmError) -> dict[str, str]:
    match error:
        case StoreUnavailable():
            return {"Retry-After": str(_STORE_RETRY_SECONDS)}
        case RateLimited():
            return {"Retry-After": str(math.ceil(error.retry_after))}
        case _:
            return {}


def _closing(status: int) -> dict[str, str]:
    return {"Connection": "close"} if status in _UNREAD else {}
