"""One client's connection for notifications."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from twisted.internet.defer import Deferred
from twisted.internet.protocol import connectionDone
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from pushgate.inputs.apns_binary.authentication import Provider, ProviderAuthentication
from pushgate.inputs.apns_binary.base_connection import ApnsConnection, ApnsConnections
from pushgate.inputs.apns_binary.frame_batcher import FrameBatcher, Refused
from pushgate.inputs.apns_binary.frame_runs import FrameFault, FrameRun, check_frames, runs
from pushgate.inputs.apns_binary.settings import ApnsTable
from pushgate.inputs.common.backpressure import FullQueues
from pushgate.inputs.common.batching import MAX_PAYLOAD
from pushgate.model.errors import (
    Forbidden,
    Invalid,
    Overloaded,
    PushgateError,
    Refusal,
    ShuttingDown,
    TooLarge,
    UnknownApp,
)
from pushgate.model.principals import Operation
from pushgate.net.peer import peer_text
from pushgate.net.read_pause import ReadPause
from pushgate.net.request_deadline import RequestDeadline
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway
from pushgate.protocols.apns_binary.error_response import ErrorResponse, encode
from pushgate.protocols.apns_binary.frames import Frame, FrameDecoder, MalformedFrame
from pushgate.protocols.apns_binary.status import ErrorStatus, reason
from pushgate.protocols.apns_binary.validation import error_response

RETRY: Final = 1.0
"""Seconds until frames for which there was no room are submitted again."""
_STATUSES: Final = {
    TooLarge: ErrorStatus.INVALID_PAYLOAD_SIZE,
    Invalid: ErrorStatus.MISSING_PAYLOAD,
    # The client's certificate stands for an app, as it once stood for a topic.
    UnknownApp: ErrorStatus.MISSING_TOPIC,
    Forbidden: ErrorStatus.MISSING_TOPIC,
}
_BEHIND: Final = "frames not accepted yet"

FinalResponse = bytes
"""The bytes that a connection ends with; empty when the protocol has none for what happened."""


class NotificationServer(ApnsConnections):
    """Makes the connections for notifications.

    :param leave: called once the gateway shuts down: no other client is to connect.
    """

    def __init__(
        self,
        name: str,
        config: ApnsTable,
        gateway: IGateway,
        context: Context,
        authentication: ProviderAuthentication,
        leave: Callable[[], None],
    ) -> None:
        super().__init__(name, config, gateway, context, authentication)
        self._leave = leave
        self.frames = FrameBatcher(lambda submission: gateway.submit(submission, name), self.clock)

    def connect(self) -> "NotificationConnection":
        return NotificationConnection(self)

    def shut(self) -> None:
        """Take no further connections, and close those that are open: the gateway shuts down."""
        if not self.stopping:
            self.stopping = True
            self._leave()
            for connection in list(self.connections):
                connection.close("the gateway is shutting down")

    def count_fault(self, app: str, status: ErrorStatus) -> None:
        """Count a refusal of something that the gateway never saw."""
        kind = TooLarge if status is ErrorStatus.INVALID_PAYLOAD_SIZE else Invalid
        self.metrics.count("pushgate_refused_total", app, self.name, kind.code)


class NotificationConnection(ApnsConnection):
    """Takes frames until one is at fault, as Apple's service did.

    A frame counts as accepted when the spool has it; the protocol has no answer for that. The error response
    to a frame is sent once all frames before it are accepted, and no frame after it will be. What the push
    service answers later is not relayed: frames after that one have been accepted by then, and the client
    would send them again. Dead tokens are delivered by the feedback service.

    Frames for which there is no room are kept, and no more is read: a full queue makes a slow connection.
    """

    operation: ClassVar[Operation] = Operation.PUSH
    server: NotificationServer

    def __init__(self, server: NotificationServer) -> None:
        super().__init__(server)
        self._decoder = FrameDecoder(MAX_PAYLOAD)
        self._received = bytearray()
        self._read_pause: ReadPause
        self._full: FullQueues
        self._deadline = RequestDeadline(server.clock, server.config.request_timeout, self._too_slow)
        self._last: int | None = 0
        self._shutting_down = False

    # called by the transport

    def connectionMade(self) -> None:
        self._read_pause = ReadPause(self.transport, self._deadline.restart)
        self._full = self.server.full_queues(self._read_pause)
        super().connectionMade()

    def admitted(self, provider: Provider) -> None:
        if not self.server.gateway.accepting():
            self.server.shut()

    def dataReceived(self, data: bytes) -> None:
        if self.closing.begun:
            self.closing.still_written()
            return
        self._received += data
        if len(self._received) >= self.server.config.buffer:
            self._read_pause.hold(_BEHIND)
        if not self.under_way and self.provider is not None:
            self.under_way = True
            taking = Deferred.fromCoroutine(self._take(self.provider))
            taking.addErrback(self._failed).addBoth(lambda _: self.done())

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._full.stop()
        self._deadline.stop()
        super().connectionLost(reason)

    # called by the server

    def close(self, reason: str) -> None:
        """Send the shutdown response, with the last frame accepted, as soon as that is known."""
        self._shutting_down = True
        if self.provider is None:
            self.abort()
        elif not self.under_way:
            self._end(self._shutdown())

    # what is received

    async def _take(self, provider: Provider) -> None:
        """Take what was received, piece by piece, until there is nothing left or the connection ends."""
        while self._received and not self.closing.begun:
            data = bytes(self._received)
            self._received.clear()
            self._read_pause.release(_BEHIND)
            response = await self._take_piece(provider, data)
            if response is not None:
                self._end(response)
        if self._shutting_down:
            self._end(self._shutdown())

    async def _take_piece(self, provider: Provider, data: bytes) -> FinalResponse | None:
        frames = self._decoder.feed(data)
        if not self.lost:
            self._deadline.read(bool(frames), self._decoder.partial)
        try:
            good, fault = check_frames(frames, self.server.gateway.max_payload(provider.app))
        except UnknownApp as error:
            return self._final_response(error, frames[0]) if frames else None
        response = await self._accept(provider, runs(good)) if good else None
        if response is None and fault is not None:
            return self._refuse(provider, fault)
        return response

    async def _accept(self, provider: Provider, runs: Sequence[FrameRun]) -> FinalResponse | None:
        """Submit all until they are accepted, however long it takes; return the response when that fails."""
        left = list(range(len(runs)))
        while (unpaid := self._unpaid(provider, runs)) is not None:
            if not await self._wait(unpaid):
                return self._give_up(runs, left, 0, unpaid)
        while refused := await self._submit(provider.app, runs, left):
            left = sorted(refused)
            self._note(runs[: left[0]])
            index, error = refused[left[0]]
            if not await self._wait(error):
                return self._give_up(runs, left, index, error)
        self._note(runs)
        return None

    def _submit(self, app: str, runs: Sequence[FrameRun], left: Sequence[int]) -> Deferred[Refused]:
        submitted = self.server.frames.submit_runs(app, runs, left)
        if not (self.lost or self.closing.begun):
            self._full.fed(app)
        return submitted

    def _unpaid(self, provider: Provider, runs: Sequence[FrameRun]) -> Refusal | None:
        """The refusal if the client may not submit these now, else None."""
        try:
            provider.check(Operation.PUSH)
            provider.charge(sum(len(run.frames) for run in runs), self.server.clock.seconds())
        except Refusal as refusal:
            return refusal
        return None

    async def _wait(self, error: PushgateError) -> bool:
        """Wait before the next attempt; return False when there is to be none."""
        if self._shutting_down or not isinstance(error, Overloaded):
            return False
        await deferLater(self.server.clock, RETRY)
        return True

    def _give_up(
        self, runs: Sequence[FrameRun], left: Sequence[int], index: int, error: PushgateError
    ) -> FinalResponse:
        if self.lost:
            self.log.warn(
                "input {name}: a client had gone before {count} of its frames were accepted: {why}",
                name=self.server.name,
                count=sum(len(runs[number].frames) for number in left),
                why=error,
            )
        return self._final_response(error, runs[left[0]].frames[index])

    def _note(self, accepted: Sequence[FrameRun]) -> None:
        """Note that all these are accepted, and all before them."""
        if accepted:
            self._last = accepted[-1].frames[-1].identifier

    # the end

    def _final_response(self, error: PushgateError, frame: Frame | MalformedFrame) -> FinalResponse:
        """The response when a frame cannot be accepted."""
        if isinstance(error, ShuttingDown):
            self.server.shut()
        if self._shutting_down:
            return self._shutdown()
        kinds = [status for kind, status in _STATUSES.items() if isinstance(error, kind)]
        return self._error_about(frame, kinds[0] if kinds else ErrorStatus.PROCESSING_ERROR)

    def _refuse(self, provider: Provider, fault: FrameFault) -> FinalResponse:
        self.server.count_fault(provider.app, fault.status)
        return self._error_about(fault.frame, fault.status)

    def _error_about(self, frame: Frame | MalformedFrame, status: ErrorStatus) -> FinalResponse:
        self.log.info(
            "input {name}: {peer}: a frame was refused: {status}",
            name=self.server.name,
            peer=peer_text(self.transport.getPeer()),
            status=reason(status),
        )
        error = error_response(frame, status)
        return b"" if error is None else encode(error)

    def _shutdown(self) -> FinalResponse:
        """The shutdown response; none when the last frame accepted has no identifier."""
        return b"" if self._last is None else encode(ErrorResponse(ErrorStatus.SHUTDOWN, self._last))

    def _end(self, response: FinalResponse) -> None:
        self._received.clear()
        self._full.stop()
        self._deadline.stop()
        self._read_pause.release(_BEHIND)
        if not self.closing.begun and not self.lost:
            self.closing.begin(response)

    def _too_slow(self) -> None:
        if self.under_way or self._read_pause.held:
            self._deadline.read(True, self._decoder.partial)
            return
        self.server.count_closed("slow")
        self.log.info(
            "input {name}: {peer}: the rest of a frame did not come within {seconds:g} s",
            name=self.server.name,
            peer=peer_text(self.transport.getPeer()),
            seconds=self.server.config.request_timeout,
        )
        self._end(b"")

    def _failed(self, failure: Failure) -> None:
        self.log.failure("input {name}: a bug at a client's frames", failure, name=self.server.name)
        self._end(b"")
