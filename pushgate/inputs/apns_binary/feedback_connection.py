"""The feedback service: dead tokens to whoever connects, each once; only what was taken counts as told."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Final

from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.inputs.apns_binary.authentication import Provider, ProviderAuthentication
from pushgate.inputs.apns_binary.base_connection import ApnsConnection, ApnsConnections
from pushgate.inputs.apns_binary.feedback_delivered import FeedbackDelivered
from pushgate.inputs.apns_binary.settings import ApnsTable
from pushgate.model.dead_token import DOUBTFUL, DeadReason, DeadTokenEntry
from pushgate.model.errors import UnknownApp
from pushgate.model.principals import Operation
from pushgate.plugin.interfaces import Context, IGateway
from pushgate.protocols.apns_binary.feedback import FeedbackTuple, encode

PAGE: Final = 2000
"""Dead tokens looked at in one turn of the reactor."""
READING_TIME: Final = 300.0
"""Seconds for which a client may take nothing of the list, and that it has to close after it."""
SETTLING: Final = 60.0
"""Seconds after which a refused token is believed to be dead: a wrong environment shows itself meanwhile."""


class FeedbackServer(ApnsConnections):
    """Makes the connections for feedback, and knows what has been told.

    The list is made from the gateway's register of dead tokens: whatever it knows and nobody has been told
    here. What somebody entered there by hand is not told: it does not come from the push service.
    """

    def __init__(
        self,
        name: str,
        config: ApnsTable,
        gateway: IGateway,
        context: Context,
        entrance: ProviderAuthentication,
    ) -> None:
        super().__init__(name, config, gateway, context, entrance)
        self._wall = context.wall
        self._directory = None if context.state_dir is None else context.state_dir / "feedback"
        self._handed: dict[str, FeedbackDelivered] = {}
        self._telling: set[tuple[str, FeedbackTuple]] = set()

    def connect(self) -> Protocol:
        return FeedbackConnection(self)

    def pages(self, app: str) -> Iterator[list[FeedbackTuple]]:
        """What is to be told, in portions; some may be empty. Raises `UnknownApp` when the app is gone.

        Each tuple must be given to `told`.
        """
        after = b""
        while deaths := self.gateway.dead_tokens(app, after, PAGE):
            after = deaths[-1].token
            page = [FeedbackTuple(death.since, death.token) for death in deaths if self._is_certain(death)]
            news = [each for each in page if not self._known(app, each)]
            self._telling.update((app, each) for each in news)
            yield news

    def told(self, app: str, entries: list[FeedbackTuple], taken: bool) -> None:
        """These were taken by a client, or were not and are to be told to the next one."""
        self._telling.difference_update((app, each) for each in entries)
        if taken and entries:
            self._handed_over(app).add(entries)

    def _is_certain(self, death: DeadTokenEntry) -> bool:
        if death.reason is DeadReason.IMPORTED:
            return False
        return death.reason not in DOUBTFUL or death.since + SETTLING <= self._wall()

    def _known(self, app: str, entry: FeedbackTuple) -> bool:
        return (app, entry) in self._telling or self._handed_over(app).has(entry)

    def _handed_over(self, app: str) -> FeedbackDelivered:
        if app not in self._handed:
            file = None if self._directory is None else _file(self._directory, self.name, app)
            self._handed[app] = FeedbackDelivered(file)
        return self._handed[app]


def _file(directory: Path, door: str, app: str) -> Path:
    """Names have no slash in them; a comma neither."""
    return directory / f"{door},{app}"


@implementer(IPushProducer)
class FeedbackConnection(ApnsConnection):
    """One reading of the list."""

    operation: ClassVar[Operation] = Operation.READ
    server: FeedbackServer

    def __init__(self, server: FeedbackServer) -> None:
        super().__init__(server)
        self._told: list[FeedbackTuple] = []
        self._whole = False
        self._paused: Deferred[None] | None = None

    # called by the transport

    def admitted(self, provider: Provider) -> None:
        self.under_way = True
        self.transport.registerProducer(self, True)
        telling = Deferred.fromCoroutine(self._tell(provider.app))
        telling.addErrback(self._failed).addBoth(lambda _: self.done())

    def dataReceived(self, data: bytes) -> None:
        """A client has nothing to say here."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        # Without TLS's own farewell, which few clients say, only TCP knows whether the client just closed.
        ended = getattr(self.transport, "ended", None) or reason
        taken = self._whole and ended.check(ConnectionDone) is not None
        super().connectionLost(reason)
        self.resumeProducing()
        if self.provider is not None:
            self.server.told(self.provider.app, self._told, taken)
            self.log.info(
                "door {name}: {count} dead tokens of {app} were {fate}",
                name=self.server.name,
                count=len(self._told),
                app=self.provider.app,
                fate="handed over" if taken else "not taken, and will be told again",
            )

    def pauseProducing(self) -> None:
        """The client reads slowly."""
        if self._paused is None:
            self._paused = Deferred()

    def resumeProducing(self) -> None:
        """It has caught up."""
        paused, self._paused = self._paused, None
        if paused is not None and not paused.called:
            paused.callback(None)

    def stopProducing(self) -> None:
        """Called when the transport is lost; `connectionLost` does the work."""

    # called by the door

    def close(self, reason: str) -> None:
        """Cut the list short, if it is not over; it will be told again."""
        if not self.closing.begun:
            self.abort()

    async def _tell(self, app: str) -> None:
        for page in self.server.pages(app):
            self._told += page
            self.transport.write(b"".join(map(encode, page)))
            await deferLater(self.server.clock, 0)
            if self._paused is not None:
                await self._paused.addTimeout(READING_TIME, self.server.clock)
            if self.lost:
                return
        self._whole = True
        self.transport.unregisterProducer()
        self.closing.begin(b"", READING_TIME)

    def _failed(self, failure: Failure) -> None:
        if failure.check(defer.TimeoutError):
            self.server.count_closed("slow")
        elif not failure.check(UnknownApp):
            self.log.failure("door {name}: a bug at the feedback list", failure, name=self.server.name)
        self.abort()
