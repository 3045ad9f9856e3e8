"""The feedback service: each dead token is delivered once; only what the client took counts as delivered."""

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
from pushgate.net.finish_close import takes_nothing
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway
from pushgate.protocols.apns_binary.feedback import FeedbackTuple, encode

PAGE: Final = 2000
"""Dead tokens read in one turn of the reactor."""
READING_TIME: Final = 300.0
"""Seconds for which a client may take nothing of the list, and in which it must close after it."""
SETTLING: Final = 60.0
"""Seconds after which a refused token counts as dead: a wrong environment is detected within that time."""


class FeedbackServer(ApnsConnections):
    """Makes the connections for feedback, and knows what was delivered.

    The list is made of the gateway's dead tokens that were not delivered here. Those that were imported are
    left out: they do not come from the push service.
    """

    def __init__(
        self,
        name: str,
        config: ApnsTable,
        gateway: IGateway,
        context: Context,
        authentication: ProviderAuthentication,
    ) -> None:
        super().__init__(name, config, gateway, context, authentication)
        self._directory = None if context.state_dir is None else context.state_dir / "feedback"
        self._delivered: dict[str, FeedbackDelivered] = {}
        self._in_delivery: set[tuple[str, FeedbackTuple]] = set()

    def connect(self) -> Protocol:
        return FeedbackConnection(self)

    def pages(self, app: str) -> Iterator[list[FeedbackTuple]]:
        """The tuples to deliver, in portions; some may be empty. Raises `UnknownApp` when the app is gone.

        Each tuple must be passed to `delivered`.
        """
        after = b""
        while dead := self.gateway.dead_tokens(app, after, PAGE):
            after = dead[-1].token
            page = [FeedbackTuple(entry.since, entry.token) for entry in dead if self._is_certain(entry)]
            news = [each for each in page if not self._known(app, each)]
            self._in_delivery.update((app, each) for each in news)
            yield news

    def delivered(self, app: str, entries: list[FeedbackTuple], taken: bool) -> None:
        """Note that a client took these, or did not, so that the next one gets them."""
        self._in_delivery.difference_update((app, each) for each in entries)
        if taken and entries:
            self._delivered_to(app).add(entries)

    def _is_certain(self, entry: DeadTokenEntry) -> bool:
        if entry.reason is DeadReason.IMPORTED:
            return False
        return entry.reason not in DOUBTFUL or entry.since + SETTLING <= self.wall()

    def _known(self, app: str, entry: FeedbackTuple) -> bool:
        return (app, entry) in self._in_delivery or self._delivered_to(app).has(entry)

    def _delivered_to(self, app: str) -> FeedbackDelivered:
        if app not in self._delivered:
            file = None if self._directory is None else _file(self._directory, self.name, app)
            self._delivered[app] = FeedbackDelivered(file)
        return self._delivered[app]


def _file(directory: Path, name: str, app: str) -> Path:
    """The file of an app; neither name can have a slash or a comma in it."""
    return directory / f"{name},{app}"


@implementer(IPushProducer)
class FeedbackConnection(ApnsConnection):
    """One reading of the list."""

    operation: ClassVar[Operation] = Operation.READ
    server: FeedbackServer

    def __init__(self, server: FeedbackServer) -> None:
        super().__init__(server)
        self._sent: list[FeedbackTuple] = []
        self._whole = False
        self._paused: Deferred[None] | None = None

    # called by the transport

    def admitted(self, provider: Provider) -> None:
        self.under_way = True
        self.transport.registerProducer(self, True)
        sending = Deferred.fromCoroutine(self._send(provider.app))
        sending.addErrback(self._failed).addBoth(lambda _: self.done())

    def dataReceived(self, data: bytes) -> None:
        """Ignore data: clients of the feedback service send none."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        # Without TLS's close_notify, which few clients send, only TCP tells whether the client just closed.
        ended = getattr(self.transport, "ended", None) or reason
        taken = self._whole and ended.check(ConnectionDone) is not None
        super().connectionLost(reason)
        self.resumeProducing()
        if self.provider is not None:
            self.server.delivered(self.provider.app, self._sent, taken)
            self.log.info(
                "input {name}: {count} dead tokens of {app} were {result}",
                name=self.server.name,
                count=len(self._sent),
                app=self.provider.app,
                result="delivered" if taken else "not taken, and will be delivered again",
            )

    def pauseProducing(self) -> None:
        """Called when the client reads slowly."""
        if self._paused is None:
            self._paused = Deferred()

    def resumeProducing(self) -> None:
        """Called when it has caught up."""
        paused, self._paused = self._paused, None
        if paused is not None and not paused.called:
            paused.callback(None)

    def stopProducing(self) -> None:
        """Called when the transport is lost; `connectionLost` does the work."""

    # called by the server

    def close(self, reason: str) -> None:
        """Cut the list short, if it is not complete; it will be delivered again."""
        if not self.closing.begun:
            self.abort()

    async def _send(self, app: str) -> None:
        for page in self.server.pages(app):
            self._sent += page
            self.transport.write(b"".join(map(encode, page)))
            await deferLater(self.server.clock, 0)
            if self._paused is not None:
                await self._paused.addTimeout(READING_TIME, self.server.clock)
            if self.lost:
                return
            if takes_nothing(self.transport):
                self.abort()  # and deliver it again: some of it was dropped
                return
        self._whole = True
        self.transport.unregisterProducer()
        self.closing.begin(b"", READING_TIME)

    def _failed(self, failure: Failure) -> None:
        if failure.check(defer.TimeoutError):
            self.server.count_closed("slow")
        elif not failure.check(UnknownApp):
            self.log.failure("input {name}: a bug at the feedback list", failure, name=self.server.name)
        self.abort()
