"""Managed devices, as inputs read and show them."""

import re
from typing import Any, Final

from pushgate.model.enrolment import Enrolment, EnrolmentRequest
from pushgate.model.errors import Invalid
from pushgate.plugin.gateway_interface import IGateway
from pushgate.protocols.mdm_push import push_payload

_is_hash: Final = re.compile("(?:[0-9A-Fa-f]{2}){4,32}").fullmatch


def parse_request(
    gateway: IGateway, app: str, token: str, push_magic: str, keep_awake: bool | None, device: str | None
) -> EnrolmentRequest:
    """The request that a caller's words make; raise `Invalid` or `UnknownApp`."""
    target = gateway.rules(app).parse_target(token)
    push_payload(push_magic)
    return EnrolmentRequest(token=target, push_magic=push_magic, keep_awake=bool(keep_awake), device=device)


async def check_in(gateway: IGateway, app: str, token: str) -> bool:
    """Note that a device called; return whether it is known. Raise `Invalid`, `UnknownApp` or `StoreDown`."""
    enrolments = gateway.enrolments(app)
    known: bool = await enrolments.check_in(gateway.rules(app).parse_target(token))
    return known


async def check_out(gateway: IGateway, app: str, token: str, push_magic: str | None) -> bool:
    """Note that a device left management; like `check_in`. See `IEnrolments.check_out`."""
    enrolments = gateway.enrolments(app)
    known: bool = await enrolments.check_out(gateway.rules(app).parse_target(token), push_magic)
    return known


def parse_hash(text: str) -> bytes:
    """The beginning of the SHA-256 of a token from its hex digits; raise `Invalid`."""
    if not _is_hash(text):
        raise Invalid("sha256", f"text of {len(text)} characters", "8 to 64 hex digits, an even number")
    return bytes.fromhex(text)


def shown(enrolment: Enrolment) -> dict[str, Any]:
    """An enrolment as administrators are shown it: the push magic is left out."""
    hidden = {"id", "token", "push_magic"}
    fields = {name: getattr(enrolment, name) for name in Enrolment.__struct_fields__ if name not in hidden}
    return {"token": enrolment.token.hex(), **fields}
