"""How a body is received: as it is, no larger than agreed, and not for ever."""

from __future__ import annotations

import asyncio

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message, Receive

from ai_crm.errors import DeliveryTooLarge

SECONDS = 20.0  # for a whole body; `app.state.receipt_seconds` where another is set


def received(request: Request, receive: Receive, limit: int) -> Receive:
    """`receive`, until the body is larger than `limit` bytes, encoded, or not there in time.

    What a client announces is believed when it is too much, before a byte is read. Raises DeliveryTooLarge,
    HTTPException 408 and 415.
    """
    clock = asyncio.get_running_loop().time
    until = clock() + float(getattr(request.app.state, "receipt_seconds", SECONDS))
    size = 0
    complete = False

    async def limited() -> Message:
        nonlocal size, complete
        if complete:  # from here on one only waits for the client to leave
            return await receive()
        if not size:
            _accept(request, limit)
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, "The body did not arrive in time.") from None
        size += len(message.get("body", b""))
        complete = not message.get("more_body", False)
        if size > limit:
            raise _too_large(limit)
        return message

    return limited


def _accept(request: Request, limit: int) -> None:
    """Nothing here ever unpacks what came in: a few bytes could become gigabytes."""
    encodings = {value.strip().lower() for value in request.headers.getlist("content-encoding")}
    if encodings - {"identity", ""}:
        raise HTTPException(415, "Send the body as it is, without Content-Encoding.")
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and (len(announced) > 18 or int(announced) > limit):
        raise _too_large(limit)


def _too_large(limit: int) -> DeliveryTooLarge:
    return DeliveryTooLarge(f"the body is larger than {limit} bytes", hint="Send less at once")
