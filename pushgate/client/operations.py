"""What a program asks of a gateway, whatever the transport and however the program waits: pure.

Connections, time and chance are those of the `Asks` that it is given. `AsyncClient` has these methods as they
are, `SyncClient` runs each to its end, and those of Twisted's `Client` return Deferreds.
"""

from collections.abc import AsyncIterator, Iterable
from typing import Any, Protocol, TypeVar, Unpack
from uuid import uuid4

from pushgate.client.calls import Call, Calls
from pushgate.client.chunks import OF_MEMBERS, Chunk, Payload, Token, chunks_of, refused_part, token_texts
from pushgate.client.receipt import PushReceipt, ReceiptPart, receipt_of
from pushgate.client.record import Record
from pushgate.client.send_test import SendTest
from pushgate.client.terms import BatchArguments, PushArguments
from pushgate.model.dead_token import DeadTokenEntry
from pushgate.model.enrolment import Enrolled
from pushgate.model.errors import Refusal

T = TypeVar("T")


class Asks(Protocol):
    """What asks a gateway: one transport, and one way to wait."""

    @property
    def calls(self) -> Calls:
        """Makes what `ask` takes."""

    async def ask(self, call: Call[T], *, retry_for: float | None = None) -> T:
        """The result of a call, repeated as long as that is harmless and there is time.

        :param retry_for: seconds for which a gateway that is overloaded is asked again; None: as usual.
        :raises PushgateError: see `pushgate.client`.
        """


class Operations:
    """The operations of a gateway. Each raises `PushgateError`; see `pushgate.client`."""

    def __init__(self, gateway: Asks) -> None:
        self._gateway, self._calls = gateway, gateway.calls

    async def push(
        self,
        app: str,
        token: Token | None,
        payload: Payload | None = None,
        *,
        key: str | None = None,
        **terms: Unpack[PushArguments],
    ) -> str:
        """Send one notification; return its id once the gateway keeps it safe.

        :param token: as the push service writes it: a device token in hex; or a device token's bytes. None
            for a broadcast, with ``channel`` in its place.
        :param payload: a JSON object: a dict, or encoded. None with ``push_magic``.
        :param key: the idempotency key.
        :raises PushgateError: see `pushgate.client`.
        """
        return await self._gateway.ask(self._calls.push(app, token, payload, key, terms))

    async def push_batch(
        self,
        app: str,
        tokens: Iterable[Token] | None = None,
        payload: Payload | None = None,
        *,
        targets: Iterable[Token] | None = None,
        payloads: Iterable[Payload] | None = None,
        key: str | None = None,
        **terms: Unpack[BatchArguments],
    ) -> PushReceipt:
        """Send a notification to each of `tokens`, of which there may be any number; return the receipt.

        Where the push service has no device tokens, `targets` takes their place: bytes or text, of up to
        4,096 bytes each; over HTTP text only. One that is bad is refused by its index, in the receipt, and
        the others go through.

        :param payload: for all of them; or `payloads`, one for each.
        :param key: the idempotency key of the whole: repeated with the same tokens in the same order, nothing
            is sent twice.
        :raises PartlySent: it failed after some were accepted.
        :raises PushgateError: nothing was accepted; see `pushgate.client`.
        """
        if "rate" in terms:
            terms["rate"] = float(terms["rate"])
        pace = (key or uuid4().hex) if terms.get("rate") else None
        parts: list[ReceiptPart] = []
        refusal: Refusal | None = None
        error: Exception | None = None
        try:
            for chunk in chunks_of(tokens, targets, payload, payloads):
                part, fault = await self._push_chunk(app, chunk, key, pace, terms)
                parts.append(part)
                refusal = refusal or fault
        except Exception as ended:  # noqa: BLE001 - raised with what is known by then
            error = ended
        return receipt_of(parts, error, refusal)

    async def test_send(
        self,
        app: str,
        tokens: Iterable[Token] | None = None,
        payload: Payload | None = None,
        *,
        wait: float | None = None,
        key: str | None = None,
        **terms: Unpack[PushArguments],
    ) -> SendTest:
        """Send to ten devices at most; return what became of each, in words too.

        An app has ten test sends in a minute: one more raises `Overloaded`, and is not asked again.

        :param tokens: as `push` takes one; None with ``channel``.
        :param payload: as for `push`.
        :param wait: seconds to wait, 30 by default and at most; what has no outcome by then says where it is.
        :raises PushgateError: see `pushgate.client`.
        """
        texts = None if tokens is None else token_texts(tokens)
        call = self._calls.test_send(app, texts, payload, wait, key, terms)
        return await self._gateway.ask(call, retry_for=0.0)

    async def status(self, id: str) -> Record:  # noqa: A002 - the contract's word
        """What became of a notification; raise `NotFound` when its outcome is no longer kept."""
        return await self._gateway.ask(self._calls.status(id))

    async def trace(self, id: str) -> dict[str, Any]:  # noqa: A002 - the contract's word
        """The story of a notification: the fields of its record, and `events` step by step."""
        return await self._gateway.ask(self._calls.trace(id))

    async def cancel(self, id: str) -> bool:  # noqa: A002 - the contract's word
        """Withdraw a notification; return False when it was written already or is done."""
        return await self._gateway.ask(self._calls.cancel(id))

    async def flush(self, id: str) -> int:  # noqa: A002 - the contract's word
        """Have proven what the app of this notification or batch has written; return how many were."""
        return await self._gateway.ask(self._calls.flush(id))

    async def stats(self) -> dict[str, Any]:
        """Queues, windows, connections, circuits and counts of the gateway, however many apps it has."""
        stats: dict[str, Any] = {}
        after: str | None = ""
        while after is not None:
            page, after = await self._gateway.ask(self._calls.stats(after))
            for part, value in page.items():
                stats[part] = stats.get(part, {}) | value if isinstance(value, dict) else value
        return stats

    async def dead_tokens(self, app: str) -> AsyncIterator[DeadTokenEntry]:
        """Every token of an app that the gateway takes for dead, in the order of the tokens."""
        after, more = None, True
        while more:
            entries, after = await self._gateway.ask(self._calls.dead_tokens(app, after))
            for entry in entries:
                yield entry
            more = after is not None

    async def enrol(
        self, app: str, token: Token, push_magic: str, *, keep_awake: bool = False, device: str | None = None
    ) -> Enrolled:
        """Report a managed device's ``TokenUpdate``; return once it is kept. The device is pushed to until
        `check_in` or `check_out`.

        :param keep_awake: push to it every 26 h while it is silent.
        :param device: what the MDM server knows the device by: an earlier enrolment of it is superseded.
        """
        return await self._gateway.ask(self._calls.enrol(app, token, push_magic, keep_awake, device))

    async def check_in(self, app: str, token: Token) -> bool:
        """Report that a managed device called its MDM server; return False when it is not known."""
        return await self._gateway.ask(self._calls.check_in(app, token))

    async def check_out(self, app: str, token: Token, *, push_magic: str | None = None) -> bool:
        """Report that a managed device left management; return False when it is not known. It is woken no
        more until it enrols anew.

        :param push_magic: of the enrolment that has ended. When the device has enrolled anew since, with
            another one, that enrolment stays, and False is returned.
        """
        return await self._gateway.ask(self._calls.check_out(app, token, push_magic))

    async def _push_chunk(
        self, app: str, chunk: Chunk, key: str | None, pace: str | None, terms: BatchArguments
    ) -> tuple[ReceiptPart, Refusal | None]:
        """Send a chunk; what became of it, and what it was refused for when all of it was."""
        own = None if key is None else f"{key}/{chunk.number}"
        try:
            return await self._gateway.ask(self._calls.push_chunk(app, chunk, own, pace, terms)), None
        except OF_MEMBERS as refusal:
            return refused_part(chunk, refusal), refusal
