"""The push service on the binary stream: takes notifications, answers only when one is wrong.

A connection takes notifications until one is at fault, by itself or by the script. From then on it discards
all that comes, as the real service does, answers, and closes.
"""

from collections.abc import Callable, Sequence

from twisted.internet.interfaces import IDelayedCall, IHandshakeListener, IReactorTime, ITCPTransport
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.protocols.apns_binary.frames import Frame, FrameDecoder, MalformedFrame
from pushgate.protocols.apns_binary.status import ErrorStatus
from pushgate.protocols.apns_binary.validation import find_fault
from pushgate.simulator.connection_close import ConnectionClose
from pushgate.simulator.connection_gate import ConnectionGate, GuardedConnection
from pushgate.simulator.fault_plan import FaultPlan, plan_fault, plan_rule
from pushgate.simulator.fault_rules import Accept, FrameRule, Stall
from pushgate.simulator.fault_script import FaultScript, ScriptedDeadTokens
from pushgate.simulator.received_log import ReceivedLog


class PushService:
    """State that all connections share.

    :ivar script: may be replaced at any time; the next notification is judged by the new one.
    :param wall: Unix seconds.
    """

    def __init__(
        self,
        script: FaultScript,
        dead: ScriptedDeadTokens,
        received: ReceivedLog,
        max_payload: int,
        clock: IReactorTime,
        wall: Callable[[], float],
    ) -> None:
        self.script, self.dead, self.received, self.max_payload = script, dead, received, max_payload
        self.clock, self.wall = clock, wall

    def connect(self, gate: ConnectionGate, number: int) -> "PushConnection":
        """A protocol for one more connection."""
        return PushConnection(self, gate, number)

    def judge(
        self, connection: int, place: int, frame: Frame | MalformedFrame
    ) -> FrameRule | ErrorStatus | None:
        """Return the fault of the nth frame of a connection: a rule of the script, or a status by itself."""
        if isinstance(frame, MalformedFrame):
            return frame.status
        rule = self.script.for_frame(connection, place, frame.token)
        if rule is not None and not isinstance(rule, Accept | Stall):
            return rule
        fault = find_fault(frame, self.max_payload)
        if fault is not None:
            return fault
        if rule is None:
            return ErrorStatus.INVALID_TOKEN if frame.token in self.dead else None
        return rule if isinstance(rule, Stall) else None

    @property
    def indifferent(self) -> bool:
        """Whether no token and no rule makes a difference, so that `find_fault` decides alone."""
        return not self.script.about_frames and not self.dead


@implementer(IHandshakeListener)
class PushConnection(GuardedConnection):
    """One provider's connection."""

    log = Logger()

    def __init__(self, service: PushService, gate: ConnectionGate, number: int) -> None:
        super().__init__(gate, number)
        self._service = service
        self._decoder = FrameDecoder()
        self._established = False
        self._place = 0
        self._last_accepted = 0
        self._ended = False
        self._stalled: list[Frame | MalformedFrame] | None = None
        self._stall_timer: IDelayedCall | None = None

    def connectionMade(self) -> None:
        super().connectionMade()
        self._closing = ConnectionClose(self.transport, self._service.clock)
        # An answer is small: without this it may wait, and be lost when the connection closes.
        if ITCPTransport.providedBy(self.transport):
            self.transport.setTcpNoDelay(True)

    def handshakeCompleted(self) -> None:
        self._established = True
        self.log.info("connection {number} is up", number=self.number)
        rule = self._service.script.for_frame(self.number, 0, b"")
        if rule is not None:
            self._apply(rule, None)

    def dataReceived(self, data: bytes) -> None:
        frames = self._decoder.feed(data)
        self._service.received.frames += len(frames)
        if self._stalled is not None:
            self._stalled += frames
        else:
            self._take(frames)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self._established:
            self.gate.handshakes_failed += 1
        if self._stall_timer is not None and self._stall_timer.active():
            self._stall_timer.cancel()
        self._closing.cancel()
        if self._stalled is not None:
            self._service.received.discarded += len(self._stalled)
        self.log.info("connection {number} is gone: {why}", number=self.number, why=reason.getErrorMessage())
        super().connectionLost(reason)

    def _take(self, frames: Sequence[Frame | MalformedFrame]) -> None:
        """Accept frames up to the first that is not, and deal with that one."""
        received = self._service.received
        if self._ended:
            received.discarded += len(frames)
            return
        good, verdict = self._judge(frames)
        if good:
            received.record(self.number, good, self._service.wall())
            self._last_accepted = good[-1].identifier or 0
        if verdict is None:
            return
        bad, rest = frames[len(good)], frames[len(good) + 1 :]
        if isinstance(verdict, ErrorStatus):
            self._end(plan_fault(bad, verdict), bad)
            received.discarded += len(rest)
        else:
            assert isinstance(bad, Frame)
            self._apply(verdict, bad)
            if self._stalled is not None:
                self._stalled += rest
            else:
                received.discarded += len(rest)

    def _judge(
        self, frames: Sequence[Frame | MalformedFrame]
    ) -> tuple[list[Frame], FrameRule | ErrorStatus | None]:
        """The frames that are accepted, and what is to be done with the one after them."""
        service = self._service
        good: list[Frame] = []
        verdict: FrameRule | ErrorStatus | None = None
        indifferent = service.indifferent
        for frame in frames:
            self._place += 1
            if indifferent:
                verdict = find_fault(frame, service.max_payload)
            else:
                verdict = service.judge(self.number, self._place, frame)
            if verdict is not None:
                break
            assert isinstance(frame, Frame)
            good.append(frame)
        return good, verdict

    def _apply(self, rule: FrameRule, frame: Frame | None) -> None:
        if isinstance(rule, Stall):
            self._stall(rule.duration, frame)
        elif not isinstance(rule, Accept):
            self._end(plan_rule(rule, frame, self._last_accepted), frame)

    def _stall(self, seconds: float, frame: Frame | None) -> None:
        """Accept the notification, read nothing for a while, then go on with what came meanwhile."""
        if frame is not None:
            self._service.received.record(self.number, [frame], self._service.wall())
            self._last_accepted = frame.identifier or 0
        self.log.info("connection {number} is not read for {seconds} s, as scripted",
                      number=self.number, seconds=seconds)  # fmt: skip
        self._stalled = []
        self.transport.pauseProducing()
        self._stall_timer = self._service.clock.callLater(seconds, self._resume)

    def _resume(self) -> None:
        waiting, self._stalled = self._stalled or [], None
        self.transport.resumeProducing()
        self._take(waiting)

    def _end(self, plan: FaultPlan, frame: Frame | MalformedFrame | None) -> None:
        """Discard from now on, answer, close."""
        self._ended = True
        received = self._service.received
        if frame is not None:
            if plan.status is None or plan.status == ErrorStatus.SHUTDOWN:
                received.discarded += 1
            else:
                received.rejected[plan.status] += 1
        self.log.info("connection {number} ends with status {status} after frame {place}",
                      number=self.number, status=plan.status, place=self._place)  # fmt: skip
        self._closing.begin(plan)
