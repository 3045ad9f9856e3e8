"""Baidu Cloud Push, REST 3.0: a push to one device, signed with the app's secret.

From Baidu's documentation of the interface and its SDKs. Which HTTP status comes with which code, and the
ten minutes for which a time is good, are not documented in what could be read.
"""

import re
from hashlib import md5
from typing import Final
from urllib.parse import quote_plus

import msgspec

from pushgate.simulator.services.client_credentials import AppCredentials
from pushgate.simulator.services.names import STATUSES, Call
from pushgate.simulator.services.service_answer import (
    Delivery,
    ServiceAnswer,
    ServiceRefusal,
    accepting,
    json_reply,
)
from pushgate.simulator.services.service_request import Route, Scripted, ServiceRequest

_PATH: Final = "/rest/3.0/push/single_device"
_LARGEST: Final = 4096
_CLOCK: Final = 600
"""Seconds that a time may be off."""
_LONGEST_EXPIRATION: Final = 604_800
_MESSAGES: Final = {
    "30600": "Internal Server Error", "30601": "Method Not Allowed", "30602": "Request Params Not Valid",
    "30603": "Authentication Failed", "30604": "Quota Use Up Payment Required",
    "30605": "Data Required Not Found",
    "30606": "Request Time Expires Timeout", "30607": "Channel Token Timeout",
    "30608": "Bind Relation Not Found", "30609": "Bind Number Too Many", "30610": "Duplicate Operation",
    "30611": "Group Not Found", "30612": "Application Forbidden", "30613": "Application Need Init",
    "30699": "Requests are too frequent",
}  # fmt: skip


class Baidu:
    """The service."""

    name: Final = "baidu"
    hosts = ("api.tuisong.baidu.com", "channel.api.duapp.com")

    def __init__(self, app: AppCredentials) -> None:
        self._app = app
        self.routes = (Route("push", re.compile(re.escape(_PATH)), self._push, _handles_of),)

    def refusal(self, call: Call, scripted: Scripted) -> ServiceAnswer:
        return error(scripted.reason, scripted.status, scripted.message)

    def _push(self, request: ServiceRequest, _: dict[str, str]) -> ServiceAnswer:
        form = request.form
        if request.media_type != "application/x-www-form-urlencoded":
            raise ServiceRefusal(error("30602", message="Content-Type must be a form"))
        self._check_signature(request)
        _check_time(form, request.now)
        _check_message(form)
        handle = form["channel_id"]
        if request.is_dead(handle):
            raise ServiceRefusal(error("30608"))
        number = str(int(request.now * 1e6))
        told = {
            "request_id": int(number),
            "response_params": {"msg_id": number, "send_time": int(request.now)},
        }
        chosen = ("msg_type", "msg_expires", "device_type", "deploy_status")
        delivery = Delivery(
            service=self.name,
            handle=handle,
            payload=form["msg"].encode(),
            id=number,
            headers={name: form[name] for name in chosen if name in form},
        )
        return accepting(json_reply(200, told), delivery)

    def _check_signature(self, request: ServiceRequest) -> None:
        """Raise `ServiceRefusal` unless the app's secret has signed; by either scheme, as TLS is added."""
        form = request.form
        if form.get("apikey") != self._app.client_id or "sign" not in form:
            raise ServiceRefusal(error("30603"))
        fields = {name: value for name, value in form.items() if name != "sign"}
        urls = (f"{scheme}://{request.host}{request.path}" for scheme in ("https", "http"))
        good = {sign(request.method, url, fields, self._app.client_secret) for url in urls}
        if form["sign"].lower() not in good:
            raise ServiceRefusal(error("30603"))


def sign(method: str, url: str, fields: dict[str, str], secret: str) -> str:
    """The signature of a request: MD5 of method, URL, sorted fields and secret, encoded as PHP does."""
    joined = "".join(f"{name}={fields[name]}" for name in sorted(fields))
    text = quote_plus(f"{method}{url}{joined}{secret}").replace("~", "%7E")
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def error(code: str, status: int | None = None, message: str | None = None) -> ServiceAnswer:
    """A refusal in Baidu's form."""
    status = status or STATUSES["baidu"].get(code, 400)
    fields = {
        "request_id": 1,
        "error_code": int(code) if code.isdigit() else 30600,
        "error_msg": message or _MESSAGES.get(code, "As scripted"),
    }
    return json_reply(status, fields, reason=code or "30600")


def _check_time(form: dict[str, str], now: float) -> None:
    written, until = form.get("timestamp", ""), form.get("expires")
    if not written.isdigit():
        raise ServiceRefusal(error("30602", message="timestamp is required"))
    late = now > int(until) if until is not None and until.isdigit() else abs(now - int(written)) > _CLOCK
    if late:
        raise ServiceRefusal(error("30606"))


def _check_message(form: dict[str, str]) -> None:
    expires = form.get("msg_expires", "0")
    good = (
        form.get("channel_id")
        and form.get("msg_type", "0") in {"0", "1"}
        and form.get("device_type", "3") in {"3", "4"}
        and form.get("deploy_status", "1") in {"1", "2"}
        and expires.isdigit()
        and int(expires) <= _LONGEST_EXPIRATION
    )
    content = form.get("msg", "")
    if not good or not content or len(content.encode()) > _LARGEST:
        raise ServiceRefusal(error("30602"))
    if form.get("msg_type") == "1" and not _is_object(content):
        raise ServiceRefusal(error("30602", message="msg must be a JSON object"))


def _is_object(text: str) -> bool:
    try:
        return isinstance(msgspec.json.decode(text), dict)
    except (msgspec.DecodeError, RecursionError):
        return False


def _handles_of(request: ServiceRequest, _: dict[str, str]) -> list[str]:
    return [request.form["channel_id"]] if "channel_id" in request.form else []
