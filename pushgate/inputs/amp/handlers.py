"""The commands. Each responder answers its request now or later, or raises a `Refusal`."""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.protocols.amp import Command
from twisted.python.failure import Failure

from pushgate.inputs.amp import channels, dead_tokens, enrolments, hub, send_test, stats_page, submitted
from pushgate.inputs.amp.arguments import ArgumentReader
from pushgate.inputs.amp.request import UNHANDLED, AmpRequest, LaterCommand
from pushgate.inputs.common.rules import rules_of
from pushgate.model.errors import (
    CannotStart,
    Internal,
    Invalid,
    PushgateError,
    Refusal,
    ShuttingDown,
    TooLarge,
    UnknownApp,
)
from pushgate.model.notification import Submission, parse_id
from pushgate.model.outcome_record import id_text, record
from pushgate.model.packed import Packed
from pushgate.model.principals import Operation
from pushgate.plugin.gateway_interface import Receipt
from pushgate.protocols.amp.boxes import Box
from pushgate.protocols.amp.commands import (
    MAX_MEMBERS,
    MAX_VALUE,
    Bury,
    Cancel,
    DeadTokens,
    Flush,
    Forget,
    Login,
    Pace,
    Push,
    PushBatch,
    Reload,
    Stats,
    Status,
    TestSend,
    Trace,
    Watch,
)
from pushgate.protocols.mdm_push import push_type_with

_log = Logger()


def respond(request: AmpRequest, command: bytes, box: Box) -> None:
    """Carry out `command`; every error becomes an answer."""
    if command not in _RESPONDERS:
        request.fail_with(UNHANDLED, f"Unhandled Command: {command[:100]!r}")
        return
    signature, operation, responder = _RESPONDERS[command]
    try:
        values = signature.read(box)
        if operation is not None:
            request.connection.session.permit(operation, values.get("app"))
        responder(request, **values)
    except Refusal as refusal:
        if command in _SUBMITS:
            app = box.get(b"app", b"").decode(errors="replace")
            request.connection.server.count_refusal(app, refusal)
        request.fail(refusal)
    except Exception:  # noqa: BLE001 - a bug in one request is no reason to drop the others
        _log.failure("a bug while answering {command}", command=command.decode("ascii", "replace"))
        request.fail(Internal())


def _login(request: AmpRequest, name: str, secret: bytes) -> None:
    request.connection.login(name, secret, partial(_logged_in, request))


def _logged_in(request: AmpRequest, failed: PushgateError | None) -> None:
    if failed is None:
        request.answer({b"ok": b"True"})
    else:
        request.fail(failed)


def _push(
    request: AmpRequest,
    app: str,
    token: str | None,
    payload: bytes | None,
    key: str | None,
    channel: str | None,
    push_magic: str | None,
    **terms: Any,
) -> None:
    batcher = _open_batcher(request)
    payload = submitted.one_payload(payload, push_magic)
    target = rules_of(request.connection.server.gateway, app).find_target(token, channel)
    terms |= {"channel": channel, "push_type": push_type_with(push_magic, terms["push_type"])}
    request.connection.session.charge(1)
    if key is None:
        batcher.push(app, target, payload, submitted.terms(**terms), partial(_pushed, request))
        request.connection.fed(app)
        return
    tokens = Packed.of([target], 2)
    submission = Submission(app=app, tokens=tokens, payload=payload, terms=submitted.terms(**terms), key=key)
    batcher.submit(submission, partial(_pushed_alone, request))
    request.connection.fed(app)


def _push_batch(
    request: AmpRequest,
    app: str,
    tokens: bytes | None,
    targets: bytes | None,
    payload: bytes | None,
    payloads: bytes | None,
    key: str | None,
    channel: str | None,
    **terms: Any,
) -> None:
    batcher = _open_batcher(request)
    body = submitted.payload(payload, payloads)
    packed = (
        submitted.targets(tokens, targets)
        if channel is None
        else submitted.broadcasts(channel, body, tokens or targets)
    )
    if len(packed) > MAX_MEMBERS:
        raise TooLarge("tokens", len(packed), MAX_MEMBERS, "tokens")
    request.connection.session.charge(len(packed))
    conditions = submitted.terms(channel=channel, **terms)
    submission = Submission(app=app, tokens=packed, payload=body, terms=conditions, key=key)
    batcher.submit(submission, partial(_batch_pushed, request))
    request.connection.fed(app)


def _status(request: AmpRequest, id: str) -> None:  # noqa: A002 - the contract's word
    asked = request.connection.session.status(parse_id(id))
    asked.addCallback(lambda outcome: request.answer({b"outcome": record(outcome).encode()}))
    asked.addErrback(_not_answered, request, Status.commandName)


def _trace(request: AmpRequest, id: str) -> None:  # noqa: A002 - the contract's word
    asked = request.connection.session.trace(parse_id(id))
    asked.addCallback(lambda trace: request.answer({b"trace": trace.json().encode()}))
    asked.addErrback(_not_answered, request, Trace.commandName)


def _cancel(request: AmpRequest, id: str) -> None:  # noqa: A002 - the contract's word
    asked = request.connection.session.cancel(parse_id(id))
    asked.addCallback(lambda done: request.answer({b"cancelled": b"True" if done else b"False"}))
    asked.addErrback(_not_answered, request, Cancel.commandName)


def _flush(request: AmpRequest, id: str) -> None:  # noqa: A002 - the contract's word
    number, gateway = parse_id(id), request.connection.server.gateway
    asked = request.connection.session.check(Operation.ADMIN, number)
    asked.addCallback(lambda _: gateway.flush(number))
    asked.addCallback(lambda proven: request.answer({b"proven": b"%d" % proven}))
    asked.addErrback(_not_answered, request, Flush.commandName)


def _pace(request: AmpRequest, app: str | None, id: str | None, rate: float) -> None:  # noqa: A002 - the contract's word
    if (app is None) == (id is None):
        raise Invalid("id", "neither" if id is None else "both", "either app or id")
    gateway: Any = request.connection.server.gateway
    if app is not None:
        gateway.pace_app(app, rate)
        request.answer({b"paced": b"True"})
        return
    number = parse_id(id or "")
    asked = request.connection.session.check(Operation.ADMIN, number)
    asked.addCallback(lambda _: gateway.pace_batch(number, rate))
    asked.addCallback(lambda done: request.answer({b"paced": b"True" if done else b"False"}))
    asked.addErrback(_not_answered, request, Pace.commandName)


def _not_answered(failure: Failure, request: AmpRequest, command: bytes) -> None:
    if isinstance(failure.value, Refusal):
        request.fail(failure.value)
    else:
        _log.failure("a bug while answering {command}", failure, command=command.decode())
        request.fail(Internal())


def _watch(request: AmpRequest, app: str | None) -> None:
    if app is not None and not request.connection.server.gateway.has_app(app):
        raise UnknownApp(app)
    request.connection.watch(app)
    request.answer({b"watching": b"True"})


def _stats(request: AmpRequest, after: str | None) -> None:
    stats, answer = request.connection.session.stats(), dict[bytes, bytes]()
    if after is not None:
        stats, more = stats_page.page(stats, after)
        answer[b"more"] = b"True" if more else b"False"
    answer[b"stats"] = encoded = msgspec.json.encode(stats)
    if len(encoded) > MAX_VALUE:
        raise TooLarge("stats", len(encoded), MAX_VALUE)
    request.answer(answer)


def _dead_tokens(request: AmpRequest, app: str, after: str | None, limit: int | None) -> None:
    request.answer(dead_tokens.page(request.connection.server.gateway, app, after, limit))


def _bury(request: AmpRequest, app: str, entries: bytes) -> None:
    server = request.connection.server
    buried = dead_tokens.bury(server.gateway, app, entries, int(server.wall()))
    buried.addCallback(request.answer).addErrback(_not_answered, request, Bury.commandName)


def _forget(request: AmpRequest, app: str, tokens: bytes | None, targets: bytes | None) -> None:
    packed, field = submitted.targets(tokens, targets), "tokens" if targets is None else "targets"
    forgotten = dead_tokens.forget(request.connection.server.gateway, app, packed, field)
    forgotten.addCallback(request.answer).addErrback(_not_answered, request, Forget.commandName)


def _later(
    command: type[Command],
    answer: Callable[..., Coroutine[Any, Any, Box]],
    request: AmpRequest,
    **arguments: Any,
) -> None:
    """Answer with what a coroutine returns."""
    asked = Deferred.fromCoroutine(answer(request, **arguments))
    asked.addCallback(request.answer).addErrback(_not_answered, request, command.commandName)


def _reload(request: AmpRequest) -> None:
    request.connection.session.permit_all(Operation.ADMIN)
    asked = request.connection.server.gateway.reload()
    asked.addCallback(lambda changes: _reloaded(request, True, changes))
    asked.addErrback(lambda failure: _reloaded(request, False, _faults(failure)))
    asked.addErrback(_not_answered, request, Reload.commandName)


def _faults(failure: Failure) -> list[str]:
    failure.trap(CannotStart)
    faults: list[str] = failure.value.faults  # type: ignore[union-attr]  # it is a CannotStart
    return faults


def _reloaded(request: AmpRequest, ok: bool, lines: list[str]) -> None:
    text = msgspec.json.encode(lines)
    while len(text) > MAX_VALUE:
        lines = [*lines[: len(lines) // 2], "and more: see the log"]
        text = msgspec.json.encode(lines)
    request.answer({b"ok": b"True" if ok else b"False", b"lines": text})


def _open_batcher(request: AmpRequest) -> Any:
    server = request.connection.server
    if server.stopping:
        raise ShuttingDown
    return server.batcher


def _pushed(request: AmpRequest, result: int | PushgateError) -> None:
    if isinstance(result, PushgateError):
        request.fail(result)
    else:
        request.answer({b"id": id_text(result).encode()})


def _pushed_alone(request: AmpRequest, result: Receipt | PushgateError) -> None:
    _pushed(request, result.id if isinstance(result, Receipt) else result)


def _batch_pushed(request: AmpRequest, result: Receipt | PushgateError) -> None:
    if isinstance(result, PushgateError):
        request.fail(result)
        return
    answer = {
        b"id": id_text(result.id).encode(),
        b"count": b"%d" % result.count,
        b"refused": _refused_list(result),
    }
    request.answer({**answer, b"repeated": b"True"} if result.repeated else answer)


def _refused_list(receipt: Receipt) -> bytes:
    """The refused members as JSON; without the reasons when it would not fit: `MAX_MEMBERS` codes do."""
    refused = msgspec.json.encode([(index, each.code, str(each)) for index, each in receipt.refused])
    if len(refused) > MAX_VALUE:
        refused = msgspec.json.encode([(index, each.code, "") for index, each in receipt.refused])
    return refused


_LATER: Final[tuple[LaterCommand, ...]] = (
    *channels.COMMANDS,
    *hub.COMMANDS,
    *send_test.COMMANDS,
    *enrolments.COMMANDS,
)
_RESPONDERS: Final[dict[bytes, tuple[ArgumentReader, Operation | None, Callable[..., None]]]] = {
    command.commandName: (ArgumentReader(command), operation, responder)
    for command, operation, responder in (
        (Login, None, _login),
        (Push, Operation.PUSH, _push),
        (PushBatch, Operation.PUSH, _push_batch),
        (Status, Operation.READ, _status),
        (Trace, Operation.READ, _trace),
        (Cancel, Operation.PUSH, _cancel),
        (Watch, Operation.READ, _watch),
        (Stats, Operation.READ, _stats),
        (Flush, Operation.ADMIN, _flush),
        (Pace, Operation.ADMIN, _pace),
        (DeadTokens, Operation.ADMIN, _dead_tokens),
        (Bury, Operation.ADMIN, _bury),
        (Forget, Operation.ADMIN, _forget),
        (Reload, Operation.ADMIN, _reload),
    )
} | {
    command.commandName: (ArgumentReader(command), operation, partial(_later, command, answer))
    for command, operation, answer in _LATER
}
"""The arguments of each command, the operation a peer must be allowed, and the responder."""
_SUBMITS: Final = frozenset({Push.commandName, PushBatch.commandName, TestSend.commandName})
