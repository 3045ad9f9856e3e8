"""Every error pushgate raises on purpose.

A leaf module: it imports nothing of pushgate. A `Refusal` is what an input answers its caller; its `code` is
the word the contract fixes for the wire. Texts name the field, the shape of the value and the rule, never
the value: tokens and payloads do not belong in errors.
"""

from math import ceil
from pathlib import PurePath
from typing import ClassVar, Self


class PushgateError(Exception):
    """The base of every error raised on purpose."""


class Refusal(PushgateError):
    """A request was refused; nothing of it was queued.

    One that came over a wire (`from_text`) has its text only; its other attributes are empty.
    """

    code: ClassVar[str]

    @classmethod
    def from_text(cls, text: str) -> Self:
        """A refusal of this kind with this text, such as one that another process raised."""
        return cls.__new__(cls, text)  # the text is complete, there is nothing to make it from


class UnknownApp(Refusal):
    """No app of this name is configured."""

    code = "UNKNOWN_APP"
    app = ""

    def __init__(self, app: str) -> None:
        super().__init__(f"app: {app[:100]!r} is not configured")
        self.app = app


class Invalid(Refusal):
    """A field breaks a rule.

    :param field: the field's name as the caller wrote it.
    :param shape: what was found, without its content: ``"31 hex digits"``.
    :param rule: what is allowed.
    """

    code = "INVALID"
    field = shape = rule = ""

    def __init__(self, field: str, shape: str, rule: str) -> None:
        super().__init__(f"{field}: {shape}; {rule}")
        self.field, self.shape, self.rule = field, shape, rule


class TooLarge(Refusal):
    """A field is longer than its limit, both in bytes unless `unit` says otherwise."""

    code = "TOO_LARGE"
    field = ""
    size = limit = 0

    def __init__(self, field: str, size: int, limit: int, unit: str = "bytes") -> None:
        super().__init__(f"{field}: {size} {unit}; at most {limit}")
        self.field, self.size, self.limit = field, size, limit


class Overloaded(Refusal):
    """A queue is full; the same request may succeed later.

    :param queued: notifications waiting.
    :param limit: how many may wait.
    """

    code = "OVERLOADED"
    queued = limit = 0
    retry_after: float | None = None
    """Seconds after which it is worth trying again, where that is known."""

    def __init__(self, what: str, queued: int, limit: int) -> None:
        super().__init__(f"{what}: {queued} waiting; at most {limit}, try again later")
        self.queued, self.limit = queued, limit


class TooFast(Overloaded):
    """The caller's quota is used up for now.

    :param rate: notifications a second that it allows.
    :param retry_after: seconds.
    """

    def __init__(self, rate: float, retry_after: float) -> None:
        # Rounded up: a caller that comes back that early must find room.
        self.retry_after = ceil(retry_after * 100) / 100
        Refusal.__init__(
            self, f"rate: at most {rate:g} notifications a second; again in {self.retry_after:g} s"
        )


class TooOften(Overloaded):
    """Something that is bounded by the minute was asked for once too often.

    :param what: ``"test sends of news"``.
    :param limit: times a minute.
    :param retry_after: seconds.
    """

    def __init__(self, what: str, limit: int, retry_after: float) -> None:
        self.retry_after = float(ceil(retry_after))
        Refusal.__init__(self, f"{what}: at most {limit} a minute; again in {self.retry_after:g} s")
        self.queued = self.limit = limit


class ShuttingDown(Refusal):
    """The gateway is stopping and takes nothing new."""

    code = "SHUTTING_DOWN"

    def __init__(self) -> None:
        super().__init__("the gateway is shutting down; try another, or later")


class Forbidden(Refusal):
    """The caller may not do this."""

    code = "FORBIDDEN"


class NotLoggedIn(Forbidden):
    """The caller has not proven who it is, or not with what is accepted now.

    :param closes: too many logins of the caller's address have failed: its connection ends with the answer.
    """

    closes = False

    def __init__(self, text: str, closes: bool = False) -> None:
        super().__init__(text)
        self.closes = closes


class Conflict(Refusal):
    """An idempotency key was used before with other content.

    :param first: the id of the batch that it was used for, where that is known.
    """

    code = "CONFLICT"
    first: int | None = None

    def __init__(self, first: int | None = None) -> None:
        super().__init__("key: used within 24 hours with other content; use a new key")
        self.first = first


class NotFound(Refusal):
    """No notification of this id is known, or no longer."""

    code = "NOT_FOUND"

    def __init__(self) -> None:
        super().__init__("id: not known, or its outcome is no longer kept")


class ServiceFailed(Refusal):
    """The push service did not do what it was asked for, and the caller has no part in that.

    It could not be reached, refused the app's credential, or answered what makes no sense. If the text does
    not say otherwise, nothing was changed.
    """

    code = "SERVICE_FAILED"


class Internal(PushgateError):
    """The gateway failed at a request for an unforeseen reason, which its log has.

    Whether anything of the request was queued is not known.
    """

    code = "INTERNAL"

    def __init__(self, text: str = "the gateway failed; its log says why") -> None:
        super().__init__(text)


class Unreachable(PushgateError):
    """There was no connection to the gateway for as long as the caller would wait; nothing was sent."""


class FateUnknown(PushgateError):
    """A request was sent and no answer came: it may or may not have been accepted.

    With an idempotency key it can be repeated without harm.
    """


class SinkDown(PushgateError):
    """A sink cannot take reports now, and asks for the same ones again later.

    :param retry_after: seconds that it wants to be left alone for at least.
    """

    def __init__(self, text: str = "", retry_after: float = 0.0) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class CannotStart(PushgateError):
    """The configuration or what it names is wrong; nothing was started.

    :param faults: one line each, complete in itself: file, key path, what is wrong, what is allowed.
    """

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


REFUSALS: dict[str, type[Refusal]] = {
    kind.code: kind
    for kind in (
        UnknownApp, Invalid, TooLarge, Overloaded, ShuttingDown, Forbidden, Conflict, NotFound,
        ServiceFailed,
    )
}  # fmt: skip
"""Each refusal by its code on the wire."""


def reason(error: BaseException) -> str:
    """An exception in one line: its type, its first line and, for a syntax error, where it is."""
    if isinstance(error, SyntaxError):
        # The file may be one that was imported.
        file = f"{PurePath(error.filename).name}, " if error.filename else ""
        return f"SyntaxError in {file}line {error.lineno}: {error.msg}"
    first = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__
