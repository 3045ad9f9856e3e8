"""One connection of the SMTP input."""

from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IDelayedCall,
    IHalfCloseableProtocol,
    IHandshakeListener,
    ISSLTransport,
)
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.inputs.common.conversation import Conversation, ConversationState
from pushgate.inputs.smtp.dialogue import Dialogue
from pushgate.inputs.smtp.line_reader import LineReader
from pushgate.inputs.smtp.replies import Reply, reply
from pushgate.inputs.smtp.services import SmtpServices
from pushgate.inputs.smtp.submission import submit_message
from pushgate.net.tls import HANDSHAKE_TIMEOUT

_HANDSHAKE: Final = f"no TLS handshake within {HANDSHAKE_TIMEOUT:g} s"


@implementer(IHalfCloseableProtocol, IHandshakeListener)
class SmtpConnection(Conversation):
    """Passes lines to the dialogue, each one after the reply to the one before it.

    :ivar address: the peer's address, by which the input counts connections.
    """

    question = "command or message"

    def __init__(self, server: SmtpServices) -> None:
        super().__init__(server)
        self.server: SmtpServices
        self.address = ""
        self._lines, self._dialogue = LineReader(), Dialogue(self)
        self._reading = self._ended = False
        self._idle: IDelayedCall | None = None
        self._handshake: IDelayedCall | None = None

    @property
    def partial(self) -> bool:
        return self._lines.partial or self._dialogue.in_message

    @property
    def secure(self) -> bool:
        """Whether it has TLS."""
        return bool(ISSLTransport.providedBy(self.transport))

    # called by the transport

    def connectionMade(self) -> None:
        super().connectionMade()
        self._idle = self.server.clock.callLater(self.server.config.idle_timeout, self._idle_too_long)
        if not self.secure:
            self._greet()

    def dataReceived(self, data: bytes) -> None:
        if self.state is ConversationState.OPEN:
            self._lines.feed(data)
            self.read()

    def readConnectionLost(self) -> None:
        """The peer closed its side, and may still wait for the reply to its last message."""
        self._ended = True
        self.read()

    def writeConnectionLost(self) -> None:
        """The peer reads no more replies."""
        self.close()

    def handshakeCompleted(self) -> None:
        """TLS has begun."""
        if self._handshake is not None:
            self._handshake.cancel()
            self._handshake = None
        else:
            # Bytes written before the end of the handshake would pause this producer, and the handshake too.
            self._greet()

    def _greet(self) -> None:
        self._dialogue.makeConnection(self.transport)  # type: ignore[no-untyped-call]  # untyped in Twisted

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._stop_timers()
        self._dialogue.connectionLost(reason)  # type: ignore[no-untyped-call]  # untyped in Twisted
        super().connectionLost(reason)

    # called by the dialogue

    def start_tls(self) -> None:
        """Begin TLS, and drop the plaintext that was received: it may be injected (RFC 3207, section 6)."""
        self._lines.clear()
        self._dialogue.begin_anew()
        self.transport.startTLS(self.server.starttls)
        self.session = self.server.authenticator.session(self.transport)
        self._handshake = self.server.clock.callLater(HANDSHAKE_TIMEOUT, self._no_handshake)

    def submit(self, app: str, data: bytes) -> Deferred[Reply]:
        """Submit a message; nothing is read until its reply."""
        self.asked()
        submitted = submit_message(self.server, self.session, app, data)
        self.fed(app)
        return submitted

    def replied(self) -> None:
        """Resume reading, or close after the last reply."""
        self._restart_idle()
        if self.under_way:
            self.answered()
        self._go()

    def leave(self) -> None:
        """Read no more commands, and close when all have replies."""
        if self.state is ConversationState.OPEN:
            self.state = ConversationState.LEAVING
        self._go()

    # called by the input, and by what watches the time

    def close(self, reason: str = "") -> None:
        """As `Conversation.close`, after a 421 reply with the reason if there is one.

        :param reason: sent and logged; "" for neither.
        """
        if reason and self.state < ConversationState.CLOSING and self._dialogue.transport is not None:
            self._dialogue.sendCode(*reply(421, "4.3.2", reason))
        self._stop_timers()
        super().close(reason)

    def forget(self) -> None:
        self._lines.clear()

    # reading

    def read(self) -> None:
        if self._reading:
            return
        self._reading, progress = True, False
        while self._may_read() and (line := self._lines.next()) is not None:
            self._dialogue.take(line)
            progress = progress or not self._dialogue.in_message
        self._reading = False
        if progress:
            self._restart_idle()
        if self._may_read():
            self._read_all(progress)
        self._go()

    def _read_all(self, progress: bool) -> None:
        """Handle the rest after the complete lines: refuse bare line ends, or set the deadline."""
        if self._lines.bare and not self._dialogue.in_message:
            self._dialogue.say(reply(421, "4.5.2", "lines end with CRLF"))
        elif self._ended:
            self.leave()
        else:
            self._deadline.read(progress, self.partial)

    def _may_read(self) -> bool:
        return self.state is ConversationState.OPEN and not self._read_pause.held

    def _go(self) -> None:
        """Close a leaving connection when all replies are sent."""
        if self.state is ConversationState.LEAVING and not (self._reading or self.under_way):
            self.close()

    # time

    def _restart_idle(self) -> None:
        if self._idle is not None:
            self._idle.reset(self.server.config.idle_timeout)

    def _idle_too_long(self) -> None:
        self._idle = None
        if self.under_way or self._read_pause.held or self.partial:  # these have limits of their own
            self._idle = self.server.clock.callLater(self.server.config.idle_timeout, self._idle_too_long)
            return
        self.close(f"no command within {self.server.config.idle_timeout:g} s")

    def _no_handshake(self) -> None:
        self._handshake = None
        self.server.count_closed("slow")
        self.abort()

    def _stop_timers(self) -> None:
        for timer in (self._idle, self._handshake):
            if timer is not None:
                timer.cancel()
        self._idle = self._handshake = None
