"""What a client asks, as commands of AMP."""

from collections.abc import Iterator
from typing import Any

import msgspec

from pushgate.client.amp_exchange import AmpCall, AmpExchange
from pushgate.client.byte_stream import ByteStream, Deadline
from pushgate.client.calls import MISSED, DeadPage, StatsPage
from pushgate.client.chunks import Chunk, Payload, Token, part_of, payload_bytes, token_text
from pushgate.client.receipt import ReceiptPart
from pushgate.client.record import Record, decode_record, decode_records
from pushgate.client.send_test import SendTest, decode_send_test
from pushgate.client.terms import BatchArguments, PushArguments
from pushgate.model.dead_token import parse
from pushgate.model.enrolment import Enrolled
from pushgate.model.target import MAX_TARGET, TargetForm
from pushgate.protocols.amp import commands, mdm_commands


class AmpCalls:
    """Makes the commands."""

    def __init__(self, login: tuple[str, bytes] | None) -> None:
        self._login = login

    def exchange(self, stream: ByteStream) -> AmpExchange:
        """What carries them on a connection."""
        return AmpExchange(stream, self._login)

    def push(
        self, app: str, token: Token | None, payload: Payload | None, key: str | None, terms: PushArguments
    ) -> AmpCall[str]:
        """Send one notification; its id."""
        arguments = {
            "app": app,
            "token": None if token is None else token_text(token),
            "payload": None if payload is None else payload_bytes(payload),
            "key": key,
        }
        return AmpCall(
            commands.Push, arguments | {**terms}, lambda answer: str(answer["id"]), key is not None
        )

    def push_chunk(
        self, app: str, chunk: Chunk, key: str | None, pace: str | None, terms: BatchArguments
    ) -> AmpCall[ReceiptPart]:
        """Send the notifications of a chunk; what became of them."""
        arguments = {
            "app": app,
            "tokens": chunk.tokens if chunk.width == 1 else None,
            "targets": chunk.tokens if chunk.width == 2 else None,
            "payload": chunk.payload,
            "payloads": chunk.payloads,
            "key": key,
            "pace": pace,
        }

        def read(answer: dict[str, Any]) -> ReceiptPart:
            return part_of(chunk, answer["id"], answer["refused"], bool(answer.get("repeated")))

        return AmpCall(commands.PushBatch, arguments | {**terms}, read, key is not None)

    def test_send(
        self,
        app: str,
        tokens: list[str] | None,
        payload: Payload | None,
        wait: float | None,
        key: str | None,
        terms: PushArguments,
    ) -> AmpCall[SendTest]:
        """Send to a few devices; what became of each."""
        arguments = {
            "app": app,
            "tokens": None if tokens is None else msgspec.json.encode(tokens),
            "payload": None if payload is None else payload_bytes(payload),
            "wait": None if wait is None else float(wait),
            "key": key,
        }

        def read(answer: dict[str, Any]) -> SendTest:
            return decode_send_test(answer["result"])

        return AmpCall(commands.TestSend, arguments | {**terms}, read, False)

    def status(self, number: str) -> AmpCall[Record]:
        """What became of a notification."""
        return AmpCall(commands.Status, {"id": number}, lambda answer: decode_record(answer["outcome"]), True)

    def trace(self, number: str) -> AmpCall[dict[str, Any]]:
        """The story of a notification."""
        return AmpCall(commands.Trace, {"id": number}, lambda answer: _object(answer["trace"]), True)

    def cancel(self, number: str) -> AmpCall[bool]:
        """Withdraw a notification."""
        return AmpCall(commands.Cancel, {"id": number}, lambda answer: bool(answer["cancelled"]), False)

    def flush(self, number: str) -> AmpCall[int]:
        """Have proven what was written."""
        return AmpCall(commands.Flush, {"id": number}, lambda answer: int(answer["proven"]), False)

    def stats(self, after: str) -> AmpCall[StatsPage]:
        """How the gateway is doing, a page of apps at a time."""

        def read(answer: dict[str, Any]) -> StatsPage:
            page = _object(answer["stats"])
            last = max(page["apps"], default="")
            return page, last if answer.get("more") and last > after else None

        return AmpCall(commands.Stats, {"after": after}, read, True)

    def dead_tokens(self, app: str, after: str | None) -> AmpCall[DeadPage]:
        """Dead tokens, a page at a time."""

        def read(answer: dict[str, Any]) -> DeadPage:
            form = TargetForm(answer.get("form") or TargetForm.HEX)
            lines = answer["entries"].decode().split("\n")[:-1]
            entries = [parse(line, 0, form, MAX_TARGET) for line in lines]
            return entries, form.write(entries[-1].token) if entries and answer["more"] else None

        return AmpCall(commands.DeadTokens, {"app": app, "after": after}, read, True)

    def enrol(
        self, app: str, token: Token, push_magic: str, keep_awake: bool, device: str | None
    ) -> AmpCall[Enrolled]:
        """Report a managed device's ``TokenUpdate``."""
        arguments = {
            "app": app,
            "token": token_text(token),
            "push_magic": push_magic,
            "keep_awake": keep_awake,
            "device": device,
        }
        return AmpCall(mdm_commands.Enrol, arguments, _enrolled, True)

    def check_in(self, app: str, token: Token) -> AmpCall[bool]:
        """Report that a managed device called."""
        return AmpCall(mdm_commands.CheckIn, {"app": app, "token": token_text(token)}, _is_known, True)

    def check_out(self, app: str, token: Token, push_magic: str | None) -> AmpCall[bool]:
        """Report that a managed device left management."""
        arguments = {"app": app, "token": token_text(token), "push_magic": push_magic}
        return AmpCall(mdm_commands.CheckOut, arguments, _is_known, True)

    def feed(self, app: str | None) -> "AmpFeed":
        """Outcomes as they happen."""
        return AmpFeed(app)


class AmpFeed:
    """Outcomes as they happen, on one connection after the other.

    :param app: only of this app.
    """

    def __init__(self, app: str | None) -> None:
        self._app = app

    async def begin(self, exchange: AmpExchange, deadline: Deadline) -> None:
        """Subscribe; raise the gateway's refusal."""
        await exchange.ask(AmpCall(commands.Watch, {"app": self._app}, bool, True), deadline)

    async def next(self, exchange: AmpExchange) -> Iterator[Record | str]:
        """The records that came next."""
        return iter(decode_records(await exchange.outcomes()))

    def missed(self) -> str | None:
        """What is to be said after a connection was lost, and there is another."""
        return MISSED


def _enrolled(answer: dict[str, Any]) -> Enrolled:
    return Enrolled(str(answer["sha256"]), tuple(msgspec.json.decode(answer["warnings"], type=list[str])))


def _is_known(answer: dict[str, Any]) -> bool:
    return bool(answer["known"])


def _object(text: bytes) -> dict[str, Any]:
    return msgspec.json.decode(text, type=dict[str, Any])
