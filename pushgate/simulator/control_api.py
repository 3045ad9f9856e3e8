"""The control port: HTTP with JSON, for people with curl and for tests in any language.

=======================================  ==================================================================
``GET /``                                addresses, certificate files and this list
``GET /summary``                         all counts
``GET /received?since=N&limit=M``        accepted notifications from index N on (0), at most M (1000)
``GET /script``, ``PUT /script``         the fault script: a list of rules
``POST /feedback``                       ``[{"token": hex, "since": Unix seconds}, ...]`` onto the list
``POST /subscriptions``                  ``{"count": n, …}``: new subscriptions of Web Push
``POST /handles/replace``                ``{"handle": other, ...}``: handles of ADM that have others now
``POST /access-tokens/expire``           withdraw every access token of the services other than Apple's
``POST /reset``                          forget what was received, counts and feedback
=======================================  ==================================================================

With ``Accept: application/x-ndjson`` what was received comes one notification a line. Errors are
``{"error": code, "detail": text}``.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol
from urllib.parse import parse_qsl

import msgspec
from twisted.internet.interfaces import IReactorTime

from pushgate.model.errors import Invalid, Overloaded
from pushgate.model.notification import MAX_EXPIRATION
from pushgate.net.http.browser_guard import BrowserGuard
from pushgate.net.http.request import ServerRequest
from pushgate.net.http.responses import NDJSON, Header, HTTPResponse
from pushgate.net.http.site import HTTPSite
from pushgate.protocols.apns_binary.feedback import FeedbackTuple
from pushgate.protocols.apns_rules import MAX_TOKEN
from pushgate.simulator.accepted import Accepted
from pushgate.simulator.certificates import Certificates
from pushgate.simulator.fault_rules import BadScript, Rule, parse_rules
from pushgate.simulator.provider_keys import ThrowAwayKey
from pushgate.simulator.received_log import ReceivedLog
from pushgate.simulator.services.directory import Services
from pushgate.simulator.services.subscriptions import SubscriptionRequest

_MAX_BODY: Final = 16 << 20
_MAX_PAGE: Final = 10_000


class _Feedback(msgspec.Struct, forbid_unknown_fields=True):
    token: str
    since: int


_SUBSCRIPTIONS = msgspec.json.Decoder(SubscriptionRequest)
_REPLACED = msgspec.json.Decoder(dict[str, str])
_FEEDBACK = msgspec.json.Decoder(list[_Feedback])


class ControlledSimulator(Protocol):
    """The simulator, as the control port uses it; see `Simulator`."""

    certificates: Certificates
    provider_key: ThrowAwayKey
    received: ReceivedLog
    services: Services

    @property
    def services_url(self) -> str | None: ...
    @property
    def script(self) -> tuple[Rule, ...]: ...
    def set_script(self, rules: Sequence[Rule]) -> None: ...
    def add_feedback(self, tuples: Sequence[FeedbackTuple]) -> None: ...
    def addresses(self) -> dict[str, str]: ...
    def summary(self) -> dict[str, Any]: ...
    def forget(self) -> None: ...


class ControlRequest(msgspec.Struct, frozen=True):
    """What is asked of the control port.

    :param query: the parameters, by name.
    :param accept: the media types that are wanted, as the header has them.
    """

    query: dict[str, str]
    accept: str
    body: bytes


class ControlAPI:
    """Every path of the control port."""

    def __init__(self, simulator: ControlledSimulator) -> None:
        self._simulator = simulator
        self._answers: dict[str, dict[str, Callable[[ControlRequest], Any]]] = {
            "/": {"GET": self._about},
            "/summary": {"GET": lambda _: simulator.summary()},
            "/received": {"GET": self._received},
            "/script": {"GET": self._script, "PUT": self._set_script},
            "/feedback": {"POST": self._add_feedback},
            "/subscriptions": {"POST": self._subscribe},
            "/handles/replace": {"POST": self._replace},
            "/access-tokens/expire": {"POST": self._expire_tokens},
            "/reset": {"POST": self._reset},
        }

    def answer(self, request: ServerRequest, body: bytes) -> HTTPResponse:
        """Answer; every error as JSON too."""
        path, _, query = request.head.target.decode("ascii").partition("?")
        methods, method = self._answers.get(path), request.head.method.decode("ascii")
        if methods is None:
            return _error(404, "NOT_FOUND", f"no such path; there are {', '.join(self._answers)}")
        if method not in methods and not (method == "HEAD" and "GET" in methods):
            allowed = ", ".join(methods)
            return _error(405, "INVALID", f"method: {allowed} only", ((b"allow", allowed.encode()),))
        asked = ControlRequest(dict(parse_qsl(query)), ", ".join(request.headers(b"accept")), body)
        try:
            answer = methods["GET" if method == "HEAD" else method](asked)
        except BadScript as bad:
            return _error(400, "INVALID", str(bad), faults=list(bad.faults))
        except Overloaded as refusal:
            return _error(503, refusal.code, str(refusal))
        except Invalid as refusal:
            return _error(400, refusal.code, str(refusal))
        return answer if isinstance(answer, HTTPResponse) else _json(200, answer)

    def _about(self, _: ControlRequest) -> object:
        simulator = self._simulator
        return {
            "addresses": simulator.addresses(),
            "client_certificate": str(simulator.certificates.client),
            "trust": str(simulator.certificates.ca),
            "provider_key": {
                "file": str(simulator.provider_key.file),
                "key_id": simulator.provider_key.key_id,
                "team_id": simulator.provider_key.team_id,
            },
            "services": simulator.services.about(simulator.services_url),
            "paths": {path: list(methods) for path, methods in self._answers.items()},
        }

    def _received(self, request: ControlRequest) -> object:
        since, limit = _number(request, "since", 0), _number(request, "limit", 1000)
        received = self._simulator.received
        items = [_item(entry) for entry in received.entries(since, min(limit, _MAX_PAGE))]
        if NDJSON.decode() in request.accept:
            return HTTPResponse(200, msgspec.json.Encoder().encode_lines(items), NDJSON)
        return {"total": len(received), "next": since + len(items), "received": items}

    def _script(self, _: ControlRequest) -> object:
        rules = self._simulator.script
        return [{"act": rule.act, **rule.model_dump(mode="json", exclude_unset=True)} for rule in rules]

    def _set_script(self, request: ControlRequest) -> object:
        try:
            tables = msgspec.json.decode(request.body)
        except msgspec.DecodeError as error:
            raise BadScript([f"script: not JSON: {error}; must be an array of rules"]) from None
        self._simulator.set_script(parse_rules(tables))
        return {"rules": len(self._simulator.script)}

    def _add_feedback(self, request: ControlRequest) -> object:
        try:
            entries = _FEEDBACK.decode(request.body)
        except msgspec.DecodeError as error:
            raise Invalid("feedback", str(error), 'a list of {"token": hex, "since": Unix seconds}') from None
        tuples = [
            FeedbackTuple(_since(index, e.since), _token(index, e.token)) for index, e in enumerate(entries)
        ]
        self._simulator.add_feedback(tuples)
        return {"added": len(tuples)}

    def _subscribe(self, request: ControlRequest) -> object:
        try:
            wanted = _SUBSCRIPTIONS.decode(request.body or b"{}")
        except msgspec.DecodeError as error:
            raise Invalid("subscriptions", str(error), '{"count": n}') from None
        url = self._simulator.services_url
        if url is None:
            raise Invalid("services_listen", "not a TCP port", "a tcp: endpoint")
        return self._simulator.services.webpush.subscriptions.make(wanted, url)

    def _replace(self, request: ControlRequest) -> object:
        try:
            replaced = _REPLACED.decode(request.body)
        except msgspec.DecodeError as error:
            raise Invalid("handles", str(error), '{"handle": "another"}') from None
        self._simulator.services.adm.replaced.update(replaced)
        return {"replaced": len(replaced)}

    def _expire_tokens(self, _: ControlRequest) -> object:
        self._simulator.services.expire_tokens()
        return {}

    def _reset(self, _: ControlRequest) -> object:
        self._simulator.forget()
        return {}


def control_site(simulator: ControlledSimulator, clock: IReactorTime) -> HTTPSite:
    """The control port's factory. It has no login, so that no web page may use it."""
    return HTTPSite(ControlAPI(simulator).answer, clock, max_body=_MAX_BODY, guard=BrowserGuard(local=True))


def _item(entry: Accepted) -> dict[str, object]:
    item = msgspec.structs.asdict(entry)
    item["token"] = entry.token.hex()
    item["payload"] = None if entry.payload is None else entry.payload.decode("utf-8", "replace")
    return item


def _number(request: ControlRequest, key: str, default: int) -> int:
    given = request.query.get(key)
    if not given:
        return default
    if not given.isdigit() or len(given) > 12:
        raise Invalid(key, f"{len(given)} characters", "a whole number from 0")
    return int(given)


def _token(index: int, text: str) -> bytes:
    try:
        token = bytes.fromhex(text)
    except ValueError:
        token = b""
    if not 1 <= len(token) <= MAX_TOKEN:
        raise Invalid(f"[{index}].token", f"{len(text)} characters", f"hex, 1 to {MAX_TOKEN} bytes")
    return token


def _since(index: int, seconds: int) -> int:
    if not 0 <= seconds <= MAX_EXPIRATION:
        raise Invalid(f"[{index}].since", "out of range", f"Unix seconds, 0 to {MAX_EXPIRATION}")
    return seconds


def _json(status: int, answer: object, headers: tuple[Header, ...] = ()) -> HTTPResponse:
    body = msgspec.json.format(msgspec.json.encode(answer), indent=2) + b"\n"
    return HTTPResponse(status, body, headers=headers)


def _error(
    status: int, code: str, detail: str, headers: tuple[Header, ...] = (), **more: object
) -> HTTPResponse:
    return _json(status, {"error": code, "detail": detail, **more}, headers)
