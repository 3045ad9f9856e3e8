"""A send: a notification to all devices that a tag expression finds, or to devices that are named."""

from enum import StrEnum

import msgspec

from pushgate.model.hub.platform import Platform


class SendState(StrEnum):
    """The state of a send, as a telemetry document spells it."""

    SCHEDULED = "Scheduled"
    ENQUEUED = "Enqueued"
    PROCESSING = "Processing"
    COMPLETED = "Completed"
    ABANDONED = "Abandoned"
    NO_TARGET_FOUND = "NoTargetFound"
    CANCELED = "Canceled"


ENDED = frozenset({
    SendState.COMPLETED, SendState.ABANDONED, SendState.NO_TARGET_FOUND, SendState.CANCELED,
})  # fmt: skip
"""The states that do not change any more, but for counts that are corrected."""


class SendRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent, and to which devices.

    :param platform: of a native notification; None: by the templates of all platforms.
    :param body: native: what the push service takes; else the properties, a JSON object of texts.
    :param expression: a tag expression; None: all devices of the platform.
    :param handles: send to these in place of registered devices, as they are written as text.
    :param headers: of the request, that go on to the push service: ``apns-*``, ``x-wns-*`` and the like, by
        name in lower case.
    :param scheduled_for: Unix seconds; None: now.
    """

    body: bytes
    platform: Platform | None = None
    expression: str | None = None
    handles: tuple[str, ...] = ()
    headers: dict[str, str] = {}
    scheduled_for: float | None = None


class Send(msgspec.Struct, frozen=True, kw_only=True):
    """A send as it is kept.

    :param at: Unix seconds of its acceptance.
    :param started_at: Unix seconds when the first targets were looked for; None before.
    :param ended_at: Unix seconds of the last outcome; None before.
    """

    id: str
    request: SendRequest
    state: SendState
    at: float
    started_at: float | None = None
    ended_at: float | None = None


class SendDetails(msgspec.Struct, frozen=True, kw_only=True):
    """A send, and the outcomes of its notifications.

    :param outcomes: how many there are, by platform and by outcome name, such as ``Success``.
    :param has_errors: whether there are `PnsFeedback` entries for it.
    """

    send: Send
    outcomes: dict[Platform, dict[str, int]] = {}
    has_errors: bool = False


class DeviceResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one notification of a test send.

    :param handle: as text.
    :param registration_id: "" of a device that was named.
    :param outcome: in words, as `Success`, or what is wrong.
    """

    platform: Platform
    handle: str
    registration_id: str
    outcome: str
    succeeded: bool


class SendTestOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a test send.

    :param id: of the send; its details say the same.
    """

    id: str
    results: tuple[DeviceResult, ...]
