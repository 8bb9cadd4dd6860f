"""GitHub's door at the hub: whose delivery it is and what must wait for what, read without understanding the rest."""

from __future__ import annotations

import json
import re
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta, Struct

from ai_crm.errors import PayloadInvalid
from ai_crm.model.item import PlatformName
from ai_crm.platforms.github.decode import FORM, document
from ai_crm.platforms.github.verify import verify
from ai_crm.ports import RawRequest
from ai_crm.ports.receiver import Envelope


class GitHubReceiver:
    """Implements ports.receiver.Receiver."""

    platform: ClassVar[PlatformName] = PlatformName.GITHUB
    # GitHub drops what is larger: https://docs.github.com/en/webhooks/webhook-events-and-payloads#payload-cap
    limit: ClassVar[int] = 25 * 1024 * 1024

    def verify(self, request: RawRequest, secrets: tuple[str, ...]) -> None:
        verify(request, *secrets)

    def envelope(self, request: RawRequest) -> Envelope:
        """Never fails because of the body: what cannot be read waits in the lane `github:` for its own refusal.

        `x-github-delivery` is not among the kept headers: it is `vendor_id`, and an event is called by its content.
        """
        name = request.headers.get("x-github-event", "")
        if not _NAME.fullmatch(name):
            raise PayloadInvalid("the header x-github-event is missing or unreadable", where="GitHub")
        is_form = request.headers.get("content-type", "").lower().startswith(FORM)
        vendor_id = request.headers.get("x-github-delivery", "")
        return Envelope(
            name=name,
            vendor_id=vendor_id if _TOKEN.fullmatch(vendor_id) else "",
            lane=_lane(_told(request)),
            headers={"x-github-event": name} | ({"content-type": FORM} if is_form else {}),
        )


_NAME = re.compile("[a-z0-9_]{1,64}")  # projects_v2_item
_TOKEN = re.compile("[A-Za-z0-9_-]{1,64}")
_FULL_NAME = r"\A[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}\Z"
_LOGIN = r"\A[A-Za-z0-9._-]{1,100}\Z"
_MOST = 10**15


class _Numbered(Struct, frozen=True):
    number: Annotated[int, Meta(ge=0, le=_MOST)]


class _Repository(Struct, frozen=True):
    full_name: Annotated[str, Meta(pattern=_FULL_NAME)]


class _Organization(Struct, frozen=True):
    login: Annotated[str, Meta(pattern=_LOGIN)]


class _Installation(Struct, frozen=True):
    id: Annotated[int, Meta(ge=0, le=_MOST)]


class _Told(Struct, frozen=True, kw_only=True):
    """What a lane is made of; everything else in a payload is skipped over unread."""

    repository: _Repository | None = None
    organization: _Organization | None = None
    installation: _Installation | None = None
    issue: _Numbered | None = None
    pull_request: _Numbered | None = None
    discussion: _Numbered | None = None


# Made here and not at first use, when two threads that make it at once crash the process (2026-11, msgspec 0.22).
_TOLD = msgspec.json.Decoder(_Told)


def _told(request: RawRequest) -> _Told:
    try:
        return _read(document(request))
    except (PayloadInvalid, ValueError, RecursionError):
        return _Told()


def _read(text: bytes) -> _Told:
    try:
        return _TOLD.decode(text)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:  # half of an emoji is refused there but not here, as in payload.py
        return msgspec.convert(json.loads(text), _Told)


def _lane(told: _Told) -> str:
    """Issues, pull requests and discussions of a repository share their numbers, so each number has one lane."""
    if told.repository is not None:
        item = told.issue or told.pull_request or told.discussion
        name = told.repository.full_name
        return f"github:{name}:{item.number}" if item else f"github:{name}"
    if told.organization is not None:
        return f"github:{told.organization.login}"
    return f"github:installation:{told.installation.id}" if told.installation else "github:"
