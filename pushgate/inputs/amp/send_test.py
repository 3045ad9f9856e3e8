"""Test sends over AMP."""

from typing import Any, Final

import msgspec

from pushgate.inputs.amp import submitted
from pushgate.inputs.amp.request import AmpRequest, LaterCommand
from pushgate.inputs.common.rules import rules_of
from pushgate.inputs.common.send_tests import send_test_document
from pushgate.model.errors import Invalid, Refusal, ShuttingDown, TooLarge
from pushgate.model.notification import Submission
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.packed import Packed
from pushgate.model.principals import Operation
from pushgate.model.send_test import MOST_DEVICES, PATIENCE
from pushgate.protocols.amp import commands
from pushgate.protocols.amp.boxes import Box
from pushgate.protocols.amp.commands import MAX_VALUE
from pushgate.protocols.mdm_push import push_type_with

_read_texts: Final = msgspec.json.Decoder(list[str]).decode


async def send(request: AmpRequest, app: str, wait: float | None, **what: Any) -> Box:
    """The answer to `TestSend`."""
    server = request.connection.server
    if server.stopping:
        raise ShuttingDown
    if wait is not None and not wait >= 0:
        raise Invalid("wait", "negative, or no number", f"seconds, {PATIENCE:g} at most")
    submission, faults = _submission(app, rules_of(server.gateway, app), **what)
    request.connection.session.charge(len(submission.tokens))
    tried = server.gateway.test_send(submission, server.name, PATIENCE if wait is None else wait)
    request.connection.fed(app)
    return {b"result": _fitting(send_test_document(await tried, server.gateway, app, faults))}


def _submission(
    app: str,
    rules: NotificationRules,
    tokens: bytes | None,
    payload: bytes | None,
    key: str | None,
    channel: str | None,
    push_magic: str | None,
    **terms: Any,
) -> tuple[Submission, dict[int, Refusal]]:
    """The submission, and the members of it that are refused already, by index."""
    body = submitted.one_payload(payload, push_magic)
    packed, faults = _targets(rules, tokens, channel)
    terms |= {"channel": channel, "push_type": push_type_with(push_magic, terms["push_type"])}
    return Submission(app=app, tokens=packed, payload=body, terms=submitted.terms(**terms), key=key), faults


def _targets(
    rules: NotificationRules, tokens: bytes | None, channel: str | None
) -> tuple[Packed, dict[int, Refusal]]:
    if channel is not None:
        return submitted.broadcasts(channel, b"", tokens), {}
    try:
        texts = _read_texts(tokens or b"[]")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Invalid("tokens", f"{len(tokens or b'')} bytes", "a JSON list of texts") from None
    if not texts:
        raise Invalid("tokens", "none", f"1 to {MOST_DEVICES} tokens")
    if len(texts) > MOST_DEVICES:
        raise TooLarge("tokens of a test send", len(texts), MOST_DEVICES, "tokens")
    return rules.parse_targets(texts)


def _fitting(document: dict[str, Any]) -> bytes:
    """The answer as JSON; without the targets when they would not fit."""
    answer = msgspec.json.encode(document)
    if len(answer) > MAX_VALUE:
        for device in document["devices"]:
            device["token"] = None
        answer = msgspec.json.encode(document)
    return answer


COMMANDS: Final[tuple[LaterCommand, ...]] = ((commands.TestSend, Operation.PUSH, send),)
