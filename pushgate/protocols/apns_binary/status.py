"""The status codes of an error response, and what each means for the notification that it names."""

from enum import IntEnum
from typing import Final


class ErrorStatus(IntEnum):
    """Apple's codes (Binary Provider API, table A-1; 128 is missing from TN2265)."""

    NO_ERROR = 0
    PROCESSING_ERROR = 1
    MISSING_TOKEN = 2
    MISSING_TOPIC = 3
    MISSING_PAYLOAD = 4
    INVALID_TOKEN_SIZE = 5
    INVALID_TOPIC_SIZE = 6
    INVALID_PAYLOAD_SIZE = 7
    INVALID_TOKEN = 8
    SHUTDOWN = 10
    PROTOCOL_ERROR = 128
    UNKNOWN = 255


PERMANENT: Final = frozenset({
    ErrorStatus.MISSING_TOKEN, ErrorStatus.MISSING_TOPIC, ErrorStatus.MISSING_PAYLOAD,
    ErrorStatus.INVALID_TOKEN_SIZE, ErrorStatus.INVALID_TOPIC_SIZE, ErrorStatus.INVALID_PAYLOAD_SIZE,
    ErrorStatus.INVALID_TOKEN, ErrorStatus.PROTOCOL_ERROR,
})  # fmt: skip
"""Sending the same again would be refused again. Any other code, undefined ones too, is temporary."""

DEAD: Final = frozenset({ErrorStatus.INVALID_TOKEN_SIZE, ErrorStatus.INVALID_TOKEN})
"""The token is at fault: it is not sent to again."""

OF_THE_CERTIFICATE: Final = frozenset({ErrorStatus.MISSING_TOPIC, ErrorStatus.INVALID_TOPIC_SIZE})
"""The topic comes from the certificate, so every notification on it will fare the same."""


def reason(status: int) -> str:
    """A status by name, as outcome records have it: ``InvalidToken``; ``Status77`` for an undefined one."""
    try:
        return ErrorStatus(status).name.title().replace("_", "")
    except ValueError:
        return f"Status{status}"
