"""Xiaomi's Mi Push: a push to registration ids. From "Server API" of its documentation, codes from its SDK.

A failure is 200 as well: the code in the body tells.
"""

import re
from typing import Final
from urllib.parse import unquote

import msgspec

from pushgate.simulator.services.client_credentials import AppCredentials
from pushgate.simulator.services.names import Call
from pushgate.simulator.services.service_answer import (
    Delivery,
    ServiceAnswer,
    ServiceRefusal,
    json_reply,
    new_id,
)
from pushgate.simulator.services.service_request import Route, Scripted, ServiceRequest

_LARGEST: Final = 4096
_MOST: Final = 1000
_LONGEST_TITLE: Final = 50
_LONGEST_DESCRIPTION: Final = 128
_REASONS: Final = {
    "10001": "System error", "10002": "Service paused", "10016": "Missing required parameter",
    "10017": "Parameter value is not valid", "20301": "No valid targets!",
    "21301": "Invalid application credentials.", "22022": "The app is not approved",
    "66108": "The message is too large", "200001": "Requests are too frequent",
}  # fmt: skip
_RECORDED: Final = ("title", "description", "pass_through", "notify_type", "time_to_live", "notify_id",
                    "restricted_package_name")  # fmt: skip


class Xiaomi:
    """The service."""

    name: Final = "xiaomi"
    hosts = ("api.xmpush.xiaomi.com", ".xmpush.global.xiaomi.com")

    def __init__(self, app: AppCredentials) -> None:
        self._app = app
        path = re.compile("/v[23]/message/regid")
        self.routes = (Route("push", path, self._push, _handles_of, many=True),)

    def refusal(self, call: Call, scripted: Scripted) -> ServiceAnswer:
        return error(scripted.reason, scripted.message, scripted.status)

    def _push(self, request: ServiceRequest, _: dict[str, str]) -> ServiceAnswer:
        if request.header("authorization") != f"key={self._app.client_secret}":
            raise ServiceRefusal(error("21301"))
        form, handles = request.form, _handles_of(request, {})
        _check(form, handles)
        living = [each for each in handles if not request.is_dead(each)]
        if not living:
            raise ServiceRefusal(error("20301"))
        name = f"s{new_id().replace('-', '')[:20]}"
        fields = {"id": name}
        if len(living) < len(handles):
            fields["bad_regids"] = ",".join(each for each in handles if each not in living)
        answer = _reply({"result": "ok", "description": "Success", "data": fields, "code": 0})
        headers: dict[str, str] = {each: form[each] for each in _RECORDED if each in form}
        payload = unquote(form.get("payload", "")).encode()
        deliveries = (
            Delivery(service=self.name, handle=each, payload=payload, id=name, headers=headers)
            for each in living
        )
        refused = len(handles) - len(living)
        reason = "bad_regids" if refused else ""
        return msgspec.structs.replace(answer, deliveries=tuple(deliveries), refused=refused, reason=reason)


def error(code: str, message: str | None = None, status: int = 200) -> ServiceAnswer:
    """A refusal in Xiaomi's form."""
    text = message or _REASONS.get(code, "As scripted")
    fields = {
        "result": "error",
        "reason": text,
        "code": int(code) if code.isdigit() else 10001,
        "description": "Sending the message failed",
        "info": "",
    }
    return _reply(fields, status, code or str(status))


def _reply(fields: dict[str, object], status: int = 200, reason: str = "") -> ServiceAnswer:
    return json_reply(status, {**fields, "trace_id": f"X{new_id().replace('-', '')[:18]}"}, reason=reason)


def _check(form: dict[str, str], handles: list[str]) -> None:
    """Raise `ServiceRefusal` for what is no message."""
    through = form.get("pass_through", "0")
    needed = ["restricted_package_name", *(["payload"] if through == "1" else ["title", "description"])]
    if not handles or not all(form.get(name) for name in needed):
        raise ServiceRefusal(error("10016"))
    if len(form.get("payload", "").encode()) > _LARGEST:
        raise ServiceRefusal(error("66108"))
    good = (
        through in {"0", "1"}
        and len(handles) <= _MOST
        and len(form.get("title", "")) <= _LONGEST_TITLE
        and len(form.get("description", "")) <= _LONGEST_DESCRIPTION
        and form.get("time_to_live", "0").isdigit()
        and form.get("notify_type", "-1").removeprefix("-").isdigit()
    )
    if not good:
        raise ServiceRefusal(error("10017"))


def _handles_of(request: ServiceRequest, _: dict[str, str]) -> list[str]:
    return [each for each in request.form.get("registration_id", "").split(",") if each]
