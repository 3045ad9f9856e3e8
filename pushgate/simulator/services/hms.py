"""Huawei's Push Kit, the interface of its first two versions, with Huawei's token endpoint.

From "Sending Messages (Push Kit, REST API)". A failure is 200 as well: the code in the body tells.
"""

import re
from typing import Any, Final

import msgspec

from pushgate.simulator.services.access_tokens import AccessTokens
from pushgate.simulator.services.client_credentials import AppCredentials, TokenEndpoint, oauth_error
from pushgate.simulator.services.names import Call
from pushgate.simulator.services.service_answer import (
    Delivery,
    ServiceAnswer,
    ServiceRefusal,
    accepting,
    json_reply,
    new_id,
)
from pushgate.simulator.services.service_request import Route, Scripted, ServiceRequest

SUCCESS: Final = "80000000"
PARTIAL: Final = "80100000"
_LARGEST: Final = 4096
_MOST: Final = 1000
_MESSAGES: Final = {
    SUCCESS: "Success",
    "80100001": "Some request parameters are incorrect",
    "80100003": "Incorrect message structure",
    "80100016": "The message contains sensitive information",
    "80200001": "Oauth authentication error",
    "80200003": "Oauth Token expired",
    "80300002": "The app does not have the permission to send push messages",
    "80300007": "All the tokens are invalid",
    "80300008": "The message body size exceeds the default value",
    "80300010": "The number of tokens in the message body exceeds the default value",
    "81000001": "Internal error",
}


class Hms:
    """The service."""

    name: Final = "hms"
    hosts = ("push-api.cloud.huawei.com", "oauth-login.cloud.huawei.com")

    def __init__(self, app: AppCredentials, tokens: AccessTokens) -> None:
        self._app, self._tokens = app, tokens
        send = re.compile("/v1/(?P<client>[^/]+)/messages:send")
        endpoint = TokenEndpoint(app, tokens, None, token_type="Bearer")  # noqa: S106 - a word
        self.routes = (
            Route("push", send, self._push, _tokens_of, many=True),
            Route("token", re.compile("/oauth2/v3/token"), endpoint.answer),
        )

    def refusal(self, call: Call, scripted: Scripted) -> ServiceAnswer:
        if call == "token":
            return oauth_error(scripted.status, scripted.reason, scripted.message or "As scripted")
        return reply(scripted.reason, scripted.message, scripted.status)

    def _push(self, request: ServiceRequest, found: dict[str, str]) -> ServiceAnswer:
        verdict = self._tokens.check(request.bearer, request.now)
        if verdict != "good":
            raise ServiceRefusal(reply("80200003" if verdict == "expired" else "80200001"))
        if found["client"] != self._app.client_id:
            raise ServiceRefusal(reply("80300002"))
        body, tokens = _checked(request)
        dead = [token for token in tokens if request.is_dead(token)]
        if len(dead) == len(tokens):
            raise ServiceRefusal(reply("80300007"))
        name = new_id()
        answer = reply(SUCCESS) if not dead else _partly(len(tokens), dead)
        if body.get("validate_only") is True:
            return answer
        rest = {key: value for key, value in body["message"].items() if key != "token"}
        payload = msgspec.json.encode(rest)
        deliveries = (
            Delivery(service=self.name, handle=token, payload=payload, id=f"{name}:{index}")
            for index, token in enumerate(tokens)
            if token not in dead
        )
        return accepting(answer, *deliveries)


def reply(code: str, message: str | None = None, status: int = 200) -> ServiceAnswer:
    """An answer in Huawei's form."""
    text = message or _MESSAGES.get(code, "As scripted")
    fields = {"code": code or str(status), "msg": text, "requestId": new_id().replace("-", "")}
    return json_reply(status, fields, reason="" if code == SUCCESS else code or str(status))


def _partly(count: int, dead: list[str]) -> ServiceAnswer:
    """Some tokens are refused: the text is JSON that names them."""
    told = {"success": count - len(dead), "failure": len(dead), "illegal_tokens": dead}
    answer = reply(PARTIAL, msgspec.json.encode(told).decode())
    return msgspec.structs.replace(answer, refused=len(dead))


def _checked(request: ServiceRequest) -> tuple[dict[str, Any], list[str]]:
    """The body of a request and its tokens; raise `ServiceRefusal`."""
    body = request.json
    message = body.get("message") if isinstance(body, dict) else None
    if not isinstance(message, dict):
        raise ServiceRefusal(reply("80100003"))
    tokens = message.get("token")
    if not isinstance(tokens, list) or not tokens or not all(isinstance(each, str) for each in tokens):
        raise ServiceRefusal(reply("80100001"))
    if len(tokens) > _MOST:
        raise ServiceRefusal(reply("80300010"))
    data = message.get("data", "")
    if not isinstance(data, str) or not ({"data", "notification", "android"} & message.keys()):
        raise ServiceRefusal(reply("80100003"))
    rest = {key: value for key, value in message.items() if key != "token"}
    if len(msgspec.json.encode(rest)) > _LARGEST:
        raise ServiceRefusal(reply("80300008"))
    return body, tokens


def _tokens_of(request: ServiceRequest, _: dict[str, str]) -> list[str]:
    """The tokens of a message that need not be good."""
    message = request.json.get("message") if isinstance(request.json, dict) else None
    tokens = message.get("token") if isinstance(message, dict) else None
    return [each for each in tokens if isinstance(each, str)] if isinstance(tokens, list) else []
