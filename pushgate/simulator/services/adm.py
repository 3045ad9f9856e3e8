"""Amazon Device Messaging, with Amazon's token endpoint. From "Send a Message via ADM" of its pages."""

import re
from base64 import b64encode
from hashlib import md5
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from pushgate.net.http.codec import Header
from pushgate.simulator.services.access_tokens import AccessTokens
from pushgate.simulator.services.client_credentials import AppCredentials, TokenEndpoint, oauth_error
from pushgate.simulator.services.names import STATUSES, Call
from pushgate.simulator.services.service_answer import (
    Delivery,
    ServiceAnswer,
    ServiceRefusal,
    accepting,
    json_reply,
    new_id,
)
from pushgate.simulator.services.service_request import Route, Scripted, ServiceRequest, in_path

_LARGEST: Final = 6144
_LONGEST_KEY: Final = 64
_EXPIRATIONS: Final = range(60, 2_678_401)
_REQUIRED: Final = {
    "x-amzn-type-version": "com.amazon.device.messaging.ADMMessage@1.0",
    "x-amzn-accept-type": "com.amazon.device.messaging.ADMSendResult@1.0",
}


class Adm:
    """The service.

    :ivar replaced: handles that have others now: the answer to a push names those.
    """

    name: Final = "adm"
    hosts = ("api.amazon.com",)

    def __init__(self, app: AppCredentials, tokens: AccessTokens) -> None:
        self._tokens = tokens
        self.replaced: dict[str, str] = {}
        send = re.compile("/messaging/registrations/(?P<handle>[^/]+)/messages")
        endpoint = TokenEndpoint(app, tokens, "messaging:push", 401)
        self.routes = (
            Route("push", send, self._push, in_path()),
            Route("token", re.compile("/auth/O2/token"), endpoint.answer),
        )

    def refusal(self, call: Call, scripted: Scripted) -> ServiceAnswer:
        if call == "token":
            return oauth_error(scripted.status, scripted.reason, scripted.message or "As scripted")
        return error(scripted.reason, scripted.status)

    def _push(self, request: ServiceRequest, found: dict[str, str]) -> ServiceAnswer:
        if self._tokens.check(request.bearer, request.now) != "good":
            raise ServiceRefusal(error("AccessTokenExpired"))
        for name, value in _REQUIRED.items():
            if request.header(name) != value:
                raise ServiceRefusal(error("InvalidType"))
        message, handle = _checked(request), unquote(found["handle"])
        if request.is_dead(handle):
            raise ServiceRefusal(error("Unregistered"))
        name = new_id()
        canonical = self.replaced.get(handle, handle)
        answer = json_reply(200, {"registrationID": canonical}, (b"x-amzn-requestid", name.encode()))
        delivery = Delivery(
            service=self.name,
            handle=handle,
            payload=msgspec.json.encode(message["data"]),
            id=name,
            headers={key: str(value) for key, value in message.items() if key != "data"},
        )
        return accepting(answer, delivery)


def checksum(data: dict[str, str]) -> str:
    """The MD5 of data, as ADM wants it."""
    text = ",".join(f"{key}:{data[key]}" for key in sorted(data, key=lambda each: each.encode()))
    return b64encode(md5(text.encode(), usedforsecurity=False).digest()).decode()


def error(reason: str, status: int | None = None) -> ServiceAnswer:
    """A refusal in Amazon's form."""
    status = status or STATUSES["adm"].get(reason, 400)
    headers: tuple[Header, ...] = ((b"x-amzn-requestid", new_id().encode()),)
    if status == 401:
        headers += ((b"www-authenticate", b'Bearer error="invalid_token"'),)
    return json_reply(status, {"reason": reason}, *headers, reason=reason or str(status))


def _checked(request: ServiceRequest) -> dict[str, Any]:
    """The message of a request; raise `ServiceRefusal`."""
    message = request.json
    if not isinstance(message, dict) or request.media_type != "application/json":
        raise ServiceRefusal(error("InvalidData"))
    data = message.get("data")
    if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
        raise ServiceRefusal(error("InvalidData"))
    if sum(len(key.encode()) + len(value.encode()) for key, value in data.items()) > _LARGEST:
        raise ServiceRefusal(error("MessageTooLarge"))
    key = message.get("consolidationKey", "")
    if not isinstance(key, str) or len(key) > _LONGEST_KEY:
        raise ServiceRefusal(error("InvalidConsolidationKey"))
    expires = message.get("expiresAfter", 604_800)
    if not isinstance(expires, int) or isinstance(expires, bool) or expires not in _EXPIRATIONS:
        raise ServiceRefusal(error("InvalidExpiration"))
    if "md5" in message and message["md5"] != checksum(data):
        raise ServiceRefusal(error("InvalidChecksum"))
    return message
