"""What GitHub's answers mean: which status becomes which error, and what a person has to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ai_crm.cards.inert import plain
from ai_crm.errors import (
    AnswerUnintelligible,
    ChangeRefused,
    Conflict,
    CredentialsRefused,
    ItemMissing,
    PayloadInvalid,
    RateLimited,
    UpstreamError,
    UpstreamUnavailable,
)
from ai_crm.platforms.github.payload import Value, absent, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ai_crm.platforms.transport import Answer  # cold start: http.client

# The version that every supported Enterprise Server knows; GitHub keeps it at least until March 2028.
# https://docs.github.com/en/rest/about-the-rest-api/api-versions
API_VERSION = "2022-11-28"
_SHORTEST_WAIT = 60.0  # what GitHub asks for where it names no time
_LONGEST_WAIT = 3600.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Asked(Struct, frozen=True):
    """What an answer is about, for its error: `what` completes "could not …", `permission` is what it takes."""

    what: str
    where: str
    permission: str


class Quota:
    """Remembers that GitHub told us to wait: until this delivery is over nothing more is sent.

    `refused` says whether GitHub did not accept the token, which then is of no use to the next one either.
    """

    def __init__(self) -> None:
        self.refused = False
        self._limited: RateLimited | None = None

    def admit(self) -> None:
        """Raises RateLimited when GitHub said so before; asking on could get the sender banned."""
        if self._limited is not None:
            raise self._limited

    def understand(self, answer: Answer, asked: Asked) -> Value:
        """What a successful answer says, absent where it is empty. Raises UpstreamError for every other."""
        self.refused |= answer.status == 401
        try:
            return _understood(answer, asked)
        except RateLimited as error:
            self._limited = error
            raise


def _understood(answer: Answer, asked: Asked) -> Value:
    if 200 <= answer.status < 300:
        return parse(answer.body, AnswerUnintelligible) if answer.body.strip() else absent()
    if answer.status >= 500:
        raise UpstreamUnavailable(
            f"could not {asked.what}: GitHub answered {answer.status}",
            where=asked.where,
            hint="It may pass: run it again",
        )
    if _is_limited(answer):
        raise RateLimited(
            f"could not {asked.what}: GitHub's limit of requests is used up",
            retry_after=_wait(answer.headers),
            where=asked.where,
            hint="GitHub takes 1,000 requests an hour from the workflows of a repository together, and from 5,000 on "
            "from any other token; a hub goes on by itself once it may",
        )
    raise _refusal(answer, asked)


def _is_limited(answer: Answer) -> bool:
    """GitHub says 403 for both, so the headers decide; the secondary limit sometimes shows in the link alone.

    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
    """
    if answer.status == 429:
        return True
    exhausted = answer.headers.get("x-ratelimit-remaining", "").strip() == "0"
    return answer.status == 403 and (
        exhausted or "retry-after" in answer.headers or "rate-limits" in _said(answer, "documentation_url")
    )


def _refusal(answer: Answer, asked: Asked) -> UpstreamError:
    said = _said(answer, "message")
    what = f"could not {asked.what}: {said or f'GitHub answered {answer.status}'}"
    where = asked.where
    match answer.status:
        case 401:
            hint = (
                "The token is wrong, has expired or was taken back: check the input `github_token` of the Action, or "
                "give the hub's connection another one with `ai-crm connections token`"
            )
            return CredentialsRefused(what, where=where, hint=hint)
        case 403:
            permission = _accepted(answer.headers) or asked.permission
            return CredentialsRefused(what, missing=permission, where=where, hint=grant(permission))
        case 404:
            hint = f"Is it there? GitHub says the same when a permission is missing. {grant(asked.permission)}"
            return ItemMissing(what, where=where, hint=hint)
        case 410:
            return ItemMissing(what, where=where, hint="It was deleted, or issues are off in the repository's settings")
        case 409 | 412:
            return Conflict(what, where=where, hint="It changed meanwhile: run it again")
        case status if status in _REDIRECTS:
            return ItemMissing(what, where=where, hint="The repository was renamed or moved: use its new name")
        case status if 400 <= status < 500:
            return ChangeRefused(what + _fields(answer), where=where)
        case _:
            return AnswerUnintelligible(what, where=where)


def grant(permission: str) -> str:
    """What a token lacks and where it gets that: in a workflow, in an app's settings, or in its own."""
    if not permission:
        return "Check what the token or the app may do there, and that nobody suspended it"
    return (
        f"It takes `{permission}`: a workflow gives that under `permissions:` (and never to a pull request from a "
        "fork, which can only read), an app or a token of somebody's has it in its settings"
    )


def _accepted(headers: Mapping[str, str]) -> str:
    """The permission as a workflow spells it, from `issues=write; pull_requests=write`: any of these would do.

    https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps
    """
    first = headers.get("x-accepted-github-permissions", "").partition(";")[0].partition(",")[0].strip()
    scope, _, level = first.partition("=")
    known = scope.replace("_", "").isalpha() and level in {"read", "write", "admin"} and first.isascii()
    return f"{scope.replace('_', '-')}: {level}" if known else ""


def _wait(headers: Mapping[str, str]) -> float:
    """Seconds. GitHub names them, a date, or the second since 1970; absurd ones count as none."""
    after = headers.get("retry-after", "").strip()
    if _is_number(after):
        return _sensible(float(after))
    now, reset = _date(headers.get("date", "")), headers.get("x-ratelimit-reset", "").strip()
    if now is None:
        return _SHORTEST_WAIT
    until = _date(after) or (float(reset) if _is_number(reset) else now)
    return _sensible(until - now)


def _sensible(seconds: float) -> float:
    return min(seconds, _LONGEST_WAIT) if seconds >= 1 else _SHORTEST_WAIT


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 12


def _date(text: str) -> float | None:
    """Seconds since 1970 of a date as HTTP writes it."""
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - cold start: needed when limited

    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def _said(answer: Answer, field: str) -> str:
    """What GitHub says in its own words, made safe to print; empty where it says nothing that can be read."""
    try:
        return plain(parse(answer.body)[field].text_or(""))[:300]
    except PayloadInvalid:
        return ""


def _fields(answer: Answer) -> str:
    """GitHub's remarks about single fields of a request (422), such as `title is too long`."""
    try:
        remarks = [_remark(error) for error in parse(answer.body)["errors"].each()]
    except PayloadInvalid:
        return ""
    return "".join(f"; {remark}" for remark in remarks[:5] if remark)


def _remark(error: Value) -> str:
    if error.is_text():
        return plain(error.text())[:200]
    what = error["message"].text_or("") or error["code"].text_or("")
    return plain(f"{error['field'].text_or('')} {what}")[:200]
