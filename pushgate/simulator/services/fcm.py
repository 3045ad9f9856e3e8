"""Firebase Cloud Messaging, HTTP v1, with Google's token endpoint for service accounts.

From "Method: projects.messages.send" and "ErrorCode" of the FCM reference, "Using OAuth 2.0 for Server to
Server Applications", and answers of the real service as the issues of firebase-admin show them.
"""

import re
from typing import Any, Final
from urllib.parse import parse_qs, unquote
from uuid import uuid4

import msgspec

from pushgate.net.http.codec import Header
from pushgate.simulator.services.access_tokens import AccessTokens
from pushgate.simulator.services.fcm_message import TARGETS, FieldFault, check_message, target_of
from pushgate.simulator.services.names import STATUSES, Call
from pushgate.simulator.services.service_account import BadAssertion, ServiceAccount
from pushgate.simulator.services.service_answer import (
    Delivery,
    ServiceAnswer,
    ServiceRefusal,
    accepting,
    json_reply,
)
from pushgate.simulator.services.service_request import Route, Scripted, ServiceRequest

_JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_GOOGLE: Final = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
    405: "UNIMPLEMENTED", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL", 503: "UNAVAILABLE",
}  # fmt: skip
"""Status in the body, by HTTP's."""
_PLAIN: Final = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED", "NOT_FOUND", "METHOD_NOT_ALLOWED"})
"""Refusals by Google's front rather than by FCM: they have no FcmError."""
_MESSAGES: Final = {
    "INVALID_ARGUMENT": "The registration token is not a valid FCM registration token",
    "UNAUTHENTICATED": "Request had invalid authentication credentials. Expected OAuth 2 access token, login "
    "cookie or other valid authentication credential. See "
    "https://developers.google.com/identity/sign-in/web/devconsole-project.",
    "THIRD_PARTY_AUTH_ERROR": "Auth error from APNS or Web Push Service",
    "APNS_AUTH_ERROR": "Auth error from APNS or Web Push Service",
    "SENDER_ID_MISMATCH": "SenderId mismatch",
    "PERMISSION_DENIED": "Permission 'cloudmessaging.messages.create' denied on resource "
    "'//cloudresourcemanager.googleapis.com/projects' (or it may not exist).",
    "UNREGISTERED": "Requested entity was not found.",
    "NOT_FOUND": "Requested entity was not found.",
    "QUOTA_EXCEEDED": "Quota exceeded for quota metric 'Messages sent' and limit 'Messages sent per minute'.",
    "INTERNAL": "Internal error encountered.",
    "UNAVAILABLE": "The service is currently unavailable.",
}
_FCM_ERROR: Final = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
_BAD_REQUEST: Final = "type.googleapis.com/google.rpc.BadRequest"
_ERROR_INFO: Final = "type.googleapis.com/google.rpc.ErrorInfo"
_SUBSCRIPTION: Final = r"/v1/projects/(?P<project>[^/]+)/registrations/(?P<handle>[^/]+)/topicSubscriptions"
_TOPIC: Final = re.compile(r"[a-zA-Z0-9-_.~%]{1,900}")


class Fcm:
    """The service.

    :ivar topics: the handles that are subscribed to each topic.
    """

    name: Final = "fcm"
    hosts = ("fcm.googleapis.com", "oauth2.googleapis.com", "accounts.google.com")

    def __init__(self, account: ServiceAccount, tokens: AccessTokens) -> None:
        self._account, self._tokens = account, tokens
        self.topics: dict[str, set[str]] = {}
        send = re.compile(r"/v1/projects/(?P<project>[^/]+)/messages:send")
        one = re.compile(_SUBSCRIPTION + r"/(?P<topic>[^/]+)")
        self.routes = (
            Route("push", send, self._send, _handles_of),
            Route("token", re.compile(r"/token|/o/oauth2/token"), self._token),
            Route("topic", re.compile(_SUBSCRIPTION), self._subscribe, lambda _, f: [unquote(f["handle"])]),
            Route("topic", one, self._unsubscribe, lambda _, f: [unquote(f["handle"])], ("DELETE",)),
        )

    def refusal(self, call: Call, scripted: Scripted) -> ServiceAnswer:
        if call == "token":
            return _oauth_error(scripted.status, scripted.reason, scripted.message or "As scripted")
        fault = None
        if scripted.field is not None:
            fault = FieldFault(scripted.field, scripted.message or _words(scripted.reason))
        return error(scripted.reason, scripted.status, scripted.message, fault)

    def _token(self, request: ServiceRequest, _: dict[str, str]) -> ServiceAnswer:
        form = request.form
        if form.get("grant_type") != _JWT_BEARER:
            text = f"Invalid grant_type: {form.get('grant_type', '')}"
            return _oauth_error(400, "unsupported_grant_type", text)
        try:
            audience = f"https://{request.host}{request.path}"
            self._account.check(form.get("assertion", ""), audience, request.now)
        except BadAssertion as bad:
            return _oauth_error(400, bad.error, bad.description)
        token = self._tokens.issue(request.now, "ya29")
        told = {"access_token": token, "expires_in": round(self._tokens.lifetime), "token_type": "Bearer"}
        return json_reply(200, told)

    def _check_caller(self, request: ServiceRequest, found: dict[str, str]) -> None:
        """Raise `ServiceRefusal` unless it is known who asks, and the project is theirs."""
        verdict = self._tokens.check(request.bearer, request.now)
        if verdict != "good":
            missing = request.header("authorization") is None
            why = "ACCESS_TOKEN_EXPIRED" if verdict == "expired" else "ACCESS_TOKEN_TYPE_UNSUPPORTED"
            info = {
                "@type": _ERROR_INFO,
                "reason": "CREDENTIALS_MISSING" if missing else why,
                "domain": "googleapis.com",
                "metadata": {
                    "service": "fcm.googleapis.com",
                    "method": "google.firebase.fcm.v1.FcmService.SendMessage",
                },
            }
            raise ServiceRefusal(
                _error(401, "UNAUTHENTICATED", _words("UNAUTHENTICATED"), [info], _CHALLENGE)
            )
        if unquote(found["project"]) != self._account.project:
            raise ServiceRefusal(error("PERMISSION_DENIED"))

    def _send(self, request: ServiceRequest, found: dict[str, str]) -> ServiceAnswer:
        self._check_caller(request, found)
        try:
            message, only_validate = check_message(request.json)
        except FieldFault as fault:
            raise ServiceRefusal(error("INVALID_ARGUMENT", message=fault.text, fault=fault)) from None
        kind, handle = target_of(message)
        if kind in {"token", "fid"} and request.is_dead(handle):
            raise ServiceRefusal(error("UNREGISTERED"))
        parent = f"projects/{self._account.project}/messages"
        if only_validate:
            return json_reply(200, {"name": f"{parent}/fake_message_id"})
        name = f"{parent}/0:{int(request.now * 1e6)}%{uuid4().hex[:16]}"
        payload = msgspec.json.encode({key: value for key, value in message.items() if key not in TARGETS})
        delivery = Delivery(
            service=self.name, handle=handle, payload=payload, id=name, headers={"target": kind}
        )
        return accepting(json_reply(200, {"name": name}), delivery)

    def _subscribe(self, request: ServiceRequest, found: dict[str, str]) -> ServiceAnswer:
        self._check_caller(request, found)
        topic = parse_qs(request.query).get("topic_name", [""])[0].removeprefix("/topics/")
        if _TOPIC.fullmatch(topic) is None:
            raise ServiceRefusal(error("INVALID_ARGUMENT", message="Invalid topic name."))
        handle = self._living(request, found)
        self.topics.setdefault(topic, set()).add(handle)
        return json_reply(200, {"name": f"{request.path.removeprefix('/v1/')}/{topic}"})

    def _unsubscribe(self, request: ServiceRequest, found: dict[str, str]) -> ServiceAnswer:
        self._check_caller(request, found)
        handle, topic = self._living(request, found), unquote(found["topic"])
        members = self.topics.get(topic, set())
        missing_is_fine = parse_qs(request.query).get("allow_missing") == ["true"]
        if handle not in members and not missing_is_fine:
            raise ServiceRefusal(error("NOT_FOUND"))
        members.discard(handle)
        return json_reply(200, {})

    def _living(self, request: ServiceRequest, found: dict[str, str]) -> str:
        """The handle of a subscription; raise `ServiceRefusal` when it is dead."""
        handle = unquote(found["handle"])
        if request.is_dead(handle):
            raise ServiceRefusal(error("NOT_FOUND"))
        return handle


_CHALLENGE: Header = (
    b"www-authenticate",
    b'Bearer realm="https://accounts.google.com/", error="invalid_token"',
)


def error(
    reason: str, status: int | None = None, message: str | None = None, fault: FieldFault | None = None
) -> ServiceAnswer:
    """A refusal in Google's form.

    Without `fault` an ``INVALID_ARGUMENT`` is that of a bad registration token as it is answered today: its
    text alone says so. Older answers name the field ``message.token``.
    """
    status = status or STATUSES["fcm"].get(reason, 400)
    details: list[dict[str, Any]] = []
    if reason and reason not in _PLAIN:
        details.append({"@type": _FCM_ERROR, "errorCode": reason})
    if fault is not None:
        shown = {"field": fault.field, "description": fault.text}
        details.append({"@type": _BAD_REQUEST, "fieldViolations": [shown]})
    text = message or (fault.text if fault is not None else _words(reason))
    return _error(status, reason, text, details, *([_CHALLENGE] if reason == "UNAUTHENTICATED" else []))


def _error(
    status: int, reason: str, text: str, details: list[dict[str, Any]], *headers: Header
) -> ServiceAnswer:
    fields: dict[str, Any] = {"code": status, "message": text, "status": _GOOGLE.get(status, "UNKNOWN")}
    if details:
        fields["details"] = details
    return json_reply(status, {"error": fields}, *headers, reason=reason)


def _words(reason: str) -> str:
    return _MESSAGES.get(reason, "Unknown error.")


def _oauth_error(status: int, name: str, description: str) -> ServiceAnswer:
    return json_reply(status, {"error": name, "error_description": description}, reason=name)


def _handles_of(request: ServiceRequest, _: dict[str, str]) -> list[str]:
    """The target of a message that need not be good."""
    message = request.json.get("message") if isinstance(request.json, dict) else None
    if not isinstance(message, dict):
        return []
    return [message[kind] for kind in TARGETS if isinstance(message.get(kind), str)]
