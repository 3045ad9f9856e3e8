"""Managed devices over HTTP: enrolled, checked in, and checked out."""

from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec

from pushgate.inputs.common.enrolments import Report, check_in, check_out, parse_request
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


class _Device(msgspec.Struct, forbid_unknown_fields=True):
    token: str


_decode_enrolment: Final = msgspec.json.Decoder(_Enrolment).decode
_decode_device: Final = msgspec.json.Decoder(_Device).decode


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


def _report(report: Report, request: HTTPRequest, data: bytes) -> None:
    given: _Device = decoded(_decode_device, data, "body", ())
    request.run(_reported(report, request, given.token))


async def _reported(report: Report, request: HTTPRequest, token: str) -> HTTPResponse:
    known = await report(request.server.gateway, request.parameters["app"], token)
    return json_answer(202, {"known": known})


read_enrolment: Final = partial(takes_json, _enrol)
read_check_in: Final = partial(takes_json, partial(_report, check_in))
read_check_out: Final = partial(takes_json, partial(_report, check_out))
