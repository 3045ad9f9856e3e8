"""One request at a server, and its answer."""

from collections import deque
from collections.abc import Callable, Coroutine
from enum import IntEnum
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.model.errors import Internal, Invalid, NotLoggedIn, PushgateError, Refusal
from pushgate.net.http.codec import WITHOUT_LENGTH, Header, RequestHead
from pushgate.net.http.interfaces import BodyReader, RequestOwner
from pushgate.net.http.responses import HTTPFault, HTTPResponse, error_answer

LINGER: Final = 5.0
"""Seconds for an unwanted body to end, and for the peer of a closing connection to take its last answer."""
RATE: Final = 1024
"""Bytes of a body for which it gets a second more."""
BRIEF: Final = 1 << 16
"""Bytes of an unwanted body that are worth reading, so as to keep the connection."""
PIECE: Final = 1 << 16
"""Bytes of an answer that are given to the codec at a time."""
HIGH: Final = 1 << 16
"""Unsent bytes of an answer at which its producer is paused."""


class AnswerState(IntEnum):
    """How much of the answer was given, ascending."""

    NONE = 0
    BEGUN = 1
    COMPLETE = 2
    """All was given; some may wait for the peer, or the body is still coming."""
    OVER = 3


class ServerRequest:
    """A request that is routed when its head is complete, and can be answered before its body is.

    An answer may come at any time. In HTTP/1.1 the request is over when its body is complete too; an unwanted
    body has `LINGER` seconds for that.

    :ivar head: what was asked.
    :ivar gone: the peer is, or does not want the answer.
    :ivar on_end: called when the request is over, answered or not.
    :ivar more_headers: of its answer, errors too; they stand in place of the common ones of the same name.
        Names are in lower case.
    """

    _log = Logger()

    def __init__(self, connection: RequestOwner, head: RequestHead) -> None:
        self.head, self.length = head, head.length
        self.gone = False
        self.on_end: Callable[[], None] | None = None
        self.more_headers: tuple[Header, ...] = ()
        self._connection, self._codec = connection, connection.codec
        self._reader: BodyReader | None = None
        self._answer, self._complete = AnswerState.NONE, False
        self._fields: dict[bytes, list[str]] | None = None
        self._waiting: deque[memoryview] = deque()
        self._size = 0
        self._producer: IPushProducer | None = None
        self._producer_paused = False
        self._due = None if head.length == 0 else connection.now() + connection.body_timeout()

    # called by the connection

    def start(self) -> None:
        """Find the reader of the body."""
        self._try(self._find_reader)
        if self._answer is AnswerState.NONE:
            self._codec.go_on(self.head.stream)

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the body."""
        if self._due is not None and self._answer < AnswerState.COMPLETE:
            self._due += len(data) / RATE
        if self._reader is not None:
            self._try(self._reader.feed, data)

    def complete(self) -> None:
        """The body is complete."""
        self._complete, self._due = True, None
        if self._reader is not None and self._answer < AnswerState.COMPLETE:
            self._try(self._reader.end)
        self._end_if_sent()

    def lost(self) -> None:
        """The peer does not want the answer, or is gone."""
        if self._answer is not AnswerState.OVER:
            self.gone = True
            self._over()

    def pump(self) -> None:
        """Send what waits, as far as the peer takes it."""
        while self._waiting and not self._connection.paused:
            room = min(PIECE, self._codec.room(self.head.stream))
            if room <= 0:
                break
            piece = self._waiting.popleft()
            if len(piece) > room:
                self._waiting.appendleft(piece[room:])
                piece = piece[:room]
            self._count(-len(piece))
            last = not self._waiting and self._answer is AnswerState.COMPLETE
            self._codec.send_data(self.head.stream, bytes(piece), last)
            self._connection.flush(len(piece))
        self._resume_producer()
        self._end_if_sent()

    def transport_paused(self) -> None:
        """The transport takes nothing for now."""
        self._pause_producer()

    @property
    def stalled(self) -> bool:
        """Some of the answer waits for the peer."""
        return bool(self._size)

    def sweep(self, now: float, held: float) -> None:
        """End what took too long.

        :param held: seconds since the last sweep in which the peer was not read.
        """
        if self._due is None:
            return
        self._due += held
        if now < self._due:
            return
        if self._answer >= AnswerState.BEGUN:
            self.abort()
        else:
            self._connection.count_closed("slow")
            self._close_after()
            self.refuse(HTTPFault(408, "body: it comes too slowly"))

    # called by the reader of the body and by the handlers

    def now(self) -> float:
        """Monotonic seconds."""
        return self._connection.now()

    def headers(self, name: bytes) -> list[str]:
        """All values of a header.

        :param name: in lower case.
        """
        if self._fields is None:
            self._fields = {}
            for each, value in self.head.headers:
                self._fields.setdefault(each, []).append(value.decode("latin-1"))
        return self._fields.get(name, [])

    def header(self, name: bytes) -> str | None:
        """A header that may be there once.

        :raises Invalid: it is there more than once, or not in ASCII.
        """
        values = self.headers(name)
        if not values:
            return None
        if len(values) != 1 or not values[0].isascii():
            raise Invalid(name.decode(), f"{len(values)} of it, or not ASCII", "one header in ASCII")
        return values[0]

    def answer(self, answer: HTTPResponse) -> None:
        """Answer with a whole response."""
        if self._answer >= AnswerState.BEGUN or self.gone:
            return
        self._close_if_long()
        headers = answer.headers
        if answer.status not in WITHOUT_LENGTH:
            headers = ((b"content-length", b"%d" % len(answer.body)), *headers)
        self._begin(answer.status, answer.content_type, headers, end=not answer.body)
        if self._answer is AnswerState.BEGUN:
            self._answer = AnswerState.COMPLETE
            if not self._connection.paused and self._codec.room(self.head.stream) >= len(answer.body):
                self._codec.send_data(self.head.stream, answer.body, True)
            else:
                self._write(answer.body)
        self._connection.flush(len(answer.body))
        self._end_if_sent()

    def fail(self, failure: Failure) -> None:
        """Answer with an error, logged if it is a bug; cut short an answer that was begun."""
        error = failure.value
        if self.gone and isinstance(error, CancelledError):
            return
        ends = isinstance(error, NotLoggedIn) and error.closes
        if ends:
            self._connection.count_closed("logins")
            self._close_after()
        if not isinstance(error, Refusal | HTTPFault | Internal):
            self._log.failure("a bug while answering over HTTP", failure)
            error = Internal()
        self.refuse(error)
        if ends:
            self._connection.close_when_answered()

    def refuse(self, error: PushgateError) -> None:
        """Answer with an error; cut short an answer that was begun."""
        if self._answer is AnswerState.NONE:
            self.answer(error_answer(error))
        elif self._answer is AnswerState.BEGUN:
            self.abort()

    def run(self, coroutine: Coroutine[Any, Any, HTTPResponse]) -> None:
        """Answer with what a coroutine returns or raises."""
        running: Deferred[HTTPResponse] = Deferred.fromCoroutine(coroutine)
        running.addCallback(self.answer).addErrback(self.fail)

    def begin(self, status: int, content_type: bytes, *headers: Header) -> None:
        """Begin an answer of any length; `send` goes on, `end` ends it."""
        if self._answer is AnswerState.NONE and not self.gone:
            self._begin(status, content_type, headers, end=False)
            self._connection.flush()

    def send(self, data: bytes) -> None:
        """Go on with an answer; what the peer does not take yet waits here."""
        if self._answer is AnswerState.BEGUN and data:
            self._write(data)

    def stream_from(self, producer: IPushProducer) -> None:
        """Pause and resume a producer, whose `send` the peer may not take as fast as they come."""
        self._producer = producer

    def end(self) -> None:
        """The answer is complete."""
        if self._answer is not AnswerState.BEGUN:
            return
        self._answer, self._producer = AnswerState.COMPLETE, None
        self._close_if_long()
        if not self._waiting:
            self._codec.send_data(self.head.stream, b"", True)
            self._connection.flush()
        self._end_if_sent()

    def abort(self) -> None:
        """End the request without an answer, in HTTP/1.1 together with its connection."""
        if self._answer is AnswerState.OVER:
            return
        self._codec.reset(self.head.stream)
        if self._codec.multiplexed:
            self._connection.flush()
            self.lost()
        else:
            self._connection.abort()

    # within

    def _find_reader(self) -> None:
        self._reader = self._connection.find_reader(self)
        if self._answer >= AnswerState.COMPLETE:
            self._drop_reader()

    def _try(self, call: Callable[..., None], *arguments: Any) -> None:
        try:
            call(*arguments)
        except Exception:  # noqa: BLE001 - every error becomes an answer
            self.fail(Failure())

    def _close_after(self) -> None:
        """End the connection with this answer, in HTTP/1.1; in HTTP/2 the others go on."""
        if not self._codec.multiplexed:
            self._codec.close_after()

    def _close_if_long(self) -> None:
        """End the connection with this answer if what is left of the body will not come, or is not worth
        reading."""
        long = self.head.waits or self.length is None or self.length > BRIEF
        if long and not self._complete:
            self._close_after()

    def _begin(self, status: int, content_type: bytes, headers: tuple[Header, ...], end: bool) -> None:
        self._answer = AnswerState.BEGUN
        common = ((b"content-type", content_type), *self._connection.common_headers())
        lower = tuple((name.lower(), value) for name, value in headers)
        if self.more_headers:
            own = {name for name, _ in self.more_headers}
            common = (*[each for each in common if each[0] not in own], *self.more_headers)
        end = end or self.head.method == b"HEAD"
        self._codec.send_head(self.head.stream, status, common + lower, end)
        if end:
            self._answer = AnswerState.COMPLETE

    def _write(self, data: bytes) -> None:
        self._waiting.append(memoryview(data))
        self._count(len(data))
        self.pump()
        self._connection.flush()
        if self._size > HIGH or (self._size and self._connection.paused):
            self._pause_producer()

    def _count(self, size: int) -> None:
        self._size += size
        self._connection.unsent(size)

    def _pause_producer(self) -> None:
        if self._producer is not None and not self._producer_paused:
            self._producer_paused = True
            self._producer.pauseProducing()

    def _resume_producer(self) -> None:
        if self._producer_paused and self._size <= HIGH // 2 and not self._connection.paused:
            self._producer_paused = False
            if self._producer is not None:
                self._producer.resumeProducing()

    def _end_if_sent(self) -> None:
        if self._answer is not AnswerState.COMPLETE or self._waiting:
            return
        self._drop_reader()
        if self._complete or self._codec.multiplexed or self._codec.finished:
            self._over()
        elif self._due is None or self._due > self._connection.now() + LINGER:
            self._due = self._connection.now() + LINGER

    def _over(self) -> None:
        if self._answer is AnswerState.OVER:
            return
        self._answer, self._due, self._producer = AnswerState.OVER, None, None
        self._waiting.clear()
        self._count(-self._size)
        self._drop_reader()
        on_end, self.on_end = self.on_end, None
        if on_end is not None:
            on_end()
        self._connection.over(self)

    def _drop_reader(self) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()
