"""A raw provider: speaks TLS to the simulator and keeps what it hears."""

from collections.abc import Callable
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import Certificate, PrivateCertificate, optionsForClientTLS
from twisted.internet.task import Clock, deferLater
from twisted.python.failure import Failure
from zope.interface import implementer

from pushgate.protocols.apns_binary.frames import encode_run
from pushgate.simulator.service import Simulator
from pushgate.simulator.settings import SimulatorTable

PAYLOAD = b'{"aps":{"alert":"Hi"}}'


@implementer(IHandshakeListener)
class Provider(Protocol):
    """One connection.

    :ivar chunks: what was read, as it came.
    :ivar lost: fires with the reason, an exception, when the connection is gone.
    """

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.up: Deferred[None] = Deferred()
        self.lost: Deferred[BaseException] = Deferred()

    @property
    def heard(self) -> bytes:
        return b"".join(self.chunks)

    def handshakeCompleted(self) -> None:
        self.up.callback(None)

    def dataReceived(self, data: bytes) -> None:
        self.chunks.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost.callback(reason.value)
        if not self.up.called:
            self.up.errback(reason)


class ClockedReactor:
    """The real network with a clock of our own."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.callLater, self.seconds = self.clock.callLater, self.clock.seconds

    def __getattr__(self, name: str) -> object:
        return getattr(reactor, name)


def make_simulator(directory: str, on: object = None, **config: object) -> Simulator:
    """A simulator on free ports, with its state in `directory`."""
    ports = ("listen", "feedback_listen", "control_listen", "http2_listen")
    free = dict.fromkeys(ports, "tcp:0:interface=127.0.0.1")
    table = SimulatorTable.model_validate({**free, "services_listen": None, "state_dir": directory, **config})
    return Simulator(table, on or reactor, wall=lambda: 1_700_000_000.5)


async def connect(
    simulator: Simulator, client: Path | None = None, feedback: bool = False, over: object = None
) -> Provider:
    """A provider with a TCP connection; wait for `up` before relying on TLS."""
    own = PrivateCertificate.loadPEM((client or simulator.certificates.client).read_bytes())
    trust = Certificate.loadPEM(simulator.certificates.ca.read_bytes())
    port = simulator.feedback_port if feedback else simulator.port
    way = over or TCP4ClientEndpoint(reactor, "127.0.0.1", port)
    endpoint = wrapClientTLS(optionsForClientTLS("localhost", trust, own), way)
    provider = await endpoint.connect(Factory.forProtocol(Provider))
    provider.up.addErrback(lambda _: None)
    return provider


def frames(first: int, count: int, token: bytes = b"\x07" * 32, payload: bytes = PAYLOAD) -> bytes:
    """Frames with identifiers from `first` on; each token is `token` with the identifier over its end."""
    numbers = range(first, first + count)
    tokens = [token[:-4] + number.to_bytes(4, "big") for number in numbers]
    return b"".join(encode_run(tokens, [payload] * count, numbers, None, 10))


async def until(true: Callable[[], bool], clock: Clock | None = None) -> None:
    """Let the network work until something is so; the test's time limit bounds it."""
    while not true():
        if clock is not None:
            clock.advance(0)
        await deferLater(reactor, 0.001)
