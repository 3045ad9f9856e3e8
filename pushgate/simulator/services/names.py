"""The names of the services, of what can be asked of them, and of what they refuse with."""

from typing import Final, Literal, get_args

ServiceName = Literal["fcm", "webpush", "wns", "adm", "hms", "baidu", "mpns", "xiaomi"]
Call = Literal["push", "token", "topic"]
"""``push``: a notification; ``token``: an access token; ``topic``: a subscription to a topic (FCM)."""
SERVICE_NAMES: Final[tuple[ServiceName, ...]] = get_args(ServiceName)

STATUSES: Final[dict[str, dict[str, int]]] = {
    "fcm": {
        "INVALID_ARGUMENT": 400, "UNAUTHENTICATED": 401, "THIRD_PARTY_AUTH_ERROR": 401,
        "SENDER_ID_MISMATCH": 403, "PERMISSION_DENIED": 403, "UNREGISTERED": 404, "QUOTA_EXCEEDED": 429,
        "INTERNAL": 500, "UNAVAILABLE": 503, "UNSPECIFIED_ERROR": 400, "APNS_AUTH_ERROR": 401,
        "NOT_FOUND": 404, "METHOD_NOT_ALLOWED": 405,
    },
    # errno of Mozilla's autopush
    "webpush": {
        "101": 400, "102": 404, "103": 410, "104": 413, "105": 410, "106": 410, "108": 400, "109": 401,
        "110": 400, "111": 400, "112": 400, "113": 400, "201": 503, "202": 503, "900": 410, "901": 502,
        "902": 502, "903": 502, "999": 500,
    },
    "wns": {"dropped": 200, "channelthrottled": 200},
    "adm": {
        "InvalidRegistrationId": 400, "Unregistered": 400, "InvalidData": 400,
        "InvalidConsolidationKey": 400, "InvalidExpiration": 400, "InvalidChecksum": 400, "InvalidType": 400,
        "AccessTokenExpired": 401, "MessageTooLarge": 413, "MaxRateExceeded": 429,
        "InternalServerError": 500, "ServiceUnavailable": 503,
    },
    "hms": dict.fromkeys(
        ("80100000", "80100001", "80100003", "80100016", "80200001", "80200003", "80200005", "80300002",
         "80300007", "80300008", "80300010", "80300036", "81000001"), 200,
    ),
    "baidu": {
        "30600": 500, "30601": 405, "30602": 400, "30603": 403, "30604": 403, "30605": 404, "30606": 408,
        "30607": 404, "30608": 404, "30609": 403, "30610": 403, "30611": 404, "30612": 403, "30613": 403,
        "30699": 403,
    },
    "mpns": {
        "QueueFull": 200, "Suppressed": 200, "Expired": 404, "Unauthorized": 401, "Throttled": 406,
        "Inactive": 412,
    },
    "xiaomi": dict.fromkeys(
        ("10001", "10002", "10016", "10017", "20301", "21301", "22022", "66108", "200001"), 200
    ),
}  # fmt: skip
"""The words of each service for what it refuses, with the usual HTTP status of each."""

TOKEN_STATUSES: Final[dict[str, int]] = {
    "invalid_grant": 400, "invalid_client": 401, "invalid_request": 400, "invalid_scope": 400,
    "unauthorized_client": 400, "unsupported_grant_type": 400, "server_error": 500,
    "temporarily_unavailable": 503,
}  # fmt: skip
"""The words of the token services (RFC 6749 5.2 and 4.1.2.1)."""

_USUAL: Final[dict[str, dict[int, str]]] = {
    "fcm": {
        400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "SENDER_ID_MISMATCH", 404: "UNREGISTERED",
        429: "QUOTA_EXCEEDED", 500: "INTERNAL", 503: "UNAVAILABLE",
    },
    "webpush": {
        400: "110", 401: "109", 403: "109", 404: "102", 410: "106", 413: "104", 429: "201", 500: "999",
        502: "902", 503: "201",
    },
    "adm": {
        400: "InvalidRegistrationId", 401: "AccessTokenExpired", 413: "MessageTooLarge",
        429: "MaxRateExceeded", 500: "InternalServerError", 503: "ServiceUnavailable",
    },
    "hms": {400: "80100003", 401: "80200001", 500: "81000001", 503: "81000001"},
    "baidu": {400: "30602", 403: "30603", 404: "30608", 408: "30606", 500: "30600"},
    "mpns": {401: "Unauthorized", 404: "Expired", 406: "Throttled", 412: "Inactive"},
    "xiaomi": {500: "10001", 503: "10002"},
}  # fmt: skip
_USUAL_OF_TOKENS: Final = {400: "invalid_grant", 401: "invalid_client", 503: "temporarily_unavailable"}


def status_of(service: str, call: str, reason: str) -> int | None:
    """The usual status for a reason; None when the service has no such reason."""
    return (TOKEN_STATUSES if call == "token" else STATUSES.get(service, {})).get(reason)


def reason_of(service: str, call: str, status: int) -> str:
    """The usual reason for a status, "" when there is none."""
    return (_USUAL_OF_TOKENS if call == "token" else _USUAL.get(service, {})).get(status, "")
