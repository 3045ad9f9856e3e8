"""Whose notifications a client of the listener brings: what its certificate says, and the configuration of that."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID
from OpenSSL.crypto import X509
from pydantic import ValidationError
from twisted.internet.interfaces import ISSLTransport
from zope.interface import directlyProvides

from pushgate.inputs.apns_binary.settings import ApnsTable
from pushgate.model.errors import Forbidden, UnknownApp
from pushgate.model.principals import Grant, Operation
from tests.apns_provider import framed
from tests.apns_rig import ListenerTestCase, Transport
from tests.samples import PAYLOAD, token

TABLE = {
    "certificate": Path("gate.pem"),
    "client_authorities": Path("ca.pem"),
    "certificates": {
        "com.example.news": "news",
        "Apple Push Services: com.example.mail": "mail",
        "gone": "gone",
    },
}


def certificate(*attributes):
    """A certificate with this subject."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes]), datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return X509.from_cryptography(builder.sign(key, SHA256()))


class SecureTransport(Transport):
    """A connection over TLS, whose client has this certificate."""

    def __init__(self, presented=None):
        super().__init__()
        self.presented = presented
        directlyProvides(self, ISSLTransport)

    def setTcpNoDelay(self, enabled):
        pass

    def setTcpKeepAlive(self, enabled):
        pass

    def getPeerCertificate(self):
        return self.presented


COMMON_NAME = (NameOID.COMMON_NAME, "Apple Push Services: com.example.mail")
USER_ID = (NameOID.USER_ID, "com.example.news")
UNIT = (NameOID.ORGANIZATIONAL_UNIT_NAME, "com.example.news")


class EntranceTests(ListenerTestCase):
    options = TABLE

    def app_of(self, *attributes):
        """Whose notifications a client with such a certificate brings."""
        return self.server.authentication.authenticate(
            SecureTransport(certificate(*attributes)), Operation.PUSH
        ).app

    def test_the_subject_selects_the_app(self):
        """By its user id, as Apple's certificates had the topic, or its common name; by nothing else."""
        self.assertEqual(self.app_of(USER_ID), "news")
        self.assertEqual(self.app_of(COMMON_NAME), "mail")
        self.assertEqual(self.app_of(UNIT, (NameOID.COMMON_NAME, "x"), USER_ID), "news")
        with self.assertRaises(Forbidden):
            self.app_of(UNIT, (NameOID.COMMON_NAME, "x"))
        with self.assertRaises(UnknownApp):
            self.app_of((NameOID.COMMON_NAME, "gone"))
        with self.assertRaises(Forbidden):
            self.server.authentication.authenticate(SecureTransport(), Operation.PUSH)

    def test_a_principal_of_the_same_certificate_sets_limits(self):
        """The table says whose it is, the principal what it may do."""
        grant = Grant(certificate="UID=com.example.news", operations=frozenset({Operation.READ}))
        self.context.principals.replace({"news": grant})
        self.assertEqual(self.app_of(COMMON_NAME), "mail")
        with self.assertRaises(Forbidden):
            self.app_of(USER_ID)

    def test_nothing_is_asked_before_the_handshake(self):
        """Only then has the client proven what it is."""
        transport = SecureTransport(certificate(USER_ID))
        connection = self.server.buildProtocol(None)
        connection.makeConnection(transport)
        self.assertIsNone(connection.provider)
        connection.handshakeCompleted()
        connection.dataReceived(framed(1, token(1), PAYLOAD))
        self.clock.advance(0)
        self.assertEqual(self.accepted(), [token(1)])
        self.assertFalse(transport.aborted)

    def test_a_stop_does_not_wait_for_handshakes(self):
        """Such a connection has nothing to lose."""
        transport = SecureTransport()
        connection = self.server.buildProtocol(None)
        connection.makeConnection(transport)
        connection.close("stop")
        self.assertTrue(transport.aborted)

    def test_tls_closes_by_its_own_farewell(self):
        """And waits for the client's."""
        transport = SecureTransport(certificate(USER_ID))
        connection = self.server.buildProtocol(None)
        connection.makeConnection(transport)
        connection.handshakeCompleted()
        connection.close("stop")
        self.assertTrue(transport.disconnecting)
        self.assertFalse(transport.half_closed)


class TableTests(ListenerTestCase):
    def test_what_does_not_go_together(self):
        """Is a fault of the configuration, which names what is missing."""
        for options, said in (
            ({}, "one of app and certificates is required"),
            ({"certificates": {"x": "news"}}, "need certificate and client_authorities"),
            ({"app": "news", "tls_minimum": "1.3"}, "must not be above tls_maximum"),
        ):
            with self.assertRaisesRegex(ValidationError, said):
                ApnsTable(type="apns", **options)

    def test_principals_alone(self):
        """With an app for all, a client without a principal's certificate is accepted only where every peer is."""
        self.context.principals.replace({"shop": Grant(certificate="CN=shop")})
        shop = SecureTransport(certificate((NameOID.COMMON_NAME, "shop")))
        self.assertEqual(self.server.authentication.authenticate(shop, Operation.PUSH).app, "news")
        for outsider in (SecureTransport(), SecureTransport(certificate(COMMON_NAME))):
            with self.assertRaises(Forbidden):
                self.server.authentication.authenticate(outsider, Operation.PUSH)
