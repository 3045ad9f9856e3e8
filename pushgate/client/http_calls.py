"""What a client without a reactor asks, as requests of HTTP."""

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Raw

from pushgate.client.byte_stream import ByteStream, Cut, Deadline
from pushgate.client.calls import MISSED, DeadPage, StatsPage
from pushgate.client.chunks import Chunk, Payload, Token, part_of, payload_bytes, token_text
from pushgate.client.event_reader import Event, EventReader
from pushgate.client.http_exchange import Headers, HTTPCall, HTTPExchange
from pushgate.client.receipt import ReceiptPart
from pushgate.client.record import Record, decode_record
from pushgate.client.send_test import SendTest, decode_send_test
from pushgate.client.terms import BatchArguments, PushArguments
from pushgate.model.dead_token import parse
from pushgate.model.enrolment import Enrolled
from pushgate.model.errors import Invalid
from pushgate.model.packed import Packed
from pushgate.model.target import MAX_TARGET, TargetForm

T = TypeVar("T")
_SILENCE: Final = 60.0
"""Seconds without a word after which a stream of events is dead: the gateway sends a comment every 15 s."""


class _Receipt(msgspec.Struct):
    id: str
    refused: Raw = Raw(b"[]")
    repeated: bool = False


class _DeadPage(msgspec.Struct):
    entries: list[Raw]
    form: TargetForm
    more: bool


_LONGEST_WAIT: Final = 3600.0
_receipt = msgspec.json.Decoder(_Receipt).decode
_enrolled = msgspec.json.Decoder(Enrolled).decode
_dead_page = msgspec.json.Decoder(_DeadPage).decode


class HTTPCalls:
    """Makes the requests.

    :param authority: what the header ``Host`` says.
    """

    def __init__(self, authority: str, login: tuple[str, bytes] | None) -> None:
        self._authority, self._login = authority, login

    def exchange(self, stream: ByteStream) -> HTTPExchange:
        """What carries them on a connection."""
        return HTTPExchange(stream, self._authority, self._login)

    def push(
        self, app: str, token: Token | None, payload: Payload | None, key: str | None, terms: PushArguments
    ) -> HTTPCall[str]:
        """Send one notification; its id."""
        body: dict[str, Any] = {**terms}
        if token is not None:
            body["token"] = token_text(token)
        if payload is not None:
            body["payload"] = _payload(payload_bytes(payload))
        return self._post(app, body, key, lambda answer: _receipt(answer).id)

    def push_chunk(
        self, app: str, chunk: Chunk, key: str | None, pace: str | None, terms: BatchArguments
    ) -> HTTPCall[ReceiptPart]:
        """Send the notifications of a chunk; what became of them."""
        form = TargetForm.HEX if chunk.width == 1 else TargetForm.TEXT
        texts = [form.write(target) for target in Packed(chunk.tokens, chunk.width)]
        pacing = {name: terms[name] for name in ("rate",) if name in terms}
        body: dict[str, Any] = pacing | ({"pace": pace} if pace is not None else {})
        own = {name: value for name, value in terms.items() if name not in pacing}
        if chunk.payloads is None:
            body |= own | {"tokens": texts, "payload": _payload(chunk.payload or b"")}
        else:
            pairs = zip(texts, Packed(chunk.payloads, 2), strict=True)
            body["notifications"] = [own | {"token": text, "payload": _payload(each)} for text, each in pairs]

        def read(answer: bytes) -> ReceiptPart:
            receipt = _receipt(answer)
            return part_of(chunk, receipt.id, bytes(receipt.refused), receipt.repeated)

        return self._post(app, body, key, read)

    def test_send(
        self,
        app: str,
        tokens: list[str] | None,
        payload: Payload | None,
        wait: float | None,
        key: str | None,
        terms: PushArguments,
    ) -> HTTPCall[SendTest]:
        """Send to a few devices; what became of each."""
        body: dict[str, Any] = {**terms}
        if payload is not None:
            body["payload"] = _payload(payload_bytes(payload))
        if tokens is not None and "push_magic" in body:  # which belongs to one device
            body = {"notifications": [body | {"token": token} for token in tokens]}
        elif tokens is not None:
            body["tokens"] = tokens
        query = "?test" if wait is None else f"?test&wait={min(wait, _LONGEST_WAIT) * 1000:.0f}ms"
        return self._post(app, body, key, decode_send_test, query)

    def status(self, number: str) -> HTTPCall[Record]:
        """What became of a notification."""
        return HTTPCall("GET", _notification(number), decode_record, True)

    def trace(self, number: str) -> HTTPCall[dict[str, Any]]:
        """The story of a notification."""
        return HTTPCall("GET", _notification(number), _object, True)

    def cancel(self, number: str) -> HTTPCall[bool]:
        """Withdraw a notification."""
        return HTTPCall(
            "DELETE", _notification(number), lambda answer: bool(_object(answer)["cancelled"]), False
        )

    def flush(self, number: str) -> HTTPCall[int]:
        """Have proven what was written."""
        target = f"{_notification(number)}/flush"
        return HTTPCall("POST", target, lambda answer: int(_object(answer)["proven"]), False, body=b"")

    def stats(self, after: str) -> HTTPCall[StatsPage]:
        """How the gateway is doing, all of it."""
        return HTTPCall("GET", "/v1/stats", lambda answer: (_object(answer), None), True)

    def dead_tokens(self, app: str, after: str | None) -> HTTPCall[DeadPage]:
        """Dead tokens, a page at a time."""
        query = "" if after is None else f"?after={quote(after, safe='')}"

        def read(answer: bytes) -> DeadPage:
            page = _dead_page(answer)
            entries = [parse(bytes(each).decode(), 0, page.form, MAX_TARGET) for each in page.entries]
            return entries, page.form.write(entries[-1].token) if entries and page.more else None

        return HTTPCall("GET", f"/v1/apps/{quote(app, safe='')}/dead-tokens{query}", read, True)

    def enrol(
        self, app: str, token: Token, push_magic: str, keep_awake: bool, device: str | None
    ) -> HTTPCall[Enrolled]:
        """Report a managed device's ``TokenUpdate``."""
        body = {"token": token_text(token), "push_magic": push_magic, "keep_awake": keep_awake}
        whole = body if device is None else body | {"device": device}
        return _report(app, "enrolments", whole, _enrolled)

    def check_in(self, app: str, token: Token) -> HTTPCall[bool]:
        """Report that a managed device called."""
        return _report(app, "checkins", {"token": token_text(token)}, _is_known)

    def check_out(self, app: str, token: Token, push_magic: str | None) -> HTTPCall[bool]:
        """Report that a managed device left management."""
        magic = {} if push_magic is None else {"push_magic": push_magic}
        return _report(app, "checkouts", {"token": token_text(token), **magic}, _is_known)

    def feed(self, app: str | None) -> "HTTPFeed":
        """Outcomes as they happen."""
        return HTTPFeed(app)

    def _post(
        self,
        app: str,
        body: dict[str, Any],
        key: str | None,
        read: Callable[[bytes], T],
        query: str = "",
    ) -> HTTPCall[T]:
        headers: Headers = ()
        if key is not None:
            if not (key.isascii() and key.isprintable() and key == key.strip()):
                raise Invalid("key", "a text with other characters", "printable ASCII, over HTTP")
            headers = (("Idempotency-Key", key),)
        target = f"/v1/apps/{quote(app, safe='')}/notifications{query}"
        is_repeatable = key is not None and not query  # a test send is not: its answer would be another
        return HTTPCall("POST", target, read, is_repeatable, headers, msgspec.json.encode(body))


class HTTPFeed:
    """Outcomes as they happen, on one connection after the other, resumed where the gateway keeps them.

    :param app: only of this app.
    """

    def __init__(self, app: str | None) -> None:
        self._target = "/v1/outcomes" + ("" if app is None else f"?app={quote(app, safe='')}")
        self._last: str | None = None
        self._reader = EventReader()

    async def begin(self, exchange: HTTPExchange, deadline: Deadline) -> None:
        """Subscribe; raise the gateway's refusal."""
        headers: Headers = () if self._last is None else (("Last-Event-ID", self._last),)
        self._reader = EventReader()
        await exchange.begin(HTTPCall("GET", self._target, _object, True, headers), deadline)

    async def next(self, exchange: HTTPExchange) -> Iterator[Record | str]:
        """The records that came next; a text says that some are missing."""
        try:
            data = await exchange.more(_SILENCE)
        except TimeoutError:
            raise Cut(f"nothing came for {_SILENCE:g} s") from None
        if data is None:
            raise Cut("it ended the stream")
        return self._read(data)

    def missed(self) -> str | None:
        """Nothing, as a rule: the gateway says so itself, where it does not know what was missed.

        A connection that was lost before its first id left nothing to go on behind.
        """
        return MISSED if self._last is None else None

    def _read(self, data: bytes) -> Iterator[Record | str]:
        for event in self._reader.feed(data):
            self._last = event.id or self._last
            if event.data:
                yield _gap(event) if event.kind == "gap" else decode_record(event.data)


def _gap(event: Event) -> str:
    return str(_object(event.data.encode()).get("detail", "outcomes are missing"))


def _payload(payload: bytes) -> Raw | str:
    """A payload in JSON: an object or a list as it is written, anything else as a text."""
    try:
        found = msgspec.json.decode(payload)
    except msgspec.DecodeError:
        found = None
    if isinstance(found, dict | list):
        return Raw(payload)
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise Invalid("payload", f"{len(payload)} bytes", "UTF-8, over HTTP") from None


def _report(app: str, what: str, body: dict[str, Any], read: Callable[[bytes], T]) -> HTTPCall[T]:
    """What an MDM server reports of a device; twice is as good as once."""
    target = f"/v1/apps/{quote(app, safe='')}/{what}"
    return HTTPCall("POST", target, read, True, body=msgspec.json.encode(body))


def _is_known(answer: bytes) -> bool:
    return bool(_object(answer)["known"])


def _notification(number: str) -> str:
    return f"/v1/notifications/{quote(number, safe='')}"


def _object(text: bytes) -> dict[str, Any]:
    return msgspec.json.decode(text, type=dict[str, Any])
