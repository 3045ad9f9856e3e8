"""Requests and answers over a connection of HTTP/1.1, one after the other."""

from base64 import b64encode
from collections.abc import Callable
from typing import Final, Generic, TypeVar

import h11
import msgspec

from pushgate import __version__
from pushgate.client.byte_stream import ByteStream, Cut, Deadline, receive, send
from pushgate.model.errors import REFUSALS, Internal, Overloaded, PushgateError
from pushgate.model.printable import printable
from pushgate.protocols.amp.commands import MAX_TEXT

T = TypeVar("T")
MAX_ANSWER: Final = 1 << 26
"""Bytes of the body of an answer at most."""

Headers = tuple[tuple[str, str], ...]


class HTTPCall(msgspec.Struct, Generic[T], frozen=True):
    """A request.

    :param read: makes the result of the body of its answer.
    :param is_repeatable: it may be sent again when no answer came.
    """

    method: str
    target: str
    read: Callable[[bytes], T]
    is_repeatable: bool
    headers: Headers = ()
    body: bytes | None = None


class _Error(msgspec.Struct):
    error: str = ""
    detail: str = ""


class HTTPExchange:
    """One connection, on which one request is under way at a time.

    :param authority: what the header ``Host`` says.
    :param login: name and secret, sent with each request.
    """

    def __init__(self, stream: ByteStream, authority: str, login: tuple[str, bytes] | None) -> None:
        self.stream = stream
        self._connection = h11.Connection(h11.CLIENT)
        self._headers = [("Host", authority), ("User-Agent", f"pushgate/{__version__}")]
        if login is not None:
            credentials = b64encode(login[0].encode() + b":" + login[1]).decode()
            self._headers.append(("Authorization", f"Basic {credentials}"))

    @property
    def is_usable(self) -> bool:
        """Whether another request may be sent."""
        return (
            self._connection.states == {h11.CLIENT: h11.IDLE, h11.SERVER: h11.IDLE}
            and not self.stream.is_stale()
        )

    def close(self) -> None:
        """Close at once."""
        self.stream.close()

    async def start(self, deadline: Deadline) -> None:
        """Nothing: each request has its own login."""

    async def ask(self, call: HTTPCall[T], deadline: Deadline) -> T:
        """The result of a request.

        :raises PushgateError: as the gateway answered.
        :raises Cut: the connection ended before the answer.
        :raises TimeoutError: the answer did not come in time.
        """
        head = await self.begin(call, deadline)
        body = bytearray()
        while (data := await self.more(deadline.left())) is not None:
            body += data
            if len(body) > MAX_ANSWER:
                raise Cut(f"an answer of more than {MAX_ANSWER} bytes")
        if self._connection.our_state is self._connection.their_state is h11.DONE:
            self._connection.start_next_cycle()
        if head.status_code >= 300:
            raise _refusal(head, bytes(body))
        return call.read(bytes(body))

    async def begin(self, call: HTTPCall[T], deadline: Deadline) -> h11.Response:
        """Send a request; return the head of its answer. `more` has the body."""
        headers = [*self._headers, *call.headers]
        if call.body is not None:
            headers += [("Content-Type", "application/json"), ("Content-Length", str(len(call.body)))]
        request = h11.Request(method=call.method, target=call.target, headers=headers)
        events = [request, *([h11.Data(call.body)] if call.body else []), h11.EndOfMessage()]
        await send(
            self.stream, b"".join(self._connection.send(each) or b"" for each in events), deadline.left()
        )
        while True:
            event = await self._next(deadline.left())
            if isinstance(event, h11.Response):
                return event

    async def more(self, timeout: float | None) -> bytes | None:
        """More of the body; None at its end."""
        event = await self._next(timeout)
        return bytes(event.data) if isinstance(event, h11.Data) else None

    async def _next(self, timeout: float | None) -> object:
        try:
            while (event := self._connection.next_event()) is h11.NEED_DATA:
                self._connection.receive_data(await receive(self.stream, timeout))
        except h11.RemoteProtocolError:
            raise Cut("it does not speak HTTP") from None
        return event


def _refusal(head: h11.Response, body: bytes) -> PushgateError:
    """The error that an answer is."""
    try:
        said = msgspec.json.decode(body, type=_Error)
    except msgspec.DecodeError:
        said = _Error()
    kind = REFUSALS.get(said.error)
    text = printable(said.detail, MAX_TEXT)
    if kind is None:
        return Internal(f"the gateway answered with status {head.status_code}: {text or 'no reason given'}")
    refusal = kind.from_text(text)
    after = dict(head.headers).get(b"retry-after", b"")
    if isinstance(refusal, Overloaded) and after.isdigit():
        refusal.retry_after = float(after)
    return refusal
