"""A lasting connection of questions and answers."""

from collections.abc import Callable
from enum import IntEnum
from functools import partial
from typing import Any, ClassVar, Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IPushProducer, ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.inputs.common.backpressure import FullQueues
from pushgate.inputs.common.conversation_input import ConversationServer
from pushgate.inputs.common.session import Session
from pushgate.model.errors import Internal, NotLoggedIn, PushgateError
from pushgate.net.finish_close import finish_close
from pushgate.net.parted_call import PartedCall
from pushgate.net.peer import peer_text
from pushgate.net.read_pause import ReadPause
from pushgate.net.request_deadline import RequestDeadline

LINGER: Final = 5.0
"""Seconds a closing connection has to take its last answers."""
LOGIN_TIMEOUT: Final = 60.0
"""Seconds that a peer has to log in where nothing is allowed without: else it would take another's place."""
UNANSWERED: Final = "questions without answers"
UNREAD: Final = "answers not read"
LOGGING_IN: Final = "a login without its answer"


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
    """Reads no further while too many questions are unanswered, while the peer does not read its answers, and
    while a queue that the peer feeds is nearly full.

    :cvar question: the protocol's word for one.
    :ivar state: how far it is on its way from open to lost.
    :ivar under_way: questions that wait for their answer.
    :ivar session: the peer's principal, and what it may do.
    """

    log = Logger()
    question: ClassVar[str]
    transport: Any  # in turn TCP, UNIX, and TLS over one of them

    def __init__(self, server: ConversationServer) -> None:
        self.server = server
        self.under_way = 0
        self.session: Session
        self._limit = server.config.unanswered
        self._read_pause: ReadPause
        self._full: FullQueues
        self._deadline = RequestDeadline(server.clock, server.config.request_timeout, self._too_slow)
        self.state = ConversationState.OPEN
        self._abort: PartedCall | None = None
        self._login_timer: IDelayedCall | None = None
        self._login: Deferred[None] | None = None

    # for each protocol to define

    @property
    def partial(self) -> bool:
        """True while a part of a question has come, and not its end."""
        raise NotImplementedError

    def read(self) -> None:
        """Process what was received, until reading is paused."""
        raise NotImplementedError

    def forget(self) -> None:
        """Drop what is not read: the connection closes, or is lost."""

    # called by the transport

    def connectionMade(self) -> None:
        self._read_pause = ReadPause(self.transport, self._released)
        self._full = self.server.full_queues(self._read_pause)
        self.transport.registerProducer(self, True)
        if ITCPTransport.providedBy(self.transport):
            self.transport.setTcpNoDelay(True)
            self.transport.setTcpKeepAlive(True)
        self.session = self.server.authenticator.session(self.transport)
        if self.server.authenticator.anonymous() is None:
            self._login_timer = self.server.clock.callLater(LOGIN_TIMEOUT, self._login_overdue)
        self.server.joined(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.state = ConversationState.LOST
        for call in (self._abort, self._login_timer):
            if call is not None:
                call.cancel()
        self._abort = self._login_timer = None
        self._full.stop()
        self._deadline.stop()
        self.forget()
        if self._login is not None:
            self._login.cancel()
        self.server.left(self)

    def pauseProducing(self) -> None:
        """Called when answers pile up: the peer sends without reading."""
        self._read_pause.hold(UNREAD)

    def resumeProducing(self) -> None:
        """Called when the peer has read them."""
        if not finish_close(self.transport):
            self._read_pause.release(UNREAD)

    def stopProducing(self) -> None:
        """Called when the transport is lost; `connectionLost` does the work."""

    # called by what answers, and by the input

    def fed(self, app: str) -> None:
        """Note that the peer submitted something to `app`."""
        self._full.fed(app)

    def asked(self, questions: int = 1) -> None:
        """Note that so many more questions wait for their answer."""
        self.under_way += questions
        if self.under_way >= self._limit:
            self._read_pause.hold(UNANSWERED)

    def answered(self, questions: int = 1) -> None:
        """Note that so many have their answer; called when it is written, or in its place."""
        self.under_way -= questions
        if self.under_way <= self._limit * 4 // 5 and self.state < ConversationState.CLOSING:
            self._read_pause.release(UNANSWERED)
        self.server.finished()

    def login(self, name: str, secret: bytes, answer: Callable[[PushgateError | None], None]) -> None:
        """Log in. Until a login has its answer nothing more is read, so that one at a time is under way.

        :param answer: called once, now or later, with None or the reason of the failure.
        """
        trying = self.session.login(name, secret)
        if not trying.called:
            self._login = trying
            self._read_pause.hold(LOGGING_IN)
        trying.addCallback(lambda _: None).addErrback(self._login_error)
        trying.addCallback(self._login_ended, answer)
        trying.addErrback(partial(self.log.failure, "a bug while answering a login"))

    def close(self, reason: str = "") -> None:
        """Send what is written, then close; after `LINGER` seconds anyway.

        :param reason: to be logged, "" for nothing.
        """
        if self.state >= ConversationState.CLOSING:
            return
        self.state = ConversationState.CLOSING
        if reason:
            self.log.info(
                "closing the connection from {peer}: {why}",
                peer=peer_text(self.transport.getPeer()),
                why=reason,
            )
        self.forget()
        # A TLS transport closes only without a producer, and once it has read the peer's close_notify.
        self.transport.unregisterProducer()
        self._full.stop()
        self._deadline.stop()
        self._read_pause.release(UNREAD)
        self._read_pause.release(UNANSWERED)
        self._read_pause.release(LOGGING_IN)
        self.transport.loseConnection()
        self._abort = PartedCall(self.server.clock, LINGER, self.abort)

    def leave(self) -> None:
        """Take no further questions, and close when all are answered."""
        raise NotImplementedError

    def give_up(self, reason: str) -> None:
        """Close because of what the peer did not do."""
        self.close(reason)

    def abort(self) -> None:
        """Close at once."""
        if self.state is not ConversationState.LOST:
            self.transport.abortConnection()

    def _login_error(self, failure: Failure) -> PushgateError:
        error = failure.value
        if isinstance(error, PushgateError):
            return error
        if failure.check(CancelledError) is None:
            self.log.failure("a bug while logging in", failure)
        return Internal()

    def _login_ended(
        self, error: PushgateError | None, answer: Callable[[PushgateError | None], None]
    ) -> None:
        self._login = None
        answer(error)
        if isinstance(error, NotLoggedIn) and error.closes:
            self.server.count_closed("logins")
            self.leave()
        self._read_pause.release(LOGGING_IN)

    def _released(self) -> None:
        self._deadline.restart()
        self.read()

    def _too_slow(self) -> None:
        if self._read_pause.held:
            self._deadline.read(True, self.partial)
            return
        self.server.count_closed("slow")
        seconds = self.server.config.request_timeout
        self.give_up(f"the rest of a {self.question} did not come within {seconds:g} s")

    def _login_overdue(self) -> None:
        self._login_timer = None
        if self.session.principal is None:
            self.server.count_closed("nobody")
            self.close(f"no login within {LOGIN_TIMEOUT:g} s")
