"""Version 3 of Huawei's Push Kit, for HarmonyOS.

From "Push Kit, REST API, Scenario-specific Messages". Not verified: what is answered to a token of the
request or a push type that is wrong, and the reason of a dead push token.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from pushgate.simulator.services.harmony_account import BadToken, HarmonyAccount
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
from pushgate.simulator.services.service_answer import (
    Delivery,
    ServiceAnswer,
    ServiceRefusal,
    accepting,
    new_id,
)
from pushgate.simulator.services.service_request import Route, ServiceRequest

PUSH_TYPES: Final = frozenset({"0", "1", "2", "6", "7", "10"})
_ALERT: Final = "0"
_LONGEST: Final = 1_296_000
"""Seconds of a ttl at most."""


class HarmonyPush:
    """The call.

    :ivar route: where it is.
    """

    def __init__(self, account: HarmonyAccount) -> None:
        self._account = account
        send = re.compile("/v3/(?P<project>[^/]+)/messages:send")
        self.route = Route("push", send, self._push, _tokens_of, many=True)

    def _push(self, request: ServiceRequest, found: Mapping[str, str]) -> ServiceAnswer:
        try:
            self._account.check(request.bearer, request.now)
        except BadToken as bad:
            raise ServiceRefusal(reply(bad.code)) from None
        if found["project"] != self._account.project:
            raise ServiceRefusal(reply("80300002"))
        push_type = request.header("push-type")
        if push_type not in PUSH_TYPES:
            raise ServiceRefusal(reply("80100001", "Illegal push-type"))
        body, tokens = _checked(request.json, push_type)
        dead = [token for token in tokens if request.is_dead(token)]
        refused = {"illegalTokens": {"tokenFormatError": dead}}
        if len(dead) == len(tokens):
            raise ServiceRefusal(partly(NONE_VALID, len(tokens), dead, refused))
        answer = partly(PARTIAL, len(tokens), dead, refused) if dead else reply(SUCCESS)
        return accepting(answer, *_deliveries(body, [each for each in tokens if each not in dead], push_type))


def _deliveries(body: dict[str, Any], tokens: list[str], push_type: str) -> list[Delivery]:
    name, payload = new_id(), msgspec.json.encode(_without_target(body))
    return [
        Delivery(
            service="hms",
            handle=token,
            payload=payload,
            id=f"{name}:{index}",
            headers={"push-type": push_type},
        )
        for index, token in enumerate(tokens)
    ]


def _checked(body: Any, push_type: str) -> tuple[dict[str, Any], list[str]]:
    """The body of a request and its tokens; raise `ServiceRefusal`."""
    payload = body.get("payload") if isinstance(body, dict) else None
    if not isinstance(payload, dict):
        raise ServiceRefusal(reply("80100003", "Illegal payload"))
    if push_type == _ALERT and not isinstance(payload.get("notification"), dict):
        raise ServiceRefusal(reply("80100003", "Illegal payload, notification is missing"))
    target, options = body.get("target"), body.get("pushOptions", {})
    tokens = target.get("token") if isinstance(target, dict) else None
    if not are_tokens(tokens):
        raise ServiceRefusal(reply("80100001"))
    if len(tokens) > MOST_TOKENS:
        raise ServiceRefusal(reply("80300010"))
    if not isinstance(options, dict) or not _is_span(options.get("ttl", 1)):
        raise ServiceRefusal(reply("80100001", "Illegal pushOptions"))
    if len(msgspec.json.encode(_without_target(body))) > LARGEST:
        raise ServiceRefusal(reply("80300008"))
    return body, tokens


def _is_span(ttl: Any) -> bool:
    return isinstance(ttl, int) and not isinstance(ttl, bool) and 0 < ttl <= _LONGEST


def _without_target(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != "target"}


def _tokens_of(request: ServiceRequest, _: Mapping[str, str]) -> list[str]:
    """The tokens of a message that need not be good."""
    target = request.json.get("target") if isinstance(request.json, dict) else None
    return texts_in(target.get("token")) if isinstance(target, dict) else []
