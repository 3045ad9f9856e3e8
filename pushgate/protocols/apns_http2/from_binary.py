"""What a status of the binary service is in the words of the provider API: status and reason for each.

For a caller of today's API whose app still goes out over the binary protocol, or over anything else that
answers with its statuses.
"""

from typing import Final

from pushgate.protocols.apns_binary.status import ErrorStatus
from pushgate.protocols.apns_http2.reasons import answer
from pushgate.protocols.http_push.answers import Answer

FROM_BINARY: Final = {
    ErrorStatus.NO_ERROR: answer(200, ""),
    ErrorStatus.PROCESSING_ERROR: answer(500, "InternalServerError"),
    ErrorStatus.MISSING_TOKEN: answer(400, "MissingDeviceToken"),
    ErrorStatus.MISSING_TOPIC: answer(400, "MissingTopic"),
    ErrorStatus.MISSING_PAYLOAD: answer(400, "PayloadEmpty"),
    ErrorStatus.INVALID_TOKEN_SIZE: answer(400, "BadDeviceToken"),
    ErrorStatus.INVALID_TOPIC_SIZE: answer(400, "BadTopic"),
    ErrorStatus.INVALID_PAYLOAD_SIZE: answer(413, "PayloadTooLarge"),
    ErrorStatus.INVALID_TOKEN: answer(400, "BadDeviceToken"),
    ErrorStatus.SHUTDOWN: answer(503, "Shutdown"),
    # The frame was not understood: a fault between here and the service, not of the caller.
    ErrorStatus.PROTOCOL_ERROR: answer(500, "InternalServerError"),
    ErrorStatus.UNKNOWN: answer(500, "InternalServerError"),
}
"""Every status of the binary service."""
_BY_NUMBER: Final = {int(status): each for status, each in FROM_BINARY.items()}
_UNDEFINED: Final = answer(500, "InternalServerError")


def from_binary(status: int) -> Answer:
    """The answer for a status of the binary service; one that is not defined counts as temporary."""
    return _BY_NUMBER.get(status, _UNDEFINED)
