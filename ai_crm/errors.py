"""Every error of this project and what a caller may do about it.

AiCrmError                     what happened · where · what to do next; safe to show and to log
├── ConfigError                found at start, all problems at once, exit status 2
│   ├── SettingsInvalid        the environment or the step's inputs
│   └── RulesInvalid           a rules file, each problem at file:line:column
├── DeliveryRejected           an inbound call that we do not take
│   ├── SignatureInvalid       401
│   ├── PayloadInvalid         400
│   ├── DeliveryTooLarge       413
│   └── EventUnknown           202: stored and counted, nobody here knows this kind
├── CommandRefused             a person asked for something not allowed
│   └── Misunderstood          400: or for something that we do not understand
├── Unsupported                this platform cannot express that change
├── UpstreamError              a platform answered, or failed to
│   ├── UpstreamUnavailable    retry: no connection, time-out, 5xx
│   ├── RateLimited            retry after `retry_after` seconds
│   ├── Conflict               the item changed under us
│   ├── CredentialsRefused     401, 403; names the missing permission
│   ├── ItemMissing            404, 410
│   ├── ChangeRefused          422: the platform said no for good
│   └── AnswerUnintelligible   the answer is not what the platform documents
└── StoreError
    ├── StoreUnavailable       retry: locked, unreachable, disk full
    ├── AnswerLost             retry the same: whether it was written is unknown
    ├── VersionClash           retry with fresh data: someone else wrote first
    ├── LeaseLost              another worker has taken the work over: stop, and write nothing
    └── RecordMissing          404: there is no such thing in this workspace
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct


class Problem(Struct, frozen=True, order=True):
    """One thing wrong in a file. `line` and `column` count from 1; 0 means the file as a whole."""

    file: str
    line: int
    column: int
    what: str
    hint: str = ""

    @property
    def sentence(self) -> str:
        """What is wrong and what to do, without the place."""
        return f"{self.what} ({self.hint})" if self.hint else self.what

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.sentence}"


class AiCrmError(Exception):
    """`what` happened, `where`, and a `hint` that tells a person what to do next."""

    retry: ClassVar[bool] = False
    http_status: ClassVar[int] = 500

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}. {self.hint}" if self.hint else text


class ConfigError(AiCrmError):
    """Carries every problem found, never only the first."""

    http_status = 422

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class SettingsInvalid(ConfigError):
    """Names the variable or input, never its value."""


class RulesInvalid(ConfigError):
    """A rules file that is present but broken; nothing acts on it."""


class DeliveryRejected(AiCrmError):
    http_status = 400


class SignatureInvalid(DeliveryRejected):
    http_status = 401


class PayloadInvalid(DeliveryRejected):
    http_status = 400


class DeliveryTooLarge(DeliveryRejected):
    http_status = 413


class EventUnknown(DeliveryRejected):
    http_status = 202


class CommandRefused(AiCrmError):
    http_status = 403


class Misunderstood(CommandRefused):
    http_status = 400


class Unsupported(AiCrmError):
    http_status = 422


class UpstreamError(AiCrmError):
    http_status = 502


class UpstreamUnavailable(UpstreamError):
    retry = True


class RateLimited(UpstreamError):
    """`retry_after` is in seconds, at least 1."""

    retry = True
    http_status = 503

    def __init__(self, what: str, *, retry_after: float, where: str = "", hint: str = "") -> None:
        super().__init__(what, where=where, hint=hint)
        self.retry_after = max(1.0, retry_after)


class Conflict(UpstreamError):
    retry = True
    http_status = 409


class CredentialsRefused(UpstreamError):
    """`missing` is the permission as its platform spells it, such as `issues: write`; empty when unknown."""

    def __init__(self, what: str, *, missing: str = "", where: str = "", hint: str = "") -> None:
        super().__init__(what, where=where, hint=hint)
        self.missing = missing


class ItemMissing(UpstreamError):
    http_status = 404


class ChangeRefused(UpstreamError):
    http_status = 422


class AnswerUnintelligible(UpstreamError):
    pass


class StoreError(AiCrmError):
    pass


class StoreUnavailable(StoreError):
    retry = True
    http_status = 503


class AnswerLost(StoreError):
    """The store may have written what it was given: only the very same again, never something else instead."""

    retry = True
    http_status = 503


class VersionClash(StoreError):
    retry = True
    http_status = 409


class LeaseLost(StoreError):
    http_status = 409


class RecordMissing(StoreError):
    http_status = 404
