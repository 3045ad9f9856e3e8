"""Hubs over AMP: sends to tags, and everything else by the names of `hub_calls`."""

from typing import Any, Final

import msgspec
from twisted.internet.defer import Deferred

from pushgate.inputs.common import hub_calls
from pushgate.inputs.common.conversation_input import ConversationServer
from pushgate.inputs.common.hub_calls import CALLS, find_hub, smaller
from pushgate.inputs.common.hub_json import send_request
from pushgate.inputs.common.json_terms import decoded
from pushgate.inputs.common.session import Session
from pushgate.model.errors import Invalid, ShuttingDown, TooLarge
from pushgate.model.principals import Operation
from pushgate.protocols.amp.boxes import Box
from pushgate.protocols.amp.commands import MAX_VALUE

_decode_headers: Final = msgspec.json.Decoder(dict[str, str]).decode


def send_to_tags(server: ConversationServer, session: Session, **arguments: Any) -> Deferred[Box]:
    """The answer to `SendToTags`."""
    return Deferred.fromCoroutine(_send(server, session, **arguments))


def call_hub(
    server: ConversationServer, session: Session, hub: str, method: str, arguments: bytes | None
) -> Deferred[Box]:
    """The answer to `CallHub`."""
    return Deferred.fromCoroutine(_call(server, session, hub, method, arguments or b"{}"))


async def _send(
    server: ConversationServer,
    session: Session,
    hub: str,
    format: str,  # noqa: A002 - the contract's word
    expression: str | None,
    payload: bytes,
    headers: bytes | None,
    schedule: int | None,
    test: bool | None,
) -> Box:
    found = find_hub(server.hubs, session, Operation.PUSH, hub)
    if server.stopping:
        raise ShuttingDown
    more = {} if headers is None else decoded(_decode_headers, headers, "headers", ())
    request = send_request(format, payload, expression, more, schedule)
    session.charge(1)
    sent = await hub_calls.send(found, request, bool(test))
    box = {b"id": sent["id"].encode(), b"state": sent["state"].encode()}
    return {**box, b"results": msgspec.json.encode(sent["results"])} if "results" in sent else box


async def _call(
    server: ConversationServer, session: Session, name: str, method: str, arguments: bytes
) -> Box:
    call = CALLS.get(method)
    if call is None:
        raise Invalid("method", f"text of {len(method)} characters", f"one of {', '.join(CALLS)}")
    hub = find_hub(server.hubs, session, call.operation, name)
    values = call.read(arguments)
    while True:
        answer = msgspec.json.encode(await call.run(hub, values))
        if len(answer) <= MAX_VALUE:
            return {b"answer": answer}
        fewer = smaller(values)
        if fewer is None:
            raise TooLarge("answer", len(answer), MAX_VALUE)
        values = fewer
