"""Submitting the notification in a message."""

from functools import partial
from hashlib import sha256
from typing import Final

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from pushgate.inputs.common.batching import MAX_PAYLOAD
from pushgate.inputs.common.momentum import read_member
from pushgate.inputs.common.rules import rules_of
from pushgate.inputs.common.session import Session
from pushgate.inputs.smtp.replies import Reply, refusal_reply, reply
from pushgate.inputs.smtp.services import SmtpServices
from pushgate.model.errors import Conflict, Internal, PushgateError, Refusal, ShuttingDown, TooLarge
from pushgate.model.notification import Submission
from pushgate.model.outcome_record import id_text
from pushgate.model.packed import Packed
from pushgate.model.principals import Operation
from pushgate.plugin.gateway_interface import Receipt
from pushgate.protocols.momentum.mcmt import McmtMessage, read_mcmt

_KEY: Final = "smtp:"
_log = Logger()


def submit_message(server: SmtpServices, session: Session, app: str, data: bytes) -> Deferred[Reply]:
    """Submit the notification of a message; fires with 250 once it is stored durably, or with a refusal."""
    try:
        if server.stopping:
            raise ShuttingDown
        message = read_mcmt(data)
        target, payload = read_member(message, rules_of(server.gateway, app), None)
        if len(payload) > MAX_PAYLOAD:
            raise TooLarge("payload", len(payload), MAX_PAYLOAD)
        session.permit(Operation.PUSH, app, 1)
        return _submitted(server, app, target, payload, message)
    except Refusal as refusal:
        server.count_refusal(app, refusal)
        return succeed(refusal_reply(refusal))
    except Exception:  # noqa: BLE001 - a bug at one message is no reason to drop the connection
        _log.failure("a bug while reading a message")
        return succeed(refusal_reply(Internal()))


def _submitted(
    server: SmtpServices, app: str, target: bytes, payload: bytes, message: McmtMessage
) -> Deferred[Reply]:
    answered: Deferred[Reply] = Deferred()
    terms = server.recipients.terms()
    if not message.message_id:
        server.batcher.push(app, target, payload, terms, lambda result: answered.callback(_reply(result)))
        return answered
    alone = Submission(
        app=app,
        tokens=Packed.of([target], 2),
        payload=payload,
        terms=terms,
        key=_key(message.message_id, target, payload),
    )
    server.batcher.submit(alone, partial(_answer_alone, answered))
    return answered


def _key(message_id: str, target: bytes, payload: bytes) -> str:
    """Return the idempotency key of a message. Senders repeat a message whose reply was lost."""
    parts = (message_id.encode("utf-8", "surrogateescape"), target, payload)
    return _KEY + sha256(b"".join(b"%d:%b" % (len(part), part) for part in parts)).hexdigest()


def _answer_alone(answered: Deferred[Reply], result: Receipt | PushgateError) -> None:
    if isinstance(result, Receipt):
        refused = dict(result.refused)
        answered.callback(_reply(refused.get(0) or result.id))
    elif (
        isinstance(result, Conflict) and result.first is not None
    ):  # the same message, with an earlier expiration
        answered.callback(_reply(result.first))
    else:
        answered.callback(_reply(result))


def _reply(result: int | PushgateError) -> Reply:
    if isinstance(result, PushgateError):
        return refusal_reply(result)
    return reply(250, "2.0.0", f"OK {id_text(result)}")
