"""A lasting connection of questions and answers."""

from enum import IntEnum
from typing import Any, ClassVar, Final

from twisted.internet.interfaces import IDelayedCall, IPushProducer, ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.inputs.common.backpressure import FullQueues
from pushgate.inputs.common.conversation_input import ConversationServer
from pushgate.inputs.common.session import Session
from pushgate.net.read_pause import ReadPause
from pushgate.net.request_deadline import RequestDeadline

LINGER: Final = 5.0
"""Seconds a closing connection has to take its last answers."""
LOGIN_TIMEOUT: Final = 60.0
"""Seconds for which a peer may be nobody, where nobody may do nothing: it would take others' place."""
UNANSWERED: Final = "questions without answers"
UNREAD: Final = "answers not read"


class ConversationState(IntEnum):
    """The states of a conversation, in the order in which it passes through them; it may skip some."""

    OPEN = 0
    """Questions are taken."""
    LEAVING = 1
    """No further ones are; it closes when all have their answers."""
    CLOSING = 2
    """The last answers are on their way."""
    LOST = 3


@implementer(IPushProducer)
class Conversation(Protocol):
    """Reads no further while as many questions are unanswered as the door allows, while the peer does not
    read its answers, or while a queue that the peer feeds is nearly full.

    :cvar question: what the door's protocol calls one.
    :ivar state: how far it is on its way from open to lost.
    :ivar under_way: questions that wait for their answer.
    :ivar visitor: who is at the other end.
    """

    log = Logger()
    question: ClassVar[str]
    transport: Any  # in turn TCP, UNIX, and TLS over one of them

    def __init__(self, server: ConversationServer) -> None:
        self.server = server
        self.under_way = 0
        self.visitor: Session
        self._limit = server.config.unanswered
        self._brake: ReadPause
        self._full: FullQueues
        self._patience = RequestDeadline(server.clock, server.config.request_timeout, self._too_slow)
        self.state = ConversationState.OPEN
        self._abort: IDelayedCall | None = None
        self._nobody: IDelayedCall | None = None

    # what each protocol does in its own way

    @property
    def partial(self) -> bool:
        """Whether a part of a question has come, and not its end."""
        raise NotImplementedError

    def read(self) -> None:
        """Work off what was received, as far as the brake lets it."""
        raise NotImplementedError

    def forget(self) -> None:
        """Nothing more is read or told: the connection closes, or is lost."""

    # called by the transport

    def connectionMade(self) -> None:
        self._brake = ReadPause(self.transport, self._released)
        self._full = self.server.full_queues(self._brake)
        self.transport.registerProducer(self, True)
        if ITCPTransport.providedBy(self.transport):
            self.transport.setTcpNoDelay(True)
            self.transport.setTcpKeepAlive(True)
        self.visitor = self.server.porter.visitor(self.transport)
        if self.server.porter.anonymous() is None:
            self._nobody = self.server.clock.callLater(LOGIN_TIMEOUT, self._still_nobody)
        self.server.joined(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.state = ConversationState.LOST
        for call in (self._abort, self._nobody):
            if call is not None:
                call.cancel()
        self._abort = self._nobody = None
        self._full.stop()
        self._patience.stop()
        self.forget()
        self.server.left(self)

    def pauseProducing(self) -> None:
        """Called when answers pile up: the peer sends without reading."""
        self._brake.hold(UNREAD)

    def resumeProducing(self) -> None:
        """Called when they are read."""
        self._brake.release(UNREAD)

    def stopProducing(self) -> None:
        """Called when the transport is lost; `connectionLost` does the work."""

    # called by what answers, and by the door

    def fed(self, app: str) -> None:
        """Note that the peer submitted something to `app`."""
        self._full.fed(app)

    def asked(self, questions: int = 1) -> None:
        """So many more questions wait for their answer."""
        self.under_way += questions
        if self.under_way >= self._limit:
            self._brake.hold(UNANSWERED)

    def answered(self, questions: int = 1) -> None:
        """So many have it; called when it is written, or in its place."""
        self.under_way -= questions
        if self.under_way <= self._limit * 4 // 5 and self.state < ConversationState.CLOSING:
            self._brake.release(UNANSWERED)
        self.server.finished()

    def close(self, reason: str = "") -> None:
        """Send what is written, then close; after `LINGER` seconds anyway.

        :param reason: what to log, "" when there is nothing to say.
        """
        if self.state >= ConversationState.CLOSING:
            return
        self.state = ConversationState.CLOSING
        if reason:
            self.log.info(
                "closing the connection from {peer}: {why}", peer=self.transport.getPeer(), why=reason
            )
        self.forget()
        # A TLS transport closes only without a producer, and once it has read the peer's farewell.
        self.transport.unregisterProducer()
        self._full.stop()
        self._patience.stop()
        self._brake.release(UNREAD)
        self._brake.release(UNANSWERED)
        self.transport.loseConnection()
        self._abort = self.server.clock.callLater(LINGER, self._abort_now)

    def give_up(self, reason: str) -> None:
        """Close because of what the peer did not do."""
        self.close(reason)

    def abort(self) -> None:
        """Close at once."""
        if self.state is not ConversationState.LOST:
            self.transport.abortConnection()

    def _abort_now(self) -> None:
        self._abort = None
        self.abort()

    def _released(self) -> None:
        self._patience.restart()
        self.read()

    def _too_slow(self) -> None:
        if self._brake.held:
            self._patience.read(True, self.partial)
            return
        self.server.count_closed("slow")
        seconds = self.server.config.request_timeout
        self.give_up(f"the rest of a {self.question} did not come within {seconds:g} s")

    def _still_nobody(self) -> None:
        self._nobody = None
        if self.visitor.principal is None:
            self.server.count_closed("nobody")
            self.close(f"nobody logged in for {LOGIN_TIMEOUT:g} s")
