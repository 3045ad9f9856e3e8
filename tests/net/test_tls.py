"""The TLS layer of inputs: a handshake has its time."""

import contextlib

import trustme
from OpenSSL import SSL
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import PrivateCertificate
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from pushgate.net.tls import HANDSHAKE_TIMEOUT, TlsFactory
from tests.input_rig import Transport

ISSUED = trustme.CA().issue_cert("localhost").private_key_and_cert_chain_pem.bytes()


class HandshakeTests(SynchronousTestCase):
    def setUp(self):
        self.clock, self.slow = Clock(), []
        tls = PrivateCertificate.loadPEM(ISSUED).options()
        factory = TlsFactory(tls, Factory.forProtocol(Protocol), self.clock, lambda: self.slow.append(1))
        self.layer, self.transport = factory.buildProtocol(None), Transport()
        self.layer.makeConnection(self.transport)
        self.client = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), None)
        self.client.set_connect_state()

    def step(self):
        """What the client says next goes to the input, and the answer to the client."""
        with contextlib.suppress(SSL.WantReadError):
            self.client.do_handshake()
        said = self.client.bio_read(1 << 16)
        for at in range(0, len(said), 100):
            self.layer.dataReceived(said[at : at + 100])
        if self.transport.value():
            self.client.bio_write(self.transport.value())
            self.transport.clear()

    def test_one_that_does_not_come_to_an_end(self):
        """Is cut off, whatever came of it, and counted."""
        hello = b"\x16\x03\x01\x02\x00\x01" + bytes(30)
        for at in range(int(HANDSHAKE_TIMEOUT) - 1):
            self.layer.dataReceived(hello[at : at + 1])
            self.clock.advance(1)
        self.assertFalse(self.transport.aborted)
        self.clock.advance(1)
        self.assertTrue(self.transport.aborted)
        self.assertEqual(self.slow, [1])

    def test_one_that_does(self):
        """Is not looked at again."""
        self.step()
        self.step()
        self.clock.advance(HANDSHAKE_TIMEOUT)
        self.assertFalse(self.transport.aborted)
        self.assertEqual(self.slow, [])

    def test_half_of_one(self):
        """The client has heard the input's half and says no more."""
        try:
            self.client.do_handshake()
        except SSL.WantReadError:
            self.layer.dataReceived(self.client.bio_read(1 << 16))
        self.assertGreater(len(self.transport.value()), 500)
        self.clock.advance(HANDSHAKE_TIMEOUT)
        self.assertTrue(self.transport.aborted)

    def test_a_connection_that_is_lost_before(self):
        """Leaves no timer behind."""
        self.layer.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.clock.getDelayedCalls(), [])
