"""One connection of the line door."""

from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Final

from twisted.internet.interfaces import IDelayedCall, IHalfCloseableProtocol, IPushProducer, ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.errors import PushgateError, Refusal, TooLarge
from pushgate.inputs.brake import Brake
from pushgate.inputs.line.answers import Answers, accepted, error
from pushgate.inputs.line.commands import Place, respond
from pushgate.inputs.line.push import read_bulk
from pushgate.inputs.line.reader import MAX_LINE, LineReader
from pushgate.inputs.patience import Patience
from pushgate.inputs.pressure import FullQueues
from pushgate.inputs.visitor import Visitor
from pushgate.interfaces import Receipt
from pushgate.principals import Operation

if TYPE_CHECKING:
    from pushgate.inputs.line.server import LineServer

LINGER: Final = 5.0
"""Seconds a closing connection has to take its last answers."""
LOGIN_TIMEOUT: Final = 30.0
"""Seconds for which a peer may be nobody, where nobody may do nothing: it would take others' place."""
PIECE: Final = 1 << 16
"""Bytes of answers after which they are sent, although more lines came in the same piece: short questions may
have long answers, and nobody may read them."""
_UNANSWERED, _UNREAD = "lines without answers", "answers not read"


@implementer(IPushProducer, IHalfCloseableProtocol)
class Connection(Protocol):
    """Answers lines, in their order; the answers to what came in one piece go back as one.

    It reads no further while as many lines are unanswered as the door allows, while the peer does not read
    its answers, or while a queue that the peer feeds is nearly full. A peer that has said all and closes its
    side, as ``printf ... | nc`` does, gets its answers.

    :ivar under_way: lines that wait for their answer.
    :ivar visitor: who is at the other end.
    """

    log = Logger()

    def __init__(self, server: "LineServer") -> None:
        self.server = server
        self.under_way = 0
        self.visitor: Visitor
        self._limit = server.config.unanswered
        self._reader = LineReader()
        self._received: deque[bytes] = deque()
        self._blocks: deque[bytes | None] = deque()
        self._pieces: deque[Answers] = deque()
        self._brake: Brake
        self._full: FullQueues
        self._patience = Patience(server.clock, server.config.request_timeout, self._too_slow)
        self._reading = self._ended = self._leaving = self._closing = self._lost = False
        self._abort: IDelayedCall | None = None
        self._nobody: IDelayedCall | None = None

    # called by the transport

    def connectionMade(self) -> None:
        assert self.transport is not None
        self._brake = Brake(self.transport, self._released)  # type: ignore[arg-type]  # every transport can pause
        self._full = self.server.full_queues(self._brake)
        self.transport.registerProducer(self, True)  # type: ignore[attr-defined] # every stream has it
        if ITCPTransport.providedBy(self.transport):
            self.transport.setTcpNoDelay(True)
            self.transport.setTcpKeepAlive(True)
        self.visitor = self.server.porter.visitor(self.transport)
        if self.server.porter.anonymous() is None:
            self._nobody = self.server.clock.callLater(LOGIN_TIMEOUT, self._still_nobody)
        self.server.joined(self)

    def dataReceived(self, data: bytes) -> None:
        if not self._leaving:
            self._received.append(data)
            self._read()

    def readConnectionLost(self) -> None:
        """The peer has said all; a last line need not have an end."""
        self._ended = True
        self._read()

    def writeConnectionLost(self) -> None:
        """The peer takes no answers any more."""
        self.close("it does not take its answers")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._lost = self._leaving = self._closing = True
        for call in (self._abort, self._nobody):
            if call is not None:
                call.cancel()
        self._abort = self._nobody = None
        self._full.stop()
        self._patience.stop()
        self._received.clear()
        self._blocks.clear()
        self.server.left(self)

    def pauseProducing(self) -> None:
        """Called when answers pile up: the peer sends without reading."""
        self._brake.hold(_UNREAD)

    def resumeProducing(self) -> None:
        """Called when they are read."""
        self._brake.release(_UNREAD)

    def stopProducing(self) -> None:
        """Called when the transport is lost; `connectionLost` does the work."""

    # called by the commands and the door

    def fed(self, app: str) -> None:
        """Note that the peer submitted something to `app`."""
        self._full.fed(app)

    def finish(self, answers: Answers, lines: int) -> None:
        """So many lines of a piece were answered."""
        self.under_way -= lines
        if answers.ready:
            self._go()
        if self.under_way <= self._limit * 4 // 5 and not self._closing:
            self._brake.release(_UNANSWERED)
        self.server.finished()

    def leave(self) -> None:
        """Take no further lines, and close when all are answered."""
        self._leaving = True

    def close(self, reason: str = "") -> None:
        """Send what is written, then close; after `LINGER` seconds anyway.

        :param reason: what to log, "" when there is nothing to say.
        """
        if self._closing:
            return
        self._leaving = self._closing = True
        assert self.transport is not None
        if reason:
            self.log.info(
                "closing the connection from {peer}: {why}", peer=self.transport.getPeer(), why=reason
            )
        # A TLS transport closes only without a producer, and once it has read the peer's farewell.
        self.transport.unregisterProducer()  # type: ignore[attr-defined] # every stream has it
        self._full.stop()
        self._patience.stop()
        self._brake.release(_UNREAD)
        self._brake.release(_UNANSWERED)
        self.transport.loseConnection()
        self._abort = self.server.clock.callLater(LINGER, self._abort_now)

    def abort(self) -> None:
        """Close at once."""
        if not self._lost:
            self.transport.abortConnection()  # type: ignore[union-attr]  # TCP, TLS and UNIX transports have it

    # reading

    def _released(self) -> None:
        self._patience.restart()
        self._read()

    def _too_slow(self) -> None:
        if self._brake.held:
            self._patience.read(True, self._reader.partial)
            return
        self.server.count_closed("slow")
        if self.under_way:
            self.leave()  # when all before it is answered
        else:
            self.close(f"the rest of a line did not come within {self.server.config.request_timeout:g} s")

    def _read(self) -> None:
        """Work off what was received, as far as the brake lets it."""
        if self._reading:
            return
        self._reading, progress = True, False
        while self._more() and not (self._brake.held or self._leaving):
            progress = progress or bool(self._blocks)
            self._answer()
            self._go()
        if self._ended and not (self._received or self._blocks):
            self.leave()
        self._reading = False
        if not self._leaving:
            self._patience.read(progress, self._reader.partial)
        self._go()

    def _more(self) -> bool:
        """Have lines at hand, if there are any."""
        if not self._blocks and self._received:
            self._blocks.extend(self._reader.feed(self._received.popleft()))
        if not self._blocks and not self._received and self._ended:
            self._blocks.extend(self._reader.end())
        return bool(self._blocks or self._received)

    def _answer(self) -> None:
        """Answer the lines at hand, as one piece."""
        answers = Answers()
        self._pieces.append(answers)
        while self._blocks and not self._enough(answers):
            block = self._blocks.popleft()
            if block is None:
                self._count(1)
                Place(self, answers).refuse(TooLarge("line", MAX_LINE + 1, MAX_LINE))
            elif not self._bulk(block, answers):
                self._one_by_one(block, answers)
        answers.complete = True

    def _one_by_one(self, block: bytes, answers: Answers) -> None:
        lines = block.split(b"\n")
        for number, line in enumerate(lines):
            if self._enough(answers):
                self._blocks.appendleft(b"\n".join(lines[number:]))
                return
            if stripped := line.strip():
                self._count(1)
                respond(Place(self, answers), stripped)

    def _enough(self, answers: Answers) -> bool:
        """Whether the next line has to wait."""
        return self._leaving or self._brake.held or answers.size >= PIECE

    def _bulk(self, block: bytes, answers: Answers) -> bool:
        """Answer a block of lines that belong together; False when each has to be looked at by itself."""
        submission = None if self.server.stopping else read_bulk(block)
        if submission is None:
            return False
        count = len(submission.tokens)
        try:
            self.visitor.permit(Operation.PUSH, submission.app, count)
        except Refusal:  # perhaps some of them may go
            return False
        self._count(count)
        place = answers.reserve(count)
        self.server.gatherer.submit(submission, partial(self._bulk_told, answers, place, count))
        self.fed(submission.app)
        return True

    def _bulk_told(self, answers: Answers, place: int, count: int, result: Receipt | PushgateError) -> None:
        answer = accepted(result) if isinstance(result, Receipt) else error(result) * count
        answers.fill(place, answer, count)
        self.finish(answers, count)

    def _count(self, lines: int) -> None:
        self.under_way += lines
        if self.under_way >= self._limit:
            self._brake.hold(_UNANSWERED)

    def _go(self) -> None:
        """Send what is answered, as far as the order lets it; close when that was all."""
        ready = []
        while self._pieces and self._pieces[0].ready:
            ready.append(self._pieces.popleft().joined())
        if self._lost:
            return
        if ready:
            assert self.transport is not None
            self.transport.write(b"".join(ready))
        if self._leaving and not self._pieces and not self._closing and not self._reading:
            self.close()

    def _abort_now(self) -> None:
        self._abort = None
        self.abort()

    def _still_nobody(self) -> None:
        self._nobody = None
        if self.visitor.principal is None:
            self.server.count_closed("nobody")
            self.close(f"nobody logged in for {LOGIN_TIMEOUT:g} s")
