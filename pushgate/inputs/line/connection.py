"""One connection of the line input."""

from collections import deque
from functools import partial
from typing import Final

from twisted.internet.interfaces import IHalfCloseableProtocol
from zope.interface import implementer

from pushgate.inputs.common.conversation import Conversation, ConversationState
from pushgate.inputs.common.conversation_input import ConversationServer
from pushgate.inputs.common.rules import rules_of
from pushgate.inputs.line.commands import AnswerPlace, respond
from pushgate.inputs.line.http_start import HTTPStart
from pushgate.inputs.line.line_reader import MAX_LINE, LineReader
from pushgate.inputs.line.push import read_bulk
from pushgate.inputs.line.replies import Replies, accepted, error
from pushgate.model.errors import Invalid, PushgateError, Refusal, TooLarge
from pushgate.model.principals import Operation
from pushgate.plugin.gateway_interface import Receipt

PIECE: Final = 1 << 16
"""Bytes of answers after which they are sent, although more lines came in the same piece: short questions may
have long answers, and the peer may not read them."""


@implementer(IHalfCloseableProtocol)
class LineConnection(Conversation):
    """Answers lines, in their order; the answers to what came in one piece go back as one.

    A peer that has sent all and closes its side, as ``printf ... | nc`` does, gets its answers.
    """

    question = "line"

    def __init__(self, server: ConversationServer) -> None:
        super().__init__(server)
        self._reader, self._http = LineReader(), HTTPStart()
        self._received: deque[bytes] = deque()
        self._blocks: deque[bytes | None] = deque()
        self._pieces: deque[Replies] = deque()
        self._reading = self._ended = False

    @property
    def partial(self) -> bool:
        return self._reader.partial

    # called by the transport

    def dataReceived(self, data: bytes) -> None:
        if self.state is not ConversationState.OPEN:
            return
        if self._http.feed(data):
            self._hang_up()
            return
        self._received.append(data)
        self.read()

    def readConnectionLost(self) -> None:
        """The peer has sent all; a last line need not have an end."""
        self._ended = True
        self.read()

    def writeConnectionLost(self) -> None:
        """The peer takes no answers any more."""
        self.close("it does not take its answers")

    def _hang_up(self) -> None:
        """Obey nothing: a web page may have had a browser send what follows the head of an HTTP request."""
        self.server.count_closed("malformed")
        self.transport.write(error(Invalid("line", "an HTTP request", "this is the line input")))
        self.close("it speaks HTTP")

    # called by the commands

    def finish(self, answers: Replies, lines: int) -> None:
        """Note that so many lines of a piece were answered."""
        if answers.ready:
            self._go()
        self.answered(lines)

    def leave(self) -> None:
        """Take no further lines, and close when all are answered."""
        if self.state is ConversationState.OPEN:
            self.state = ConversationState.LEAVING

    def forget(self) -> None:
        if self.state is ConversationState.LOST:
            self._received.clear()
            self._blocks.clear()

    def give_up(self, reason: str) -> None:
        if self.under_way:
            self.leave()
        else:
            self.close(reason)

    # reading

    def read(self) -> None:
        if self._reading:
            return
        self._reading, progress = True, False
        while self._more() and not (self._read_pause.held or self.state > ConversationState.OPEN):
            progress = progress or bool(self._blocks)
            self._answer()
            self._go()
        if self._ended and not (self._received or self._blocks):
            self.leave()
        self._reading = False
        if self.state is ConversationState.OPEN:
            self._deadline.read(progress, self._reader.partial)
        self._go()

    def _more(self) -> bool:
        """Refill the blocks of lines; return True if anything is left to read."""
        if not self._blocks and self._received:
            self._blocks.extend(self._reader.feed(self._received.popleft()))
        if not self._blocks and not self._received and self._ended:
            self._blocks.extend(self._reader.end())
        return bool(self._blocks or self._received)

    def _answer(self) -> None:
        """Answer the next lines, as one piece."""
        answers = Replies()
        self._pieces.append(answers)
        while self._blocks and not self._enough(answers):
            block = self._blocks.popleft()
            if block is None:
                self.asked(1)
                AnswerPlace(self, answers).refuse(TooLarge("line", MAX_LINE + 1, MAX_LINE))
            elif not self._bulk(block, answers):
                self._one_by_one(block, answers)
        answers.complete = True

    def _one_by_one(self, block: bytes, answers: Replies) -> None:
        lines = block.split(b"\n")
        for number, line in enumerate(lines):
            if self._enough(answers):
                self._blocks.appendleft(b"\n".join(lines[number:]))
                return
            if stripped := line.strip():
                self.asked(1)
                respond(AnswerPlace(self, answers), stripped)

    def _enough(self, answers: Replies) -> bool:
        """Return True if the next line has to wait."""
        return self.state > ConversationState.OPEN or self._read_pause.held or answers.size >= PIECE

    def _bulk(self, block: bytes, answers: Replies) -> bool:
        """Answer a block of lines as one submission; return False when each has to be read by itself."""
        submission = (
            None if self.server.stopping else read_bulk(block, partial(rules_of, self.server.gateway))
        )
        if submission is None:
            return False
        count = len(submission.tokens)
        try:
            self.session.permit(Operation.PUSH, submission.app, count)
        except Refusal:  # some of them may still be allowed
            return False
        self.asked(count)
        place = answers.reserve(count)
        self.server.batcher.submit(submission, partial(self._bulk_answered, answers, place, count))
        self.fed(submission.app)
        return True

    def _bulk_answered(
        self, answers: Replies, place: int, count: int, result: Receipt | PushgateError
    ) -> None:
        answer = accepted(result) if isinstance(result, Receipt) else error(result) * count
        answers.fill(place, answer, count)
        self.finish(answers, count)

    def _go(self) -> None:
        """Send the answers that are next in order; close after the last one."""
        ready = []
        while self._pieces and self._pieces[0].ready:
            ready.append(self._pieces.popleft().joined())
        if self.state is ConversationState.LOST:
            return
        if ready:
            self.transport.write(b"".join(ready))
        if self.state is ConversationState.LEAVING and not (self._pieces or self._reading):
            self.close()
