"""Web Push (RFC 8030, 8291, 8292), with errors in the form of Mozilla's autopush.

What autopush has no code for: an urgency that is none, which is 111 here, and a body that the browser could
not decrypt, which is 110; the real service cannot look into it.
"""

import re
from typing import Final
from urllib.parse import unquote

from pushgate.simulator.services.aes128gcm import Undecipherable, decrypt
from pushgate.simulator.services.names import STATUSES, Call
from pushgate.simulator.services.service_answer import (
    Delivery,
    ServiceAnswer,
    ServiceRefusal,
    json_reply,
    new_id,
)
from pushgate.simulator.services.service_request import Route, Scripted, ServiceRequest, in_path
from pushgate.simulator.services.subscriptions import PATH, Subscription, Subscriptions
from pushgate.simulator.services.vapid import BadVapid, check_vapid

_LARGEST: Final = 4096
_LONGEST_TTL: Final = 2_592_000
_TOPIC: Final = re.compile(r"[A-Za-z0-9_=-]{1,32}")
_TTL: Final = re.compile(r"\d{1,12}")
_URGENCIES: Final = frozenset({"very-low", "low", "normal", "high"})
_TITLES: Final = {
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    410: "Gone", 413: "Payload Too Large", 429: "Too Many Requests", 500: "Internal Server Error",
    502: "Bad Gateway", 503: "Service Unavailable",
}  # fmt: skip
_MESSAGES: Final = {
    "101": "Missing necessary crypto keys.", "102": "Invalid URL endpoint.", "103": "Expired URL endpoint.",
    "104": "Data payload too large.", "105": "Endpoint became unavailable during request.",
    "106": "Invalid subscription.", "108": "Router type is invalid.", "109": "Invalid authentication.",
    "110": "Invalid crypto keys specified.", "111": "Missing required header.",
    "112": "Invalid TTL header value.", "113": "Invalid Topic header value.",
    "201": "Use exponential back-off for retries.", "202": "Immediate retry ok.",
    "999": "Unknown error.",
}  # fmt: skip
_MORE: Final = "http://autopush.readthedocs.io/en/latest/http.html#error-codes"


class WebPush:
    """The service."""

    name: Final = "webpush"
    hosts = ("updates.push.services.mozilla.com",)

    def __init__(self) -> None:
        self.subscriptions = Subscriptions()
        resource = re.compile(re.escape(PATH) + "(?P<handle>[^/]+)")
        self.routes = (Route("push", resource, self._push, in_path()),)

    def refusal(self, call: Call, scripted: Scripted) -> ServiceAnswer:
        return error(scripted.reason, scripted.status, scripted.message)

    def _push(self, request: ServiceRequest, found: dict[str, str]) -> ServiceAnswer:
        handle = unquote(found["handle"])
        ttl = _check_headers(request)
        subscription = self._living(handle, request)
        _check_sender(request, subscription)
        payload = _read(request, subscription)
        name = new_id()
        delivery = Delivery(
            service=self.name,
            handle=handle,
            payload=payload,
            id=name,
            headers=request.chosen("ttl", "topic", "urgency"),
        )
        location = f"https://{request.host}/m/{name}".encode()
        headers = ((b"location", location), (b"ttl", b"%d" % ttl))
        return ServiceAnswer(status=201, headers=headers, deliveries=(delivery,))

    def _living(self, handle: str, request: ServiceRequest) -> Subscription:
        """The subscription of an endpoint; raise `ServiceRefusal`."""
        if request.is_dead(handle):
            raise ServiceRefusal(error("106"))
        subscription = self.subscriptions[handle]
        if subscription is None:
            raise ServiceRefusal(error("102"))
        return subscription


def error(errno: str, status: int | None = None, message: str | None = None) -> ServiceAnswer:
    """A refusal in the form of autopush."""
    status = status or STATUSES["webpush"][errno]
    fields = {
        "code": status,
        "errno": int(errno) if errno.isdigit() else 999,
        "error": _TITLES.get(status, "Error"),
        "message": message or _MESSAGES.get(errno, _MESSAGES["999"]),
        "more_info": _MORE,
    }
    return json_reply(status, fields, reason=errno or "999")


def _check_headers(request: ServiceRequest) -> int:
    """The TTL as it holds, all headers checked; raise `ServiceRefusal`."""
    ttl, topic = request.header("ttl"), request.header("topic")
    if ttl is None:
        raise ServiceRefusal(error("111", message="Missing required header: TTL"))
    if _TTL.fullmatch(ttl) is None:
        raise ServiceRefusal(error("112"))
    if topic is not None and _TOPIC.fullmatch(topic) is None:
        raise ServiceRefusal(error("113"))
    if request.header("urgency") not in {None, *_URGENCIES}:
        raise ServiceRefusal(error("111", message="Invalid Urgency header value."))
    if len(request.body) > _LARGEST:
        raise ServiceRefusal(error("104"))
    return min(int(ttl), _LONGEST_TTL)


def _check_sender(request: ServiceRequest, subscription: Subscription) -> None:
    """Bind a subscription to the first key that pushes to it; raise `ServiceRefusal` for another."""
    try:
        origin = f"https://{request.host.removesuffix(':443')}"
        key = check_vapid(request.header("authorization"), origin, request.now)
    except BadVapid as bad:
        raise ServiceRefusal(error("109", message=f"Invalid authentication: {bad}")) from None
    if subscription.key is None:
        subscription.key = key
    elif subscription.key != key:
        text = "VAPID public key mismatch: the subscription is for another applicationServerKey"
        raise ServiceRefusal(error("109", 403, text))


def _read(request: ServiceRequest, subscription: Subscription) -> bytes:
    """The plaintext of a message; raise `ServiceRefusal`."""
    if not request.body:
        return b""
    encoding = request.header("content-encoding")
    if encoding != "aes128gcm":
        raise ServiceRefusal(error("101", message="Content-Encoding must be aes128gcm"))
    try:
        return decrypt(request.body, subscription.private, subscription.auth)
    except Undecipherable as bad:
        raise ServiceRefusal(error("110", message=f"Invalid crypto keys specified: {bad}")) from None
