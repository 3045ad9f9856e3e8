"""The server of one APNs HTTP/2 input: takes requests, and says how many there may be."""

from typing import Any, Final
from uuid import uuid4

from twisted.internet.interfaces import IProtocolNegotiationFactory
from zope.interface import implementer

from pushgate.inputs.apns_http2.apns_id_files import ApnsIdFiles
from pushgate.inputs.apns_http2.apns_ids import ApnsIds, apns_id
from pushgate.inputs.apns_http2.authentication import Later, ProviderAuthentication
from pushgate.inputs.apns_http2.connection import CROWDED, QUOTA, PushConnection
from pushgate.inputs.apns_http2.group import Push
from pushgate.inputs.apns_http2.pushes import RETRY, Pushes
from pushgate.inputs.apns_http2.repeats import Repeats
from pushgate.inputs.apns_http2.routing import Routing
from pushgate.inputs.apns_http2.settings import ApnsHTTP2InputTable
from pushgate.inputs.apns_http2.stream import PushStream
from pushgate.inputs.common.connections import STOP_TIMEOUT, Connections
from pushgate.model.errors import Forbidden, Overloaded, Refusal, ShuttingDown, TooFast, TooLarge
from pushgate.model.outcome import State
from pushgate.model.principals import Operation, Principal
from pushgate.net.http.bounds import HTTPBounds
from pushgate.net.http.browser_guard import BrowserGuard
from pushgate.net.http.codec import CodecLimits
from pushgate.net.http.sweeper import Sweeper
from pushgate.net.listener import Listener
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway
from pushgate.protocols.apns_http2.push_request import PushRequest, Refused, check_payload, parse, refusal

MAX_BODIES: Final = 64 << 20
"""Bytes of bodies that are not complete, of all connections."""
_LOW: Final = 0.8
"""The share of `max_waiting` at which requests are read again."""
_BROWSERS: Final = {b"origin", b"sec-fetch-site"}
_ON_ITS_WAY: Final = {State.QUEUED, State.WRITTEN}


@implementer(IProtocolNegotiationFactory)
class PushServer(Connections):
    """Makes the connections of one input, and takes their requests.

    :ivar crowded: as many requests wait as may; none are read.
    :ivar unsent: see `HTTPOwner`.
    """

    def __init__(
        self,
        name: str,
        config: ApnsHTTP2InputTable,
        gateway: IGateway,
        context: Context,
        authentication: ProviderAuthentication,
        leave: Any = None,
    ) -> None:
        super().__init__(name, config.max_connections, gateway, context)
        self.config, self.authentication = config, authentication
        self.ids = ApnsIds(config.remember, _files(context, name), context.wall)
        follows = config.answer == "outcome"
        self.pushes = Pushes(name, gateway, self.clock, self.ids, follows, config.outcome_timeout, self.shut)
        self._repeats = Repeats(self.ids, self.pushes, gateway, self.clock, follows, config.outcome_timeout)
        self._routing, self._leave = Routing(config), leave
        self._guard = BrowserGuard()
        self._sweeper = Sweeper(self.clock, self._swept)
        self._waiting = self._body_bytes = 0
        self.crowded = False
        self.unsent = 0
        self.bounds = _bounds(config)

    def connect(self) -> PushConnection:
        return PushConnection(self)

    def acceptableProtocols(self) -> list[bytes]:
        """The protocols that a TLS connection may choose from."""
        return [b"h2", b"http/1.1"]  # one that speaks HTTP/1.1 only is answered what is needed

    def start(self) -> None:
        """Start the sweeps for what is too slow."""
        self._sweeper.start()

    def shut(self) -> None:
        """Take no further connections and requests, and say so: the gateway shuts down."""
        if not self.stopping:
            self.stopping = True
            if self._leave is not None:
                self._leave()
            for connection in list(self.connections):
                connection.shut()

    async def stop(self, *listeners: Listener) -> None:
        """As `Connections.stop`. What waits for an outcome is answered before the end, whatever it is."""
        self.authentication.stop()
        self.shut()
        patience = STOP_TIMEOUT / 2 if self.gateway.accepting() else 0.0
        giving_up = self.clock.callLater(patience, self.pushes.stop)
        try:
            await super().stop(*listeners)
        finally:
            if giving_up.active():
                giving_up.cancel()
            self._sweeper.stop()
            self.pushes.stop()
            self.ids.close()

    # called by requests

    def reserve(self, stream: PushStream, size: int) -> None:
        """Take room for bytes of a body; `size` below zero gives it back.

        :raises Overloaded: there is none.
        """
        if size > 0 and self._body_bytes + size > MAX_BODIES:
            raise Overloaded("bodies being read (bytes)", self._body_bytes, MAX_BODIES)
        self._body_bytes += size

    def new_id(self) -> int:
        """An id for an answer to a request that brought none and became no notification."""
        return uuid4().int

    def take(self, stream: PushStream, body: bytes) -> None:
        """Take a request that is complete."""
        if not stream.counted:
            self._enter(stream)
        try:
            self._take(stream, body)
        except Refused as refused:
            self._count_refused(refused)
            stream.reply(refused.answer)
        except Later as later:
            stream.later(later)
        except TooFast as too_fast:
            self._wait_for_quota(stream, body, too_fast.retry_after or RETRY)
        except Refusal as error:
            self.count_refusal("", error)
            stream.refuse(error)

    def answered(self, stream: PushStream) -> None:
        """A request has its answer, or wants none."""
        self.pushes.leave(stream)
        if stream.counted:
            stream.counted = False
            self._waiting -= 1
            if self.crowded and self._waiting <= self.config.max_waiting * _LOW:
                self.crowded = False
                for connection in list(self.connections):
                    connection.read_pause.release(CROWDED)

    def abandoned(self, stream: PushStream) -> None:
        """The peer does not want the answer to a request any more.

        One with an ``apns-id`` goes on: a repetition of it gets the answer.
        """
        if stream.group is None or stream.index not in stream.group.given:
            self.answered(stream)

    # within

    def _enter(self, stream: PushStream) -> None:
        stream.counted = True
        self._waiting += 1
        if self._waiting >= self.config.max_waiting and not self.crowded:
            self.crowded = True
            self.metrics.count("pushgate_pauses_total", "", self.name)
            for connection in list(self.connections):
                connection.read_pause.hold(CROWDED)

    def _take(self, stream: PushStream, body: bytes) -> None:
        """Check a request and submit it.

        :raises Refused: Apple's answer to it.
        :raises Refusal: the gateway's.
        :raises Later: it is answered later.
        """
        if self.stopping or not self.gateway.accepting():
            self.shut()
            raise ShuttingDown
        head, principal = stream.head, list[Principal | None]()
        if not _BROWSERS.isdisjoint(dict(head.headers)):
            self._guard.check(stream)

        def check(authorization: bytes | None) -> None:
            principal.append(stream.connection.credential.principal(authorization))

        request = parse(head.method, head.target, head.headers, check)
        app = self._permitted(principal[0], request)
        check_payload(request, body)
        terms, wire = self._routing.terms(request)
        given = stream.apns_id = None
        if request.apns_id is not None:
            stream.apns_id = request.apns_id.encode()
            given = apns_id(stream.apns_id, app, request.token, body, wire)
        push = Push(app, request.token, body, terms, given)
        if given is None or not self._repeats.answers(stream, push):
            self._charge(principal[0])
            self.pushes.add(stream, push)

    def _permitted(self, principal: Principal | None, request: PushRequest) -> str:
        """The app of a request, which its sender may push to.

        :raises Refused: it is not known, or not allowed.
        :raises Forbidden: nothing is.
        """
        if principal is not None:
            principal.check(Operation.PUSH, None)
        app = self._routing.app(request.topic)
        if principal is not None:
            try:
                principal.check(Operation.PUSH, app)
            except Forbidden:
                raise refusal(400, "TopicDisallowed") from None
        return app

    def _charge(self, principal: Principal | None) -> None:
        if principal is not None:
            principal.charge(1, self.clock.seconds())

    def _wait_for_quota(self, stream: PushStream, body: bytes, seconds: float) -> None:
        """Take a request again when its principal's quota allows it; its connection is not read before."""
        connection = stream.connection
        connection.too_fast += 1
        connection.read_pause.hold(QUOTA)

        def again() -> None:
            connection.too_fast -= 1
            if not stream.gone:
                self.take(stream, body)
            if not connection.too_fast:
                connection.read_pause.release(QUOTA)

        self.clock.callLater(seconds, again)

    def _count_refused(self, refused: Refused) -> None:
        code = {403: Forbidden.code, 413: TooLarge.code}.get(refused.answer.status, "INVALID")
        self.metrics.count("pushgate_refused_total", "", self.name, code)

    def _swept(self) -> list[Any]:
        """The connections to sweep; the requests that wait are looked at first."""
        self.pushes.sweep()
        return list(self.connections)


def _bounds(config: ApnsHTTP2InputTable) -> HTTPBounds:
    return HTTPBounds(
        idle_timeout=config.idle_timeout,
        header_timeout=config.header_timeout,
        body_timeout=config.body_timeout,
        unread_timeout=config.unread_timeout,
        codec=CodecLimits(streams=config.streams),
    )


def _files(context: Context, name: str) -> ApnsIdFiles | None:
    """The files of an input's ids; None where nothing outlives the process."""
    return None if context.state_dir is None else ApnsIdFiles(context.state_dir / "apns-ids" / name)
