"""Errors that a push service finds in a notification by itself, and its answers to them."""

from pushgate.protocols.apns_binary.error_response import ErrorResponse
from pushgate.protocols.apns_binary.frames import MAX_TOKEN, Frame, MalformedFrame
from pushgate.protocols.apns_binary.status import ErrorStatus


def find_fault(frame: Frame | MalformedFrame, max_payload: int) -> ErrorStatus | None:
    """Return the error of a notification, None when it has none. Whether the token lives is another question.

    :param max_payload: bytes.
    """
    if isinstance(frame, MalformedFrame):
        return frame.status
    if not frame.token:
        return ErrorStatus.MISSING_TOKEN
    if not frame.payload:
        return ErrorStatus.MISSING_PAYLOAD
    if len(frame.token) > MAX_TOKEN:
        return ErrorStatus.INVALID_TOKEN_SIZE
    if len(frame.payload) > max_payload:
        return ErrorStatus.INVALID_PAYLOAD_SIZE
    return None


def error_response(frame: Frame | MalformedFrame, status: ErrorStatus) -> ErrorResponse | None:
    """The answer to a faulty notification; None when the service closes without one.

    The simple command has no answer, only the close; so has a command byte that does not exist.
    """
    if frame.mute if isinstance(frame, MalformedFrame) else frame.command == 0:
        return None
    return ErrorResponse(status, frame.identifier or 0)
