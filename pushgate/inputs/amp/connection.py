"""One AMP connection of the door."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from twisted.internet.interfaces import IDelayedCall, IPushProducer, ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.amp_commands import Outcomes
from pushgate.inputs.amp.boxes import Box, BoxReader, Malformed, box_bytes
from pushgate.inputs.amp.request import Request
from pushgate.inputs.amp.responders import respond
from pushgate.inputs.amp.watcher import Watcher
from pushgate.inputs.brake import Brake
from pushgate.inputs.patience import Patience
from pushgate.inputs.pressure import FULL, FullQueues
from pushgate.inputs.visitor import Visitor

if TYPE_CHECKING:
    from pushgate.inputs.amp.server import AmpServer

LINGER: Final = 5.0
"""Seconds a closing connection has to take its last answers."""
LOGIN_TIMEOUT: Final = 60.0
"""Seconds for which a peer may be nobody, where nobody may do nothing: it would take others' place."""
_UNANSWERED, _UNREAD = "commands under way", "answers not read"


@implementer(IPushProducer)
class Connection(Protocol):
    """Turns boxes into requests and answers into boxes.

    It does not build on `twisted.protocols.amp.AMP`, which bounds neither a box nor the commands under way,
    drops the connection at a bad argument, offers everybody a TLS handshake, and makes five Deferreds for a
    command.

    It reads no further while as many commands are under way as the door allows, while the peer does not
    read its answers, or while a queue that the peer feeds is nearly full.

    :ivar under_way: commands that wait for their answer.
    :ivar visitor: who is at the other end.
    """

    log = Logger()

    def __init__(self, server: "AmpServer") -> None:
        self.server = server
        self.under_way = 0
        self._limit = server.config.unanswered
        self._boxes = BoxReader()
        self._brake: Brake
        self._full: FullQueues
        self._patience = Patience(server.clock, server.config.request_timeout, self._too_slow)
        self.visitor: Visitor
        self._reading = self._closing = self._lost = False
        self._abort: IDelayedCall | None = None
        self._nobody: IDelayedCall | None = None
        self._watcher: Watcher | None = None
        self._detach: Callable[[], None] | None = None
        self._asked: dict[bytes, Watcher] = {}
        self._last_tag = 0

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
        if not self._closing:
            self._boxes.feed(data)
            self._read()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._lost = self._closing = True
        for call in (self._abort, self._nobody):
            if call is not None:
                call.cancel()
        self._abort = self._nobody = None
        self._full.stop()
        self._patience.stop()
        self._unwatch()
        self.server.left(self)

    def pauseProducing(self) -> None:
        """Called when answers pile up: the peer sends without reading."""
        self._brake.hold(_UNREAD)

    def resumeProducing(self) -> None:
        """Called when they are read."""
        self._brake.release(_UNREAD)

    def stopProducing(self) -> None:
        """Called when the transport is lost; `connectionLost` does the work."""

    # called by the door

    def watch(self, app: str | None) -> None:
        """Report outcomes to the peer from now on, of one app or of all; a second call changes which."""
        if self._watcher is None:
            self._watcher, self._detach = self.server.attach(
                self._send_outcomes, self.visitor.sees, self._watcher_gave_up
            )
        self._watcher.app = app

    def fed(self, app: str) -> None:
        """Note that the peer submitted something to `app`."""
        self._full.fed(app)

    def finish(self, answer: Box | None) -> None:
        """End a request; called exactly once for each."""
        self.under_way -= 1
        if answer is not None and not self._lost:
            self._write(answer)
        if self.under_way <= self._limit * 4 // 5 and not self._closing:
            self._brake.release(_UNANSWERED)
        self.server.finished()

    def close(self, reason: str) -> None:
        """Send what is written, then close; after `LINGER` seconds anyway."""
        if self._closing:
            return
        self._closing = True
        assert self.transport is not None
        self.log.info("closing the connection from {peer}: {why}", peer=self.transport.getPeer(), why=reason)
        self._unwatch()
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

    def _abort_now(self) -> None:
        self._abort = None
        self.abort()

    def _still_nobody(self) -> None:
        self._nobody = None
        if self.visitor.principal is None:
            self.server.count_closed("nobody")
            self.close(f"nobody logged in for {LOGIN_TIMEOUT:g} s")

    def _too_slow(self) -> None:
        if self._brake.held:
            self._patience.read(True, self._boxes.partial)
            return
        self.server.count_closed("slow")
        self.close(f"the rest of a command did not come within {self.server.config.request_timeout:g} s")

    # reading

    def _released(self) -> None:
        self._patience.restart()
        self._read()

    def _read(self) -> None:
        """Work off what was received, as far as the brake lets it."""
        if self._reading or self._closing:
            return
        self._reading, progress = True, False
        try:
            while not (self._brake.held or self._closing) and (box := self._boxes.next()) is not None:
                progress = True
                self._box_received(box)
        except Malformed as fault:
            self.server.count_closed("malformed")
            self.close(f"not AMP: {fault}")
        finally:
            self._reading = False
        if not self._closing:
            self._patience.read(progress, self._boxes.partial)

    def _box_received(self, box: Box) -> None:
        if b"_answer" in box:
            self._asked_for(box[b"_answer"]).acknowledged()
        elif b"_error" in box:
            self._watcher_refused(self._asked_for(box[b"_error"]), box.get(b"_error_code", b""))
        elif b"_command" in box:
            self._command_received(box)
        else:
            raise Malformed("a box that is neither command nor answer")

    def _command_received(self, box: Box) -> None:
        self.under_way += 1
        if self.under_way >= self._limit:
            self._brake.hold(_UNANSWERED)
        respond(Request(self, box.get(b"_ask")), box[b"_command"], box)

    # the watcher

    def _send_outcomes(self, records: bytes) -> None:
        assert self._watcher is not None
        self._last_tag += 1
        tag = b"%x" % self._last_tag
        self._asked[tag] = self._watcher
        self._write({b"_ask": tag, b"_command": Outcomes.commandName, b"outcomes": records})

    def _asked_for(self, tag: bytes) -> Watcher:
        watcher = self._asked.pop(tag, None)
        if watcher is None:
            raise Malformed("an answer to nothing that was asked")
        return watcher

    def _watcher_refused(self, watcher: Watcher, code: bytes) -> None:
        if watcher is self._watcher:
            self._unwatch()
            self.server.count_dropped_watcher("refused")
            self.log.warn(
                "{peer} watches no longer: it answered Outcomes with {code}",
                peer=self.transport.getPeer() if self.transport else "",
                code=code[:100].decode("ascii", "replace"),
            )

    def _watcher_gave_up(self) -> None:
        assert self._watcher is not None
        if self._brake.holds(_UNANSWERED) or self._brake.holds(FULL):
            self._watcher.wait_on()  # its acknowledgements may have come: it is the door that does not read
            return
        patience = self.server.config.watch_timeout
        self.server.count_dropped_watcher("unread")
        self.close(f"it acknowledged no outcomes for {patience:g} s")

    def _unwatch(self) -> None:
        if self._watcher is not None and self._detach is not None:
            self._detach()
            self._watcher.close()
            self._watcher = self._detach = None

    def _write(self, box: Box) -> None:
        assert self.transport is not None
        self.transport.write(box_bytes(box))
