"""The effect of a rule on one notification: the bytes of the answer, and how the connection ends."""

from itertools import accumulate, pairwise

import msgspec

from pushgate.protocols.apns_binary.error_response import ErrorResponse, encode
from pushgate.protocols.apns_binary.frames import Frame, MalformedFrame
from pushgate.protocols.apns_binary.status import ErrorStatus
from pushgate.protocols.apns_binary.validation import error_response
from pushgate.simulator.fault_rules import (
    AnswerAction,
    Close,
    FrameRule,
    HalfClose,
    Reject,
    Reset,
    Shutdown,
)
from pushgate.simulator.rule_conditions import EndAction


class FaultPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How a connection ends.

    :param status: what the notification is refused with; None when it is not, and dropped silently.
    :param delay: seconds before the first piece.
    :param pieces: of the answer, each sent by itself.
    :param linger: see `EndingAction`.
    """

    status: int | None = None
    delay: float = 0.0
    pieces: tuple[bytes, ...] = ()
    end: EndAction = EndAction.CLOSE
    linger: bool = True


def plan_rule(rule: FrameRule, frame: Frame | None, accepted: int) -> FaultPlan:
    """Return the effect of `rule`.

    :param frame: the notification; None when there is none yet.
    :param accepted: the identifier of the last one accepted on the connection, 0 when there is none.
    """
    if isinstance(rule, Reject):
        identifier = frame.identifier or 0 if frame else 0
        return _plan_answer(rule, rule.status, identifier, frame)
    if isinstance(rule, Shutdown):
        return _plan_answer(rule, ErrorStatus.SHUTDOWN, accepted, frame)
    if isinstance(rule, Reset):
        return FaultPlan(delay=rule.delay, end=EndAction.RESET)
    if isinstance(rule, HalfClose):
        return FaultPlan(delay=rule.delay, end=EndAction.HALF_CLOSE)
    assert isinstance(rule, Close)
    return FaultPlan(delay=rule.delay, linger=rule.linger)


def _plan_answer(rule: AnswerAction, status: int, identifier: int, frame: Frame | None) -> FaultPlan:
    if rule.identifier is not None:
        identifier = rule.identifier
    answer = bytes((rule.command,)) + encode(ErrorResponse(status, identifier))[1:] + rule.garbage
    silent = rule.lost or (frame is not None and frame.command == 0)
    return FaultPlan(
        status=status,
        delay=rule.delay,
        pieces=() if silent else _cut(answer, rule.split),
        end=rule.end,
        linger=rule.linger,
    )


def _cut(answer: bytes, sizes: list[int]) -> tuple[bytes, ...]:
    ends = [*accumulate(sizes, initial=0), max(len(answer), sum(sizes))]
    return tuple(answer[start:end] for start, end in pairwise(ends) if answer[start:end])


def plan_fault(frame: Frame | MalformedFrame, status: ErrorStatus) -> FaultPlan:
    """The service's own answer to a faulty notification. It reports a missing token with identifier 0."""
    response = error_response(frame, status)
    if response is None:
        return FaultPlan(status=None if isinstance(frame, MalformedFrame) else status)
    identifier = 0 if status is ErrorStatus.MISSING_TOKEN else response.identifier
    return FaultPlan(status=status, pieces=(encode(ErrorResponse(status, identifier)),))
