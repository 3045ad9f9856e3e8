"""The APNs HTTP/2 input without a network: the base of the tests of its parts."""

import json
import time
from pathlib import Path
from typing import ClassVar

import h2.config
import h2.connection
import h2.events
import h2.settings
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hyperframe.frame import Frame
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import EventLoggingObserver
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from pushgate.inputs.apns_http2.authentication import ProviderAuthentication
from pushgate.inputs.apns_http2.server import PushServer
from pushgate.inputs.apns_http2.settings import ApnsHTTP2InputTable
from pushgate.model.metrics import Metrics
from pushgate.model.principals import Grant, Principals
from pushgate.plugin.context import Context
from pushgate.testing import RecordingGateway
from tests.input_rig import Transport
from tests.samples import PAYLOAD, TOKEN

APNS_ID = "eabeae54-14a8-11e5-b60b-1697f925ec7b"
KEY_ID, TEAM = "ABC123DEFG", "DEF123GHIJ"


class Signer:
    """A provider's key, which is known here when its public half is in `directory`."""

    def __init__(self, directory: Path | None = None, key_id: str = KEY_ID) -> None:
        self._key, self._key_id = ec.generate_private_key(ec.SECP256R1()), key_id
        if directory is not None:
            directory.mkdir(exist_ok=True)
            (directory / f"{key_id}.pem").write_bytes(self.public_pem())

    def public_pem(self) -> bytes:
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def bearer(self, issued_at: object = None) -> str:
        """An authorization header."""
        claims = {"iss": TEAM, "iat": int(time.time()) if issued_at is None else issued_at}
        return "bearer " + jwt.encode(claims, self._key, "ES256", headers={"kid": self._key_id})


class Answer:
    """An answer: its status, headers, body, and whether it is complete."""

    def __init__(self):
        self.status, self.headers, self.body = 0, {}, b""
        self.complete = self.reset = False

    @property
    def reason(self):
        """What an error says, "" for a success."""
        return json.loads(self.body)["reason"] if self.body else ""

    @property
    def told(self):
        """Status and reason; None before there is an answer."""
        return (self.status, self.reason) if self.complete else None


class Peer:
    """A client at the other end of a connection."""

    def __init__(self, connection, settings=None):
        self.connection, self.answers = connection, {}
        self.goaway, self.acknowledges = None, True
        config = h2.config.H2Configuration(header_encoding="utf-8", validate_outbound_headers=False)
        self.h2 = h2.connection.H2Connection(config)
        if settings:
            self.h2.local_settings = h2.settings.Settings(client=True, initial_values=settings)
        self.h2.initiate_connection()
        self.frames = []
        self._rest = b""

    def send(self):
        """Send what h2 has to send."""
        if data := self.h2.data_to_send():
            self.connection.dataReceived(data)

    def request(self, path=None, body=PAYLOAD, method="POST", headers=None, end=True, **more):
        """Make a request; return its stream. Names of headers have underscores in `more`."""
        path = f"/3/device/{TOKEN.hex()}" if path is None else path
        fields = [(":method", method), (":scheme", "https"), (":authority", "localhost"), (":path", path)]
        fields += [(name.replace("_", "-"), str(value)) for name, value in more.items()] + (headers or [])
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, fields, end_stream=body is None)
        if body is not None:
            self.h2.send_data(stream, body, end_stream=end)
        self.answers[stream] = Answer()
        self.send()
        return stream

    def read(self):
        """Take what was answered."""
        transport = self.connection.transport
        data = transport.value()
        transport.clear()
        self._note(data)
        for event in self.h2.receive_data(data):
            self._happened(event)
        self.send()

    def _happened(self, event):
        if isinstance(event, h2.events.ConnectionTerminated):
            self.goaway = event
            return
        answer = self.answers.get(getattr(event, "stream_id", None))
        if answer is None:
            return
        if isinstance(event, h2.events.ResponseReceived):
            answer.headers = dict(event.headers)
            answer.status = int(answer.headers.pop(":status"))
        elif isinstance(event, h2.events.DataReceived):
            answer.body += event.data
            if self.acknowledges:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            answer.complete = True
        elif isinstance(event, h2.events.StreamReset):
            answer.reset = True

    def _note(self, data):
        """Keep the frames that came."""
        data = self._rest + data
        while len(data) >= 9:
            frame, length = Frame.parse_frame_header(memoryview(data[:9]))
            if len(data) < 9 + length:
                break
            self.frames.append((type(frame).__name__, frame.stream_id, set(frame.flags)))
            data = data[9 + length :]
        self._rest = data


class PushInputTestCase(SynchronousTestCase):
    """An input without a network, with a fake gateway behind it."""

    options: ClassVar[dict[str, object]] = {"app": "news", "answer": "accepted"}
    grants: ClassVar[dict[str, Grant]] = {}
    trusting = True
    keyed = False

    def setUp(self):
        self.clock, self.gateway = Clock(), RecordingGateway("news", "mail", max_payload=5120)
        self.started = time.time()
        self.directory = Path(self.mktemp())
        self.directory.mkdir()
        self.signer = Signer(self.directory / "keys") if self.keyed else None
        self.context = Context(
            reactor=self.clock,
            wall=lambda: self.started + self.clock.seconds(),
            jitter=lambda: 0.0,
            metrics=Metrics(),
            state_dir=self.state_dir(),
            principals=Principals(self.grants),
        )
        self.left = 0
        self.make()
        self.log = EventLoggingObserver()
        globalLogPublisher.addObserver(self.log)
        self.addCleanup(globalLogPublisher.removeObserver, self.log)

    def state_dir(self):
        return None

    def make(self, **options):
        """The input's server, as after a restart, and a client of it."""
        options = {**self.options, **options}
        if self.keyed:
            options["provider_keys"] = self.directory / "keys"
        self.table = ApnsHTTP2InputTable(type="apns-http2", **options)
        self.authentication = ProviderAuthentication(
            "apple", self.table, self.trusting, self.gateway, self.context
        )
        self.server = PushServer(
            "apple", self.table, self.gateway, self.context, self.authentication, self.leave
        )
        self.server.start()
        self.addCleanup(self.server._sweeper.stop)
        self.addCleanup(self.server.ids.close)
        self.peer = self.connect()

    def leave(self):
        self.left += 1

    def connect(self, **settings):
        """A client that has connected."""
        connection = self.server.buildProtocol(None)
        connection.makeConnection(Transport())
        return Peer(connection, **settings)

    def lose(self, peer=None):
        """The transport reports that the connection is gone."""
        (peer or self.peer).connection.connectionLost(Failure(ConnectionDone()))

    def turn(self, *peers):
        """Let a turn of the reactor pass, and read what was answered."""
        self.clock.pump([0, 0])
        for peer in peers or (self.peer,):
            peer.read()

    def ask(self, *arguments, peer=None, **options):
        """Make a request; return its answer."""
        peer = peer or self.peer
        stream = peer.request(*arguments, **options)
        self.turn(peer)
        return peer.answers[stream]

    def told(self, *arguments, **options):
        """Make a request; return status and reason of its answer, None when there is none yet."""
        return self.ask(*arguments, **options).told

    def pass_time(self, seconds, *peers):
        """Let time pass, a sweep a second."""
        self.clock.pump([1.0] * int(seconds))
        self.turn(*peers)

    def accepted(self):
        """The tokens that the gateway has taken, in order."""
        return [token for submission in self.gateway.submissions for token in submission.tokens]

    def counted(self, metric):
        """The counts of a metric, by labels."""
        return dict(self.context.metrics.counts[metric])

    def logged(self):
        """The messages of the log at info or above."""
        return [
            event["log_format"].format(**event)
            for event in self.log
            if event["log_level"].name != "debug" and event["log_format"]
        ]
