"""An answer of any length, written as fast as it is read."""

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from pushgate.inputs.hub.request import HubRequest


@implementer(IPushProducer)
class StreamedAnswer:
    """Writes pieces to one request, whose answer was begun."""

    def __init__(self, request: HubRequest) -> None:
        self._request, self._paused = request, False
        self._taken: Deferred[None] | None = None
        request.on_end = self.resumeProducing
        request.stream_from(self)

    async def write(self, data: bytes) -> bool:
        """Write a piece; returns when more may be given. False: the peer is gone."""
        self._request.send(data)
        turn: Deferred[None] = Deferred()
        if self._paused:
            self._taken = turn
        else:  # others have their turn between two pieces
            self._request.server.clock.callLater(0, turn.callback, None)
        await turn
        return not self._request.gone

    def pauseProducing(self) -> None:
        """Called by the request: the peer reads too slowly."""
        self._paused = True

    def resumeProducing(self) -> None:
        """Called by the request: the peer has read, or is gone."""
        self._paused = False
        taken, self._taken = self._taken, None
        if taken is not None:
            taken.callback(None)

    def stopProducing(self) -> None:
        """Called when the transport is lost; `resumeProducing` ends the wait."""
