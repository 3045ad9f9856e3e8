"""Managed devices in lines: `ENROL`, `CHECKIN` and `CHECKOUT`."""

from pushgate.inputs.common import enrolments as common
from pushgate.inputs.common.enrolments import parse_request
from pushgate.inputs.common.session import Session
from pushgate.inputs.line.replies import ok
from pushgate.model.errors import Invalid
from pushgate.model.principals import Operation
from pushgate.plugin.gateway_interface import IGateway


async def enrol(session: Session, gateway: IGateway, rest: bytes) -> bytes:
    """The answer to `ENROL`."""
    app, token, push_magic = _words(rest, 3, "ENROL <app> <token> <push magic>")
    session.permit(Operation.PUSH, app)
    enrolments = gateway.enrolments(app)
    kept = await enrolments.enrol(parse_request(gateway, app, token, push_magic, None, None))
    return ok("; ".join(["enrolled", *kept.warnings]))


async def check_in(session: Session, gateway: IGateway, rest: bytes) -> bytes:
    """The answer to `CHECKIN`."""
    app, token = _words(rest, 2, "CHECKIN <app> <token>")
    session.permit(Operation.PUSH, app)
    return _known(await common.check_in(gateway, app, token))


async def check_out(session: Session, gateway: IGateway, rest: bytes) -> bytes:
    """The answer to `CHECKOUT`."""
    app, token, *magic = _words(rest, 2, "CHECKOUT <app> <token> [push magic]", most=3)
    session.permit(Operation.PUSH, app)
    return _known(await common.check_out(gateway, app, token, magic[0] if magic else None))


def _known(known: bool) -> bytes:
    return ok("known" if known else "unknown")


def _words(rest: bytes, count: int, form: str, most: int = 0) -> list[str]:
    try:
        words = rest.decode().split()
    except UnicodeDecodeError:
        raise Invalid("line", f"{len(rest)} bytes", "UTF-8 text") from None
    if not count <= len(words) <= max(count, most):
        raise Invalid("line", f"{len(words)} words behind the command", form)
    return words
