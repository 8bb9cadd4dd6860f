"""How a webhook is called, over connections that calls to the same service share in turn, and what its answer means."""

from __future__ import annotations

import threading

from ai_crm.errors import ChangeRefused, RateLimited, SettingsInvalid, UpstreamError, UpstreamUnavailable
from ai_crm.model.change import CallWebhook
from ai_crm.model.target import Target, parse_target
from ai_crm.platforms.transport import Answer, Transport
from ai_crm.platforms.webhook.encode import body_of, headers
from ai_crm.platforms.webhook.guard import Guard

# In seconds; a call may take three times as long in all, which is half of the time that a change is lent for.
_SILENCE = 10.0
_MOST_ANSWER = 1_000_000
_LONGEST_WAIT = 3600.0
_PASSING = frozenset({408, 425, 429})


class Lines:
    """Connections that were kept from earlier calls. Two calls at once to one service get one each."""

    def __init__(self, guard: Guard, *, each: int = 2, most: int = 32) -> None:
        """At most `each` idle ones to a service and `most` in all; the one that waited longest goes first."""
        self._guard = guard
        self._each = each
        self._most = most
        self._idle: list[Transport] = []
        self._turn = threading.Lock()

    def take(self, target: Target) -> Transport:
        service = str(target.address)
        with self._turn:
            for at in reversed(range(len(self._idle))):
                if str(self._idle[at].address) == service:
                    return self._idle.pop(at)
        return Transport(service, headers={}, timeout=_SILENCE, limit=_MOST_ANSWER, find=self._guard.find)

    def give_back(self, line: Transport) -> None:
        with self._turn:
            self._idle.append(line)
            alike = [other for other in self._idle if other.address == line.address]
            over = alike[: -self._each] or self._idle[: -self._most]
            self._idle = [other for other in self._idle if other not in over]
        for other in over:
            other.close()

    def close(self) -> None:
        with self._turn:
            idle, self._idle = self._idle, []
        for line in idle:
            line.close()


def call(change: CallWebhook, lines: Lines, keys: tuple[bytes, ...], at: int) -> None:
    """One POST, sent once. Raises UpstreamError; neither that nor its text says more of the URL than its host."""
    target = _target(change.url)
    body = body_of(change)
    line = lines.take(target)
    try:
        answer = line.request("POST", target.path, body, headers(change, body, at, keys))
    except BaseException:
        line.close()
        raise
    lines.give_back(line)
    if not 200 <= answer.status < 300:
        raise _refusal(answer)


def _target(url: str) -> Target:
    try:
        return parse_target(url)
    except SettingsInvalid as error:
        problem = error.problems[0]
        raise ChangeRefused(problem.what, where="webhook", hint=problem.hint) from None


def _refusal(answer: Answer) -> UpstreamError:
    where, status = f"webhook {answer.host}", answer.status
    if status in _PASSING or status >= 500:
        what = f"the webhook answered {status}"
        if status == 429 or "retry-after" in answer.headers:
            return RateLimited(what, retry_after=min(answer.retry_after(30), _LONGEST_WAIT), where=where)
        return UpstreamUnavailable(what, where=where, hint="It may pass: run it again")
    if status < 400:
        what = f"the webhook answered {status} and sent us elsewhere, where nothing is sent"
        return ChangeRefused(what, where=where, hint="Write the address that it leads to into the rule")
    if status == 410:
        return ChangeRefused("the webhook is gone (410)", where=where, hint="Take the action out of the rule")
    return ChangeRefused(f"the webhook refused the call with {status}", where=where, hint="Ask whoever runs it why")
