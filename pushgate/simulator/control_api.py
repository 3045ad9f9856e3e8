"""The control port: HTTP with JSON, for people with curl and for tests in any language.

=======================================  ==================================================================
``GET /``                                addresses, certificate files and this list
``GET /summary``                         all counts
``GET /received?since=N&limit=M``        accepted notifications from index N on (0), at most M (1000)
``GET /script``, ``PUT /script``         the fault script: a list of rules
``POST /feedback``                       ``[{"token": hex, "since": Unix seconds}, ...]`` onto the list
``POST /reset``                          forget what was received, counts and feedback
=======================================  ==================================================================

With ``Accept: application/x-ndjson`` what was received comes one notification a line. Errors are
``{"error": code, "detail": text}``.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import msgspec
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web.resource import Resource
from twisted.web.server import Request

from pushgate.model.errors import Invalid, Overloaded
from pushgate.model.notification import MAX_EXPIRATION
from pushgate.net.http.small_site import SmallSite
from pushgate.protocols.apns_binary.feedback import FeedbackTuple
from pushgate.protocols.apns_rules import MAX_TOKEN
from pushgate.simulator.certificates import Certificates
from pushgate.simulator.fault_rules import BadScript, Rule, parse_rules
from pushgate.simulator.received_log import Accepted, ReceivedLog

_MAX_BODY: Final = 16 << 20
_MAX_PAGE: Final = 10_000
_NDJSON: Final = "application/x-ndjson"


class _Feedback(msgspec.Struct, forbid_unknown_fields=True):
    token: str
    since: int


_FEEDBACK = msgspec.json.Decoder(list[_Feedback])


class ControlledSimulator(Protocol):
    """The simulator, as the control port uses it; see `Simulator`."""

    certificates: Certificates
    received: ReceivedLog

    @property
    def script(self) -> tuple[Rule, ...]: ...
    def set_script(self, rules: Sequence[Rule]) -> None: ...
    def add_feedback(self, tuples: Sequence[FeedbackTuple]) -> None: ...
    def addresses(self) -> dict[str, str]: ...
    def summary(self) -> dict[str, Any]: ...
    def forget(self) -> None: ...


class ControlAPI(Resource):
    """Every path of the control port."""

    isLeaf = True
    log = Logger()

    def __init__(self, simulator: ControlledSimulator) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # Twisted's is untyped
        self._simulator = simulator
        self._answers: dict[str, dict[str, Callable[[Request], Any]]] = {
            "/": {"GET": self._about},
            "/summary": {"GET": lambda _: simulator.summary()},
            "/received": {"GET": self._received},
            "/script": {"GET": self._script, "PUT": self._set_script},
            "/feedback": {"POST": self._add_feedback},
            "/reset": {"POST": self._reset},
        }

    def render(self, request: Request) -> bytes:
        """Answer; every error as JSON too."""
        methods = self._answers.get(request.path.decode("ascii", "replace"))
        method = request.method.decode("ascii", "replace")
        if methods is None:
            return _error(request, 404, "NOT_FOUND", f"no such path; there are {', '.join(self._answers)}")
        if method not in methods and not (method == "HEAD" and "GET" in methods):
            request.setHeader("Allow", ", ".join(methods))
            return _error(request, 405, "INVALID", f"method: {', '.join(methods)} only")
        try:
            answer = methods["GET" if method == "HEAD" else method](request)
        except BadScript as bad:
            return _error(request, 400, "INVALID", str(bad), faults=list(bad.faults))
        except Overloaded as refusal:
            return _error(request, 503, refusal.code, str(refusal))
        except Invalid as refusal:
            return _error(request, 400, refusal.code, str(refusal))
        return answer if isinstance(answer, bytes) else _json(request, answer)

    def _about(self, _: Request) -> object:
        simulator = self._simulator
        return {
            "addresses": simulator.addresses(),
            "client_certificate": str(simulator.certificates.client),
            "trust": str(simulator.certificates.ca),
            "paths": {path: list(methods) for path, methods in self._answers.items()},
        }

    def _received(self, request: Request) -> object:
        since, limit = _number(request, b"since", 0), _number(request, b"limit", 1000)
        received = self._simulator.received
        items = [_item(entry) for entry in received.entries(since, min(limit, _MAX_PAGE))]
        if _NDJSON in (request.getHeader("accept") or ""):
            request.setHeader("Content-Type", _NDJSON)
            return msgspec.json.Encoder().encode_lines(items)
        return {"total": len(received), "next": since + len(items), "received": items}

    def _script(self, _: Request) -> object:
        rules = self._simulator.script
        return [{"act": rule.act, **rule.model_dump(mode="json", exclude_unset=True)} for rule in rules]

    def _set_script(self, request: Request) -> object:
        try:
            tables = msgspec.json.decode(_body(request))
        except msgspec.DecodeError as error:
            raise BadScript([f"script: not JSON: {error}; must be an array of rules"]) from None
        self._simulator.set_script(parse_rules(tables))
        return {"rules": len(self._simulator.script)}

    def _add_feedback(self, request: Request) -> object:
        try:
            entries = _FEEDBACK.decode(_body(request))
        except msgspec.DecodeError as error:
            raise Invalid("feedback", str(error), 'a list of {"token": hex, "since": Unix seconds}') from None
        tuples = [
            FeedbackTuple(_since(index, e.since), _token(index, e.token)) for index, e in enumerate(entries)
        ]
        self._simulator.add_feedback(tuples)
        return {"added": len(tuples)}

    def _reset(self, _: Request) -> object:
        self._simulator.forget()
        return {}


def control_site(simulator: ControlledSimulator, clock: IReactorTime) -> SmallSite:
    """The control port's factory."""
    return SmallSite(ControlAPI(simulator), clock, max_body=_MAX_BODY)


def _item(entry: Accepted) -> dict[str, object]:
    item = msgspec.structs.asdict(entry)
    item["token"] = entry.token.hex()
    item["payload"] = None if entry.payload is None else entry.payload.decode("utf-8", "replace")
    return item


def _body(request: Request) -> bytes:
    assert request.content is not None
    body: bytes = request.content.read()
    return body


def _number(request: Request, key: bytes, default: int) -> int:
    given = request.args.get(key)
    if not given:
        return default
    if not given[0].isdigit() or len(given[0]) > 12:
        raise Invalid(key.decode(), f"{len(given[0])} characters", "a whole number from 0")
    return int(given[0])


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


def _json(request: Request, answer: object) -> bytes:
    request.setHeader("Content-Type", "application/json")
    return msgspec.json.format(msgspec.json.encode(answer), indent=2) + b"\n"


def _error(request: Request, status: int, code: str, detail: str, **more: object) -> bytes:
    request.setResponseCode(status)
    return _json(request, {"error": code, "detail": detail, **more})
