"""Notifications over HTTP/1.1: one at a time on each connection, and what its silence and its end mean."""

import pytest
from msgspec.structs import replace
from twisted.internet.defer import succeed
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.python.failure import Failure

from pushgate.model.outcome import State
from pushgate.net.http.client_codec import ClientLimits
from pushgate.net.http.http1_client import HTTP1Client
from pushgate.protocols.http_push.answers import Answer, AnswerTable, Follows, Reply
from pushgate.protocols.http_push.service import Member
from pushgate.testing import RecordingQueue, context
from pushgate.upstreams.common.credentials import Credentials
from pushgate.upstreams.common.http_push.authorization import NoToken
from pushgate.upstreams.common.http_push.server import Server
from pushgate.upstreams.common.http_push.settings import HTTPPushTable
from pushgate.upstreams.common.http_push.upstream import HTTPPushUpstream
from tests.stream_rig import ReactorClock

WAIT = 60.0
TABLE = AnswerTable([
    Answer(404, "", Follows.REJECTED), Answer(429, "", Follows.LATER, wait=WAIT),
])  # fmt: skip


class Service:
    """A push service without peculiarities."""

    pseudo = (b":method", b"POST"), (b":scheme", b"https"), (b":authority", b"push.example.org")

    def members(self, span):
        pairs = zip(range(span.start, span.stop), span.tokens(), span.payloads(), strict=True)
        return [Member(index, b"/" + token.hex().encode(), (), payload) for index, token, payload in pairs]

    def fields(self, span, kind):
        return ()

    def read(self, sent, status, headers, body, wall):
        waits = [float(value) for name, value in headers if name == b"retry-after"]
        return Reply(TABLE.answer(status, ""), waits[0] if waits else None, handle=body)

    def read_goaway(self, debug):
        return Answer(503, "", Follows.NEW_CONNECTION)


class Wire:
    """A connection of the upstream's, TLS over TCP in one.

    :ivar requests: whole ones that came, each as bytes.
    """

    connected, disconnecting = True, False
    negotiatedProtocol = b"http/1.1"

    def __init__(self, connection):
        self.transport, self.connection, self.requests = self, connection, []

    def setTcpNoDelay(self, on):
        pass

    def registerProducer(self, producer, streaming):
        pass

    def unregisterProducer(self):
        pass

    def doRead(self):
        pass

    def writeSomeData(self, data):
        return len(data)

    def write(self, data):
        self.requests.append(data)

    def answer(self, status=200, body=b"", more=b""):
        head = b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n%s\r\n" % (status, len(body), more)
        self.connection.dataReceived(head + body)

    def end(self, reason):
        if self.connected:
            self.connected = False
            self.connection.connectionLost(Failure(reason))

    def loseConnection(self):
        self.end(ConnectionDone())

    def abortConnection(self):
        self.end(ConnectionAborted())


class Rig:
    """An app on such a service."""

    def __init__(self, authorization=None, **table):
        self.clock, self.work, self.wires = ReactorClock(), RecordingQueue(), []
        surroundings = replace(context(None), reactor=self.clock)
        server = Server(
            where="push.example.org:443",
            endpoint=self,
            tls=Credentials(None),
            service=Service(),
            authorization=authorization or NoToken(),
            key="apps.news.key",
            codec=lambda _: HTTP1Client(ClientLimits()),
        )
        made = HTTPPushTable(upstream="x", **{"connections": 3, **table})
        self.upstream = HTTPPushUpstream("news", made, server, self.work, surroundings)
        self.work.upstream = self.upstream
        self.upstream.start()
        self.run(0.5)

    def connect(self, factory):
        connection = factory.buildProtocol(None)
        wire = Wire(connection)
        self.wires.append(wire)
        connection.makeConnection(wire)
        connection.handshakeCompleted()
        return succeed(connection)

    def run(self, seconds=1.0):
        self.clock.pump([0.05] * round(seconds * 20))

    def put(self, *tokens, **more):
        self.work.put(*tokens, **more)
        self.run(0.5)

    def up(self):
        return [wire for wire in self.wires if wire.connected]

    @property
    def circuit(self):
        state = self.upstream.state()
        return state.circuit_open, state.circuit


@pytest.fixture
def rig():
    return Rig()


def test_one_at_a_time(rig):
    """Each connection has one request; there are as many as the queue can keep busy, up to the limit."""
    rig.put(*[b"%d" % number for number in range(5)])
    assert [len(wire.requests) for wire in rig.up()] == [1, 1, 1]
    assert rig.wires[0].requests[0].startswith(b"POST /30 HTTP/1.1\r\nHost: push.example.org\r\n")
    rig.wires[1].answer()
    rig.run(0.1)
    assert [len(wire.requests) for wire in rig.up()] == [1, 2, 1]
    for _ in range(5):
        for wire in rig.up():
            if len(wire.requests) > getattr(wire, "answered", int(wire is rig.wires[1])):
                wire.answered = len(wire.requests)
                wire.answer()
        rig.run(0.1)
    assert set(rig.work.states().values()) == {State.ACCEPTED}
    assert len(rig.work.states()) == 5


def test_another_handle(rig):
    """An answer that names another target makes the outcome `replaced`, one that names the same does not."""
    rig.put(b"a")
    rig.up()[0].answer(body=b"b")
    rig.put(b"a")
    rig.up()[0].answer(body=b"a")
    assert [(each.state, each.replacement) for each in rig.work.verdicts] == [
        (State.REPLACED, b"b"),
        (State.ACCEPTED, b""),
    ]


def test_an_answer_that_is_a_connections_last(rig):
    """With ``Connection: close`` the next request goes out on another one; no circuit minds."""
    for status in (200, 404, 404, 404, 404):
        rig.put(b"a")
        rig.up()[-1].answer(status, more=b"connection: close\r\n")
        rig.run(0.5)
    assert [each.state for each in rig.work.verdicts] == [State.ACCEPTED, *[State.REJECTED] * 4]
    assert rig.circuit == (False, "")


def test_an_end_without_an_answer(rig):
    """What became of the request is not known: sent again, as its delivery wants it."""
    rig.put(b"p")
    rig.up()[0].answer()
    rig.put(b"a")
    rig.up()[0].abortConnection()
    rig.run(3)
    assert [wire.requests[-1][:9] for wire in rig.up()] == [b"POST /61 "]
    rig.up()[0].answer()
    assert rig.work.states() == {b"p": State.ACCEPTED, b"a": State.ACCEPTED}


def test_silence_of_a_service_that_was_of_use(rig):
    """The request is given up, with its connection, and sent again after a while; others go on."""
    rig.put(b"p")
    rig.up()[0].answer()
    rig.put(b"a")
    first = rig.up()[0]
    rig.run(31)
    assert not first.connected
    rig.put(b"b")
    rig.up()[0].answer()
    assert rig.work.states() == {b"p": State.ACCEPTED, b"b": State.ACCEPTED}
    rig.run(61)
    assert rig.up()[0].requests[-1].startswith(b"POST /61 ")
    rig.up()[0].answer()
    assert rig.work.states()[b"a"] is State.ACCEPTED


def test_silence_of_a_service_that_never_answered(rig):
    """It opens the circuit, and no notification is given up, however long it lasts."""
    rig.put(b"a", b"b")
    rig.run(1200)
    assert rig.circuit == (True, "timed-out")
    assert rig.work.states() == {}
    assert all(span.closes <= 1 for span in rig.work.requeued)


def test_what_is_no_http(rig):
    """Three of them open the circuit, with its own cause."""
    rig.put(b"a")
    for _ in range(30):
        for wire in rig.up():
            wire.connection.dataReceived(b"220 mail.example.org ESMTP\r\n")
        rig.run(1)
    assert rig.circuit == (True, "not-http")


@pytest.mark.parametrize(("reason", "state"), [(ConnectionDone(), State.ACCEPTED), (ConnectionLost(), None)])
def test_a_body_that_ends_with_the_connection(rig, reason, state):
    """It is whole when the connection was closed in good order; cut off, it proves nothing."""
    rig.put(b"a")
    wire = rig.up()[0]
    wire.connection.dataReceived(b"HTTP/1.1 200 OK\r\n\r\na")
    wire.end(reason)
    assert rig.work.states().get(b"a") is state


class Short(NoToken):
    """Has a token at every other look: as one does that ends between two."""

    looks = 0

    def headers(self, wall):
        self.looks += 1
        return super().headers(wall) if self.looks % 2 else None


def test_a_token_that_ends_in_the_middle_of_a_turn():
    """What was taken from the queue is written with it: nothing is lost on the way."""
    rig = Rig(authorization=Short())
    rig.put(b"a", b"b", b"c")
    for _ in range(3):
        for wire in rig.up():
            if wire.requests:
                wire.requests.clear()
                wire.answer()
        rig.run(0.5)
    assert set(rig.work.states().values()) == {State.ACCEPTED}
    assert len(rig.work.states()) == 3
    assert rig.work.in_flight == []


class TestWaits:
    """How long a service is left alone that has too much to do."""

    def refused(self, *headers):
        """A rig whose circuit three answers in a row have opened; when."""
        rig = Rig(connections=1)
        rig.put(b"a", b"b", b"c", b"d")
        for more in headers:
            rig.up()[0].answer(429, more=more)
            rig.run(0.1)
        assert rig.circuit[1] == "service-error"
        return rig, sum(len(wire.requests) for wire in rig.wires)

    @pytest.mark.parametrize(
        ("headers", "seconds"),
        [
            ((b"", b"", b""), WAIT),
            ((b"", b"", b"retry-after: 300\r\n"), 300.0),
            ((b"retry-after: 0\r\n",) * 3, 0.0),
        ],
    )
    def test_what_the_service_wants(self, headers, seconds):
        """What its answer says, or else its table, holds for the app as long as the circuit is open, too."""
        rig, sent = self.refused(*headers)
        rig.run(max(0.0, seconds - 2))
        assert sum(len(wire.requests) for wire in rig.wires) == sent
        rig.run(30)
        assert sum(len(wire.requests) for wire in rig.wires) > sent


def test_one_that_is_never_answered(rig):
    """Others are: it is tried again alone, then given up, and holds nothing up."""
    rig.put(b"good0")
    rig.up()[0].answer()
    rig.put(b"bad")
    for number in range(1, 40):
        rig.put(b"good%d" % number)
        for wire in rig.up():
            if wire.requests and b"POST /" + b"bad".hex().encode() not in wire.requests[-1][:20]:
                wire.requests.clear()
                wire.answer()
        rig.run(20)
    states = rig.work.states()
    assert states.pop(b"bad") is State.FAILED
    assert set(states.values()) == {State.ACCEPTED}


def test_a_service_that_closes_every_new_connection(rig):
    """For a while, in the middle of work: nothing is given up, and all is accepted once it is well again."""
    rig.put(*[b"%d" % number for number in range(5)])
    for _ in range(12):
        for wire in rig.up():
            wire.loseConnection()
        rig.run(20)
    assert rig.work.states() == {}
    rig.run(4000)  # such a service may have blocked us
    for _ in range(80):
        for wire in rig.up():
            if wire.requests:
                wire.requests.clear()
                wire.answer()
        rig.run(10)
    assert set(rig.work.states().values()) == {State.ACCEPTED}
    assert len(rig.work.states()) == 5
