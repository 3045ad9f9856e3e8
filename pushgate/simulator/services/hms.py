"""Huawei's Push Kit: version 1 for Android with Huawei's token endpoint, and version 3 for HarmonyOS.

From "Sending Messages (Push Kit, REST API)".
"""

import re
from typing import Any, Final

import msgspec

from pushgate.simulator.services.access_tokens import AccessTokens
from pushgate.simulator.services.client_credentials import AppCredentials, TokenEndpoint, oauth_error
from pushgate.simulator.services.harmony import HarmonyPush
from pushgate.simulator.services.hms_answers import (
    LARGEST,
    MOST_TOKENS,
    NONE_VALID,
    PARTIAL,
    SUCCESS,
    are_tokens,
    partly,
    reply,
    texts_in,
)
from pushgate.simulator.services.names import Call
from pushgate.simulator.services.service_answer import (
    Delivery,
    ServiceAnswer,
    ServiceRefusal,
    accepting,
    new_id,
)
from pushgate.simulator.services.service_request import Route, Scripted, ServiceRequest


class Hms:
    """The service."""

    name: Final = "hms"
    hosts = ("push-api.cloud.huawei.com", "oauth-login.cloud.huawei.com")

    def __init__(self, app: AppCredentials, tokens: AccessTokens, harmony: HarmonyPush) -> None:
        self._app, self._tokens = app, tokens
        send = re.compile("/v1/(?P<client>[^/]+)/messages:send")
        endpoint = TokenEndpoint(app, tokens, None, token_type="Bearer")  # noqa: S106 - a word
        self.routes = (
            Route("push", send, self._push, _tokens_of, many=True),
            harmony.route,
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
            raise ServiceRefusal(reply(NONE_VALID))
        name = new_id()
        answer = reply(SUCCESS) if not dead else partly(PARTIAL, len(tokens), dead, {"illegal_tokens": dead})
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


def _checked(request: ServiceRequest) -> tuple[dict[str, Any], list[str]]:
    """The body of a request and its tokens; raise `ServiceRefusal`."""
    body = request.json
    message = body.get("message") if isinstance(body, dict) else None
    if not isinstance(message, dict):
        raise ServiceRefusal(reply("80100003"))
    tokens = message.get("token")
    if not are_tokens(tokens):
        raise ServiceRefusal(reply("80100001"))
    if len(tokens) > MOST_TOKENS:
        raise ServiceRefusal(reply("80300010"))
    data = message.get("data", "")
    if not isinstance(data, str) or not ({"data", "notification", "android"} & message.keys()):
        raise ServiceRefusal(reply("80100003"))
    rest = {key: value for key, value in message.items() if key != "token"}
    if len(msgspec.json.encode(rest)) > LARGEST:
        raise ServiceRefusal(reply("80300008"))
    return body, tokens


def _tokens_of(request: ServiceRequest, _: dict[str, str]) -> list[str]:
    """The tokens of a message that need not be good."""
    message = request.json.get("message") if isinstance(request.json, dict) else None
    return texts_in(message.get("token")) if isinstance(message, dict) else []
