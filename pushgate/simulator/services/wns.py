"""Windows Push Notification Services, with both of their token endpoints.

From "Push notification service request and response headers" of Microsoft's documentation. The real channels
are below ``*.notify.windows.com``; here any host has them, at ``/wns/``.
"""

import re
from typing import Final
from urllib.parse import unquote

from pushgate.net.http.codec import Header
from pushgate.simulator.services.access_tokens import AccessTokens
from pushgate.simulator.services.client_credentials import AppCredentials, TokenEndpoint, oauth_error
from pushgate.simulator.services.names import Call
from pushgate.simulator.services.service_answer import (
    Delivery,
    ServiceAnswer,
    ServiceRefusal,
    accepting,
    new_id,
)
from pushgate.simulator.services.service_request import Route, Scripted, ServiceRequest, in_path
from pushgate.simulator.services.xml_body import BadXml, root_of

_LARGEST: Final = 5000
_LONGEST_NAME: Final = 16
_TYPES: Final = {"wns/toast": "toast", "wns/tile": "tile", "wns/badge": "badge", "wns/raw": ""}
"""What there is, with the root of its XML."""
_POLICIES: Final = frozenset({"cache", "no-cache"})
_DESCRIPTIONS: Final = {
    400: "One or more headers were specified incorrectly or conflict with another header",
    401: "The cloud service did not present a valid authentication ticket",
    403: "The cloud service is not authorized to send a notification to this channel",
    404: "The channel URI is not valid or is not recognized by WNS",
    405: "Invalid method; only POST or DELETE is allowed",
    406: "The cloud service exceeded its throttle limit",
    410: "The channel expired",
    413: "The notification payload exceeds the 5000 byte size limit",
    500: "An internal failure has caused notification delivery to fail",
    503: "The server is currently unavailable",
}
_RECORDED: Final = (
    "x-wns-type", "x-wns-ttl", "x-wns-cache-policy", "x-wns-tag", "x-wns-group", "x-wns-requestforstatus",
    "content-type",
)  # fmt: skip


class Wns:
    """The service."""

    name: Final = "wns"
    hosts = ("login.live.com", "login.microsoftonline.com", ".notify.windows.com")

    def __init__(self, app: AppCredentials, tokens: AccessTokens) -> None:
        self._tokens = tokens
        live = TokenEndpoint(app, tokens, "notify.windows.com")
        entra = TokenEndpoint(app, tokens, "https://wns.windows.com/.default", 401, "Bearer")
        self.routes = (
            Route("push", re.compile("/wns/(?P<handle>.+)"), self._push, in_path()),
            Route("token", re.compile("/accesstoken.srf"), live.answer),
            Route("token", re.compile("/[^/]+/oauth2/v2.0/token"), entra.answer),
        )

    def refusal(self, call: Call, scripted: Scripted) -> ServiceAnswer:
        if call == "token":
            return oauth_error(scripted.status, scripted.reason, scripted.message or "As scripted")
        if scripted.status == 200:
            return _ok(scripted.reason)
        return error(scripted.status, scripted.message or scripted.reason)

    def _push(self, request: ServiceRequest, found: dict[str, str]) -> ServiceAnswer:
        if self._tokens.check(request.bearer, request.now) != "good":
            raise ServiceRefusal(error(401))
        handle = unquote(found["handle"])
        if request.is_dead(handle):
            raise ServiceRefusal(error(410))
        _check_headers(request)
        if len(request.body) > _LARGEST:
            raise ServiceRefusal(error(413))
        _check_content(request)
        wants_status = (request.header("x-wns-requestforstatus") or "").lower() == "true"
        answer, name = _ok("received", wants_status), new_id()
        delivery = Delivery(
            service=self.name,
            handle=handle,
            payload=request.body,
            id=name,
            headers=request.chosen(*_RECORDED),
        )
        return accepting(answer, delivery)


def error(status: int, description: str = "") -> ServiceAnswer:
    """A refusal: what is wrong stands in a header."""
    text = description or _DESCRIPTIONS.get(status, "As scripted")
    headers: tuple[Header, ...] = ((b"x-wns-error-description", text.encode("latin-1", "replace")),)
    if status == 401:
        headers += ((b"www-authenticate", b'Bearer error="invalid_token"'),)
    return ServiceAnswer(status=status, reason=text, headers=_traces() + headers)


def _ok(word: str, wants_status: bool = False) -> ServiceAnswer:
    """Status 200, which is a success only if the word is ``received``."""
    headers: tuple[Header, ...] = ((b"x-wns-status", (word or "received").encode()),)
    if word == "dropped":
        headers += ((b"x-wns-deviceconnectionstatus", b"disconnected"),)
    elif wants_status:
        headers += ((b"x-wns-deviceconnectionstatus", b"connected"),)
    reason = "" if word in {"", "received"} else word
    return ServiceAnswer(status=200, reason=reason, headers=_traces() + headers)


def _traces() -> tuple[Header, ...]:
    """What Microsoft's support asks for."""
    name = new_id().replace("-", "").upper()
    return (
        (b"x-wns-msg-id", name[:16].encode()),
        (b"x-wns-debug-trace", b"SIMULATOR"),
        (b"ms-cv", f"{name[:16]}.0".encode()),
    )


def _check_headers(request: ServiceRequest) -> None:
    """Raise `ServiceRefusal` for what is no notification."""
    if request.header("content-length") is None:
        raise ServiceRefusal(error(400, "Content-Length is required"))
    kind = request.header("x-wns-type")
    if kind not in _TYPES:
        raise ServiceRefusal(error(400, "X-WNS-Type is missing or not valid"))
    wanted = "application/octet-stream" if kind == "wns/raw" else "text/xml"
    if request.media_type != wanted:
        raise ServiceRefusal(error(400, f"Content-Type must be {wanted}"))
    if request.header("x-wns-cache-policy") not in {None, *_POLICIES}:
        raise ServiceRefusal(error(400, "X-WNS-Cache-Policy is not valid"))
    if not (request.header("x-wns-ttl") or "0").isdigit():
        raise ServiceRefusal(error(400, "X-WNS-TTL is not valid"))
    for name in ("x-wns-tag", "x-wns-group"):
        value = request.header(name)
        if value is not None and not 1 <= len(value) <= _LONGEST_NAME:
            raise ServiceRefusal(error(400, f"{name} is not valid"))


def _check_content(request: ServiceRequest) -> None:
    root = _TYPES[request.header("x-wns-type") or ""]
    if not root:
        return
    try:
        found = root_of(request.body)
    except BadXml as bad:
        raise ServiceRefusal(error(400, f"The XML is not valid: {bad}")) from None
    if found != root:
        raise ServiceRefusal(error(400, f"The XML must be a {root}"))
