"""Managed devices over AMP: enrolled, checked in and out, found and diagnosed."""

from typing import Final

import msgspec

from pushgate.inputs.amp.request import AmpRequest, LaterCommand
from pushgate.inputs.common import enrolments as common
from pushgate.inputs.common.enrolments import parse_hash, parse_request, shown
from pushgate.model.principals import Operation
from pushgate.protocols.amp import mdm_commands as commands
from pushgate.protocols.amp.boxes import Box


async def enrol(
    request: AmpRequest,
    app: str,
    token: str,
    push_magic: str,
    keep_awake: bool | None,
    device: str | None,
) -> Box:
    """The answer to `Enrol`."""
    gateway = request.connection.server.gateway
    enrolments = gateway.enrolments(app)
    asked = parse_request(gateway, app, token, push_magic, keep_awake, device)
    kept = await enrolments.enrol(asked)
    return {b"sha256": kept.sha256.encode(), b"warnings": msgspec.json.encode(kept.warnings)}


async def check_in(request: AmpRequest, app: str, token: str) -> Box:
    """The answer to `CheckIn`."""
    return _known(await common.check_in(request.connection.server.gateway, app, token))


async def check_out(request: AmpRequest, app: str, token: str, push_magic: str | None) -> Box:
    """The answer to `CheckOut`."""
    return _known(await common.check_out(request.connection.server.gateway, app, token, push_magic))


async def find(request: AmpRequest, app: str, sha256: str) -> Box:
    """The answer to `FindEnrolments`."""
    found = await request.connection.server.gateway.enrolments(app).find(parse_hash(sha256))
    return {b"enrolments": msgspec.json.encode(list(map(shown, found)))}


async def diagnose(request: AmpRequest, app: str, token: str) -> Box:
    """The answer to `Diagnose`."""
    gateway = request.connection.server.gateway
    enrolments = gateway.enrolments(app)
    said = await enrolments.diagnose(gateway.rules(app).parse_target(token))
    return {b"diagnosis": msgspec.json.encode(said)}


def _known(known: bool) -> Box:
    return {b"known": b"True" if known else b"False"}


COMMANDS: Final[tuple[LaterCommand, ...]] = (
    (commands.Enrol, Operation.PUSH, enrol),
    (commands.CheckIn, Operation.PUSH, check_in),
    (commands.CheckOut, Operation.PUSH, check_out),
    (commands.FindEnrolments, Operation.ADMIN, find),
    (commands.Diagnose, Operation.READ, diagnose),
)
