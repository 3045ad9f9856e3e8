"""Managed devices over HTTP: enrolled, checked in, and checked out."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final

import msgspec

from pushgate.inputs.common.enrolments import check_in, check_out, parse_request
from pushgate.inputs.common.json_terms import decoded
from pushgate.inputs.http.request import HTTPRequest
from pushgate.net.http.body_readers import WholeBody
from pushgate.net.http.interfaces import BodyReader
from pushgate.net.http.responses import HTTPFault, HTTPResponse, json_answer

MAX_BODY: Final = 4096
"""Bytes of a body at most."""


class _Enrolment(msgspec.Struct, forbid_unknown_fields=True):
    token: str
    push_magic: str
    keep_awake: bool = False
    device: str | None = None


class _CheckIn(msgspec.Struct, forbid_unknown_fields=True):
    token: str


class _CheckOut(msgspec.Struct, forbid_unknown_fields=True):
    token: str
    push_magic: str | None = None


_decode_enrolment: Final = msgspec.json.Decoder(_Enrolment).decode
_decode_check_in: Final = msgspec.json.Decoder(_CheckIn).decode
_decode_check_out: Final = msgspec.json.Decoder(_CheckOut).decode


def takes_json(handle: Callable[[HTTPRequest, bytes], None], request: HTTPRequest) -> BodyReader:
    """The reader of a request with a small body of JSON."""
    kind = (request.header(b"content-type") or "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPFault(415, "content-type: application/json")
    return WholeBody(request, handle, MAX_BODY, request.server.reserve)


def _enrol(request: HTTPRequest, data: bytes) -> None:
    given: _Enrolment = decoded(_decode_enrolment, data, "body", ("keep_awake", "device"))
    request.run(_enrolled(request, given))


async def _enrolled(request: HTTPRequest, given: _Enrolment) -> HTTPResponse:
    app, gateway = request.parameters["app"], request.server.gateway
    enrolments = gateway.enrolments(app)
    asked = parse_request(gateway, app, given.token, given.push_magic, given.keep_awake, given.device)
    kept = await enrolments.enrol(asked)
    return json_answer(201, kept)


def _check_in(request: HTTPRequest, data: bytes) -> None:
    given: _CheckIn = decoded(_decode_check_in, data, "body", ())
    request.run(_known(check_in(request.server.gateway, request.parameters["app"], given.token)))


def _check_out(request: HTTPRequest, data: bytes) -> None:
    given: _CheckOut = decoded(_decode_check_out, data, "body", ("push_magic",))
    app = request.parameters["app"]
    request.run(_known(check_out(request.server.gateway, app, given.token, given.push_magic)))


async def _known(reported: Coroutine[Any, Any, bool]) -> HTTPResponse:
    return json_answer(202, {"known": await reported})


read_enrolment: Final = partial(takes_json, _enrol)
read_check_in: Final = partial(takes_json, _check_in)
read_check_out: Final = partial(takes_json, _check_out)
