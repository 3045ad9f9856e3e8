"""Apple's answers, a row for each: what becomes of the notification, of its token, and of the connection.

A row reads as Apple's table does, "Handling notification responses from APNs": status, reason, what follows,
and the words for an operator. An answer without a row follows its status' class.
"""

from typing import Final

from pushgate.model.dead_token import DeadReason
from pushgate.protocols.http_push.answers import Answer, AnswerTable, Follows

_F = Follows
ANSWERS: Final = (
    Answer(200, "", _F.ACCEPTED),
    # The notification, or how it was sent.
    Answer(400, "BadCollapseId", _F.REJECTED, "the collapse id is longer than 64 bytes"),
    Answer(400, "BadDeviceToken", _F.DEAD, "the token is malformed, or of the other environment",
           dead=DeadReason.BAD_DEVICE_TOKEN),
    Answer(400, "BadExpirationDate", _F.REJECTED, "the expiration is no number of seconds"),
    Answer(400, "BadMessageId", _F.REJECTED, "the apns-id is no UUID"),
    Answer(400, "BadPriority", _F.REJECTED, "the priority is no number of Apple's, or not of the push type"),
    Answer(400, "BadTopic", _F.REJECTED, "the topic cannot be one"),
    Answer(400, "DeviceTokenNotForTopic", _F.DEAD, "the token is of another app than the topic's",
           dead=DeadReason.DEVICE_TOKEN_NOT_FOR_TOPIC),
    Answer(400, "DuplicateHeaders", _F.REJECTED, "a header came twice"),
    Answer(400, "IdleTimeout", _F.NEW_CONNECTION, "the connection was idle for too long"),
    Answer(400, "InvalidPushType", _F.REJECTED, "the push type is none of Apple's"),
    Answer(400, "MissingDeviceToken", _F.REJECTED, "there is no token in the path"),
    Answer(400, "MissingTopic", _F.REJECTED, "a topic is needed: set topic for the app"),
    Answer(400, "PayloadEmpty", _F.REJECTED, "the payload is empty"),
    Answer(400, "TopicDisallowed", _F.HELD, "the credential may not push to this topic", "wrong-topic"),
    # The credential.
    Answer(403, "BadCertificate", _F.HELD, "the certificate is no good", "certificate-rejected"),
    Answer(403, "BadCertificateEnvironment", _F.HELD, "the certificate is of the other environment",
           "wrong-environment"),
    Answer(403, "ExpiredProviderToken", _F.RENEW_TOKEN, "the provider token is older than an hour",
           "clock-wrong"),
    Answer(403, "Forbidden", _F.HELD, "the credential may not do this", "credential-rejected"),
    Answer(403, "InvalidProviderToken", _F.HELD, "key, key id and team id do not belong together, or the key "
           "was revoked", "credential-rejected"),
    Answer(403, "MissingProviderToken", _F.HELD, "neither a certificate nor a provider token was seen",
           "credential-rejected"),
    Answer(403, "UnrelatedKeyIdInToken", _F.NEW_CONNECTION, "the key is not related to the first one of the "
           "connection"),
    Answer(403, "BadEnvironmentKeyIdInToken", _F.HELD, "the key is of the other environment",
           "wrong-environment"),
    Answer(403, "BadEnvironmentKeyInToken", _F.HELD, "the key is of the other environment",  # as sent
           "wrong-environment"),
    # The path: only a fault of ours, or of what stands between.
    Answer(404, "BadPath", _F.REJECTED, "the path is none of the service's"),
    Answer(405, "MethodNotAllowed", _F.REJECTED, "the method is not POST"),
    # The device.
    Answer(410, "ExpiredToken", _F.DEAD, "the token has expired", dead=DeadReason.EXPIRED_TOKEN),
    Answer(410, "Unregistered", _F.DEAD, "the device has the app no more", dead=DeadReason.UNREGISTERED),
    Answer(413, "PayloadTooLarge", _F.REJECTED, "the payload is over the limit of its push type"),
    # Too much.
    Answer(429, "TooManyProviderTokenUpdates", _F.KEEP_TOKEN, "the provider token was renewed too soon"),
    Answer(429, "TooManyRequests", _F.DEVICE_LATER, "too many notifications for one device"),
    # The service. Apple: may be sent again "after 15 minutes", with back-off.
    Answer(500, "InternalServerError", _F.LATER, "the service has an error of its own"),
    Answer(503, "ServiceUnavailable", _F.LATER, "the service is unavailable"),
    Answer(503, "Shutdown", _F.NEW_CONNECTION, "the server is shutting down"),
    # Broadcast.
    Answer(400, "BadChannelId", _F.REJECTED, "the channel id cannot be one"),
    Answer(400, "ChannelNotRegistered", _F.REJECTED, "there is no such channel"),
    Answer(400, "FeatureNotEnabled", _F.REJECTED, "broadcasts are not enabled for the app"),
    Answer(400, "MissingChannelId", _F.REJECTED, "there is no channel id"),
    Answer(400, "MissingPushType", _F.REJECTED, "there is no push type"),
)  # fmt: skip
"""Every answer that Apple documents, and two that it sends under another name than it documents."""
_TABLE: Final = AnswerTable(ANSWERS)
documented: Final = _TABLE.documented
answer: Final = _TABLE.answer
