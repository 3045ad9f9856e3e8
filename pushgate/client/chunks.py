"""Cutting a batch of any size into commands that AMP can carry."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final
from uuid import UUID

import msgspec

from pushgate.client.receipt import ReceiptPart, Refused
from pushgate.model.dead_token import DeadTokenEntry, json_line, line
from pushgate.model.errors import Invalid, Refusal, TooLarge
from pushgate.model.packed import Packed
from pushgate.model.printable import printable
from pushgate.model.target import MAX_TARGET, TargetForm
from pushgate.protocols.amp.commands import MAX_TEXT, MAX_VALUE
from pushgate.protocols.apns_rules import MAX_TOKEN, parse_token

MAX_CHUNK: Final = 1000
"""Notifications of one command at most; more would not be faster. A key stands for chunks of this size."""
MAX_EACH: Final = MAX_VALUE - 2
"""Bytes of a payload at most where each notification has its own."""

OF_MEMBERS: Final = (Invalid, TooLarge)
"""What is wrong with the notifications of a chunk; any other refusal would meet the next chunk as well."""

Token = str | bytes
"""A device token: in hex, or its bytes. Where a push service has other targets: their text, or its bytes."""
Payload = Mapping[str, Any] | str | bytes
"""A JSON object: as Python has it, or encoded."""


class Chunk(msgspec.Struct, frozen=True):
    """What one `PushBatch` carries.

    :param number: counts the chunks of the batch, from 0.
    :param width: bytes of the length before each token: 1, or 2 for targets of any kind.
    :param start: the place of its first notification in the whole batch.
    :param faults: notifications that cannot be sent. Each has an empty token in the chunk, so that the
        others keep their places; the gateway refuses that, and the reason here is the true one.
    """

    number: int
    start: int
    count: int
    width: int
    tokens: bytes
    payload: bytes | None
    payloads: bytes | None
    faults: tuple[Refused, ...]


def chunks(
    tokens: Iterable[Token], payload: Payload | None, payloads: Iterable[Payload] | None, width: int = 1
) -> Iterator[Chunk]:
    """Cut a batch, reading no further ahead than one chunk. Equal batches are cut equally.

    :param width: 2 for targets, whose texts are UTF-8 as they stand.
    :param payload: for all, or `payloads`, one for each token.
    :raises Invalid: when tokens and payloads do not go together.
    :raises TooLarge: when the one payload for all fits into no command.
    """
    if isinstance(tokens, Token):
        raise Invalid("tokens", "a single text", "an iterable of tokens")
    if (payload is None) == (payloads is None):
        raise Invalid("payload", "neither" if payload is None else "both", "either payload or payloads")
    shared = None if payload is None else payload_bytes(payload)
    if shared is not None and len(shared) > MAX_VALUE:
        raise TooLarge("payload", len(shared), MAX_VALUE)
    parse = token_bytes if width == 1 else target_bytes
    builder = _Builder(0, 0, shared, width)
    for token, own in _pairs(tokens, payloads):
        member = _Member(builder.start + builder.count, token, own, parse)
        if not builder.has_room(member):
            yield builder.chunk()
            builder = _Builder(builder.number + 1, builder.start + builder.count, shared, width)
        builder.add(member)
    if builder.count:
        yield builder.chunk()


def chunks_of(
    tokens: Iterable[Token] | None,
    targets: Iterable[Token] | None,
    payload: Payload | None,
    payloads: Iterable[Payload] | None,
) -> Iterator[Chunk]:
    """Cut a batch of tokens, or of targets; see `chunks`.

    :raises Invalid: when it is neither, or both.
    """
    if (tokens is None) == (targets is None):
        raise Invalid("targets", "neither" if tokens is None else "both", "either tokens or targets")
    if tokens is not None:
        yield from chunks(tokens, payload, payloads)
    if targets is not None:
        yield from chunks(targets, payload, payloads, 2)


def part_of(chunk: Chunk, number: str, refused: bytes, repeated: bool) -> ReceiptPart:
    """What a gateway's answer says of a chunk.

    :param number: the id of its first notification.
    :param refused: in JSON, ``[index, "CODE", "reason"]`` of each that was not accepted.
    """
    listed = msgspec.json.decode(refused, type=list[tuple[int, str, str]])
    found = {chunk.start + index: (code, reason) for index, code, reason in listed}
    found |= {fault.index: (fault.code, fault.reason) for fault in chunk.faults}
    members = tuple(
        Refused(index, printable(code), printable(why, MAX_TEXT))
        for index, (code, why) in sorted(found.items())
    )
    return ReceiptPart(chunk.start, chunk.count, UUID(number).int, members, repeated)


def refused_part(chunk: Chunk, refusal: Refusal) -> ReceiptPart:
    """What is known of a chunk that was refused whole, for what is wrong with its notifications."""
    reasons = {fault.index: fault for fault in chunk.faults}
    refused = tuple(
        reasons.get(index) or Refused(index, refusal.code, str(refusal))
        for index in range(chunk.start, chunk.start + chunk.count)
    )
    return ReceiptPart(chunk.start, chunk.count, None, refused)


def entry_chunks(entries: Iterable[DeadTokenEntry], form: TargetForm) -> Iterator[bytes]:
    """Dead tokens as lines, as many in each piece as one value carries.

    :param form: how the app writes tokens.
    """
    piece: list[bytes] = []
    size = 0
    write = line if form is TargetForm.HEX else json_line
    for entry in entries:
        text = f"{write(entry, form)}\n".encode()
        if size + len(text) > MAX_VALUE:
            yield b"".join(piece)
            piece, size = [], 0
        piece.append(text)
        size += len(text)
    if piece:
        yield b"".join(piece)


def token_chunks(tokens: Iterable[Token], form: TargetForm) -> Iterator[bytes]:
    """Tokens packed, as many in each piece as one value carries; targets, if they are no hex."""
    width, parse = (1, token_bytes) if form is TargetForm.HEX else (2, target_bytes)
    piece: list[bytes] = []
    size = 0
    for token in map(parse, tokens):
        if size + width + len(token) > MAX_VALUE:
            yield Packed.of(piece, width).blob
            piece, size = [], 0
        piece.append(token)
        size += width + len(token)
    if piece:
        yield Packed.of(piece, width).blob


def payload_bytes(payload: Payload) -> bytes:
    """A payload as JSON in UTF-8; raise `Invalid` when a text in it is not all Unicode."""
    if isinstance(payload, bytes):
        return payload
    try:
        return payload.encode() if isinstance(payload, str) else msgspec.json.encode(payload)
    except UnicodeEncodeError:  # half a surrogate pair, as cutting a JavaScript string leaves it
        raise Invalid("payload", "a text with half a surrogate pair", "JSON in UTF-8") from None


def token_bytes(token: Token) -> bytes:
    """A device token's bytes; raise `Invalid` when it is none."""
    if isinstance(token, str):
        return parse_token(token)
    if not 1 <= len(token) <= MAX_TOKEN:
        raise Invalid("token", f"{len(token)} bytes", f"1 to {MAX_TOKEN} bytes")
    return token


def token_text(token: Token) -> str:
    """A token as text: the bytes of one in hex."""
    return token if isinstance(token, str) else token_bytes(token).hex()


def token_texts(tokens: Iterable[Token]) -> list[str]:
    """Likewise of a few; raise `Invalid` when it is but one."""
    if isinstance(tokens, Token):
        raise Invalid("tokens", "a single text", "an iterable of tokens")
    return [token_text(token) for token in tokens]


def target_bytes(target: Token) -> bytes:
    """The bytes of a target of any kind, of which a text is UTF-8; raise `Invalid` when it is none."""
    if isinstance(target, str):
        return TargetForm.TEXT.parse(target, MAX_TARGET, "target")
    if not 1 <= len(target) <= MAX_TARGET:
        raise Invalid("target", f"{len(target)} bytes", f"1 to {MAX_TARGET} bytes")
    return target


class _Member:
    """One notification, or the gap it leaves when it cannot be sent."""

    __slots__ = ("fault", "payload", "token")

    def __init__(
        self, index: int, token: Token, payload: Payload | None, parse: Callable[[Token], bytes]
    ) -> None:
        self.fault: Refused | None = None
        try:
            self.payload = b"" if payload is None else payload_bytes(payload)
            self.token = parse(token)
            if len(self.payload) > MAX_EACH:
                raise TooLarge("payload", len(self.payload), MAX_EACH)
        except Refusal as refusal:
            self.token = self.payload = b""
            self.fault = Refused(index, refusal.code, str(refusal))


class _Builder:
    """Fills one chunk."""

    def __init__(self, number: int, start: int, shared: bytes | None, width: int) -> None:
        self.number, self.start, self.count = number, start, 0
        self._shared, self._width = shared, width
        self._tokens, self._payloads = bytearray(), bytearray()
        self._faults: list[Refused] = []

    def has_room(self, member: _Member) -> bool:
        return (
            self.count < MAX_CHUNK
            and len(self._tokens) + self._width + len(member.token) <= MAX_VALUE
            and len(self._payloads) + 2 + len(member.payload) <= MAX_VALUE
        )

    def add(self, member: _Member) -> None:
        self.count += 1
        self._tokens += len(member.token).to_bytes(self._width, "big")
        self._tokens += member.token
        if self._shared is None:
            self._payloads += len(member.payload).to_bytes(2, "big")
            self._payloads += member.payload
        if member.fault is not None:
            self._faults.append(member.fault)

    def chunk(self) -> Chunk:
        payloads = bytes(self._payloads) if self._shared is None else None
        return Chunk(
            self.number,
            self.start,
            self.count,
            self._width,
            bytes(self._tokens),
            self._shared,
            payloads,
            tuple(self._faults),
        )


def _pairs(
    tokens: Iterable[Token], payloads: Iterable[Payload] | None
) -> Iterator[tuple[Token, Payload | None]]:
    """Each token with its own payload, if each has one."""
    if payloads is None:
        yield from ((token, None) for token in tokens)
        return
    rest = iter(payloads)
    for token in tokens:
        own = next(rest, None)
        if own is None:
            raise Invalid("payloads", "fewer than tokens", "one each")
        yield token, own
    if next(rest, None) is not None:
        raise Invalid("payloads", "more than tokens", "one each")
