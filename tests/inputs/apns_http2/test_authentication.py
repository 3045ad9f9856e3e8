"""Who may push through the APNs HTTP/2 input."""

import time
from typing import ClassVar

import trustme
from cryptography.x509 import load_pem_x509_certificate
from OpenSSL.crypto import X509
from twisted.internet.address import IPv4Address

from pushgate.model.errors import CannotStart
from pushgate.model.principals import Grant, Operation
from pushgate.model.secret_hash import SecretHash
from tests.apns_http2_input_rig import KEY_ID, PushInputTestCase, Signer
from tests.samples import PAYLOAD, TOKEN, token

SECRET = b"a secret of the shop's own making"
OK = (200, "")


class NobodyTests(PushInputTestCase):
    def test_on_loopback(self):
        """Without principals everybody may push; a token, which cannot be verified, is not looked at."""
        self.assertEqual(self.told(), OK)
        self.assertEqual(self.told(authorization=Signer().bearer()), OK)
        self.assertEqual(self.told(authorization="bearer anything"), OK)
        self.assertEqual(self.told(authorization="nonsense"), OK)


class StrangerTests(PushInputTestCase):
    trusting = False

    def test_elsewhere(self):
        """A client without a valid credential may not push from another host."""
        self.assertEqual(self.told(), (403, "MissingProviderToken"))
        self.assertEqual(self.told(authorization=Signer().bearer()), (403, "InvalidProviderToken"))
        self.assertEqual(self.accepted(), [])


class KeyTests(PushInputTestCase):
    keyed = True
    trusting = False

    def test_a_good_token(self):
        """One that a known key has signed within the hour."""
        bearer = self.signer.bearer()
        self.assertEqual(self.told(authorization=bearer), OK)
        self.assertEqual(self.told(authorization=bearer), OK)
        self.assertEqual(self.told(authorization=bearer.replace("bearer", "Bearer")), OK)
        self.assertEqual(self.told(authorization=self.signer.bearer(str(int(time.time())))), OK)

    def test_no_token(self):
        """It is missing, whatever else is there."""
        self.assertEqual(self.told(), (403, "MissingProviderToken"))
        self.assertEqual(self.told(authorization="basic a.b.c"), (403, "MissingProviderToken"))

    def test_an_old_token(self):
        """It has expired; nothing is counted against the client, whose clock may be wrong."""
        self.assertEqual(
            self.told(authorization=self.signer.bearer(int(time.time()) - 3700)),
            (403, "ExpiredProviderToken"),
        )
        bearer = self.signer.bearer()
        self.assertEqual(self.told(authorization=bearer), OK)
        self.clock.advance(3590)
        self.peer = self.connect()
        self.assertEqual(self.told(authorization=bearer), OK)
        self.clock.advance(20)
        self.assertEqual(self.told(authorization=bearer), (403, "ExpiredProviderToken"))
        self.assertEqual(self.counted("pushgate_logins_failed_total"), {})

    def test_a_token_of_another_key(self):
        """It is invalid. The first time that is said late, and counted as a failed login; the next time the
        same one costs nothing, and is answered at once."""
        bearer = Signer().bearer()
        stream = self.peer.request(authorization=bearer)
        self.turn()
        self.assertIsNone(self.peer.answers[stream].told)
        self.pass_time(1)
        self.assertEqual(self.peer.answers[stream].told, (403, "InvalidProviderToken"))
        self.assertEqual(self.told(authorization=bearer), (403, "InvalidProviderToken"))
        self.assertEqual(self.counted("pushgate_logins_failed_total"), {("apple",): 1})
        self.assertEqual(self.server._waiting, 0)

    def test_many_bad_tokens(self):
        """Each is slower than the one before, and after a hundred the connection ends."""
        self.make(login_failures=2)
        signer = Signer()
        streams = [self.peer.request(authorization=signer.bearer(number)) for number in range(3)]
        self.turn()
        self.assertEqual(self.peer.answers[streams[2]].told, (403, "InvalidProviderToken"))
        self.assertTrue(self.peer.goaway)
        self.assertIn(("apple", "logins"), self.counted("pushgate_connections_closed_total"))

    def test_a_client_that_leaves_before_it_is_told(self):
        """Nothing is kept for it."""
        self.peer.request(authorization=Signer().bearer())
        self.turn()
        self.lose()
        self.assertEqual(self.authentication.logins._waiting, {})
        self.assertEqual(self.server._waiting, 0)

    def test_bad_tokens_are_not_kept_for_ever(self):
        """A thousand of them at most."""
        self.authentication._rejected.update(dict.fromkeys(b"%d" % number for number in range(1000)))
        self.peer.request(authorization=Signer().bearer())
        self.turn()
        self.assertEqual(len(self.authentication._rejected), 1000)

    def test_a_new_key(self):
        """It is known after a reload, and one that was taken away is not."""
        other = Signer(self.directory / "keys", "OTHER12345")
        self.authentication.read_files()()
        self.assertEqual(self.told(authorization=other.bearer()), OK)
        (self.directory / "keys" / f"{KEY_ID}.pem").unlink()
        self.authentication.read_files()()
        self.peer.request(authorization=self.signer.bearer())
        self.pass_time(1)
        self.assertEqual(list(self.peer.answers.values())[-1].told, (403, "InvalidProviderToken"))

    def test_keys_that_are_none(self):
        """Each file that cannot be used is named, and a reload is refused."""
        keys = self.directory / "keys"
        (keys / "bad name.pem").write_bytes(self.signer.public_pem())
        (keys / "NOKEY12345.pem").write_text("no key")
        (keys / "README").write_text("not looked at")
        with self.assertRaises(CannotStart) as raised:
            self.authentication.read_files()
        first, second = raised.exception.faults
        self.assertRegex(first, r"inputs\.apple\.provider_keys: .*NOKEY12345\.pem: .* P-256 key")
        self.assertRegex(second, r"bad name\.pem: must be named by its key id")

    def test_a_directory_without_keys(self):
        """It is a fault, and so is one that is not there."""
        (self.directory / "keys" / f"{KEY_ID}.pem").unlink()
        with self.assertRaisesRegex(CannotStart, "holds no key"):
            self.authentication.read_files()
        (self.directory / "keys").rmdir()
        with self.assertRaisesRegex(CannotStart, "No such file or directory"):
            self.authentication.read_files()


class PrincipalTests(PushInputTestCase):
    trusting = False
    options: ClassVar[dict[str, object]] = {
        "topics": {"com.example.news": "news", "com.example.mail": "mail"},
        "answer": "accepted",
    }
    grants: ClassVar[dict[str, Grant]] = {
        "shop": Grant(secrets=(SecretHash.of(SECRET, bytes(16)),), apps=frozenset({"news"}), rate=2),
        "reader": Grant(
            secrets=(SecretHash.of(b"reader's", bytes(16)),), operations=frozenset({Operation.READ})
        ),
    }
    bearer = "bearer " + SECRET.decode()

    def setUp(self):
        super().setUp()
        self.good = {"authorization": self.bearer, "apns_topic": "com.example.news"}

    def test_a_secret(self):
        """A principal's secret in place of a provider token."""
        self.assertEqual(self.told(**self.good), OK)
        self.assertEqual(self.told(**self.good), OK)

    def test_another_app(self):
        """One that the principal may not use is a topic that is not allowed."""
        self.assertEqual(
            self.told(authorization=self.bearer, apns_topic="com.example.mail"), (400, "TopicDisallowed")
        )

    def test_another_operation(self):
        """A principal that may not push is forbidden to."""
        self.assertEqual(
            self.told(authorization="bearer reader's", apns_topic="com.example.news"), (403, "Forbidden")
        )

    def test_a_wrong_secret(self):
        """It is answered late, like a failed login at every input."""
        stream = self.peer.request(authorization="bearer wrong", apns_topic="com.example.news")
        self.turn()
        self.assertIsNone(self.peer.answers[stream].told)
        self.pass_time(1)
        self.assertEqual(self.peer.answers[stream].told, (403, "InvalidProviderToken"))

    def test_a_secret_that_a_reload_took_away(self):
        """It is asked anew at each request."""
        self.assertEqual(self.told(**self.good), OK)
        self.context.principals.replace({"other": Grant()})
        self.assertEqual(self.told(**self.good), (403, "InvalidProviderToken"))

    def test_the_quota(self):
        """Beyond its rate requests wait; no more are read, and none is refused."""
        streams = [self.peer.request(f"/3/device/{token(number).hex()}", **self.good) for number in range(4)]
        self.turn()
        told = [self.peer.answers[stream].told for stream in streams]
        self.assertEqual(told, [OK, OK, None, None])
        self.assertEqual(self.peer.connection.transport.producerState, "paused")
        self.pass_time(3)
        told = [self.peer.answers[stream].told for stream in streams]
        self.assertEqual(told, [OK] * 4)
        self.assertEqual(self.peer.connection.transport.producerState, "producing")
        self.assertEqual(self.server._waiting, 0)

    def test_a_client_that_does_not_wait_for_its_quota(self):
        """What it gave up is not submitted."""
        for number in range(3):
            stream = self.peer.request(f"/3/device/{token(number).hex()}", **self.good)
        self.peer.h2.reset_stream(stream, 8)
        self.peer.send()
        self.pass_time(3)
        self.assertEqual(len(self.accepted()), 2)


class Certified:
    """What a transport knows of a client with a certificate."""

    def __init__(self, peer, name):
        certificate = trustme.CA().issue_cert("client.example.com", common_name=name)
        parsed = load_pem_x509_certificate(certificate.cert_chain_pems[0].bytes())
        self.subject = parsed.subject.rfc4514_string()
        transport = peer.connection.transport
        transport.getPeerCertificate = lambda: X509.from_cryptography(parsed)
        transport.getPeer = lambda: IPv4Address("TCP", "127.0.0.1", 4711)


class CertificateTests(PushInputTestCase):
    trusting = False
    grants: ClassVar[dict[str, Grant]] = {"other": Grant()}

    def certified(self, known):
        """A client with a certificate, which is a principal's or not."""
        shown = Certified(self.peer, "shop")
        if known:
            self.context.principals.replace({"shop": Grant(certificate=shown.subject)})

    def test_a_principals(self):
        """It may push, and what it says of tokens is not looked at."""
        self.certified(True)
        self.assertEqual(self.told(), OK)
        self.assertEqual(self.told(authorization="bearer wrong"), OK)

    def test_nobodys(self):
        """It is a bad certificate, counted once a connection."""
        self.certified(False)
        self.assertEqual(self.told(), (403, "BadCertificate"))
        self.assertEqual(self.told(), (403, "BadCertificate"))
        self.assertEqual(self.counted("pushgate_logins_failed_total"), {("apple",): 1})


class CertificateAndKeyTests(PushInputTestCase):
    trusting = False
    keyed = True
    grants: ClassVar[dict[str, Grant]] = {"other": Grant(secrets=(SecretHash.of(SECRET, bytes(16)),))}

    def test_a_token_in_its_place(self):
        """A certificate of no principal is no obstacle to a good token, or to a secret."""
        Certified(self.peer, "shop")
        self.assertEqual(self.told(), (403, "MissingProviderToken"))
        self.assertEqual(self.told(authorization=self.signer.bearer()), OK)
        self.assertEqual(self.told(authorization="bearer " + SECRET.decode()), OK)
        self.assertEqual(self.ask(f"/3/device/{TOKEN.hex()}", PAYLOAD).status, 403)
