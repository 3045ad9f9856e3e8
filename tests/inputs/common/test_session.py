"""The principal of a peer, and what it may read and do."""

import trustme
from OpenSSL.crypto import FILETYPE_PEM, load_certificate
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from pushgate.inputs.common.session import Authenticator
from pushgate.model.errors import Forbidden, NotFound, NotLoggedIn, TooFast
from pushgate.model.metrics import Metrics
from pushgate.model.principals import ANONYMOUS, Grant, Operation, Principals
from pushgate.model.secret_hash import SecretHash
from pushgate.plugin.context import Context
from pushgate.testing import RecordingGateway, outcome

PUSH, READ = Operation.PUSH, Operation.READ
SECRET = b"s3cr3t"
SHOP = Grant(secrets=(SecretHash.of(SECRET, bytes(16)),), apps=frozenset({"news"}), rate=10.0)


class SessionTests(SynchronousTestCase):
    def session(self, grants, trusting=True):
        """A session that has just begun."""
        self.clock, self.gateway = Clock(), RecordingGateway("news", "mail")
        self.gateway.records = {1: outcome(app="news"), 2: outcome(app="mail")}
        self.gateway.waiting = {1, 2}
        context = Context(
            reactor=self.clock,
            wall=lambda: 0.0,
            jitter=lambda: 0.0,
            metrics=Metrics(),
            principals=Principals(grants),
        )
        self.authenticator = Authenticator("front", trusting, self.gateway, context)
        return self.authenticator.session(StringTransport())

    def test_nobody(self):
        """Where there are principals, a peer without a login may do nothing, and the error says to log in."""
        session = self.session({"shop": SHOP})
        for ask in (lambda: session.permit(PUSH, "news", 1), lambda: session.status(1), session.stats):
            with self.assertRaisesRegex(NotLoggedIn, "^login: the caller is not logged in; log in first$"):
                ask()
        session.charge(10**6)
        self.assertFalse(session.sees("news"))

    def test_a_certificate_of_nobodys(self):
        """The error names its subject, so that one sees what to write into the configuration; nothing raw."""
        authority = trustme.CA()
        pem = authority.issue_cert("x", common_name="x\r\n\x1b[2J").cert_chain_pems[0].bytes()
        session = self.session({"shop": SHOP})
        session._transport.getPeerCertificate = lambda: load_certificate(FILETYPE_PEM, pem)
        with self.assertRaises(NotLoggedIn) as caught:
            session.permit(PUSH, "news", 1)
        text = str(caught.exception)
        self.assertIn(r"subject, CN=x\r\n\x1b[2J,O", text)
        self.assertIn("is not that of a principal; name it in the configuration, or log in first", text)

    def test_anonymous(self):
        """A peer without a login has the grant of `anonymous`, where only this machine can connect."""
        grants = {"shop": SHOP, ANONYMOUS: Grant(operations=frozenset({PUSH}), rate=10.0)}
        session = self.session(grants)
        self.assertEqual(session.permit(PUSH, "news", 10).name, ANONYMOUS)
        with self.assertRaises(TooFast):
            session.charge(1)
        with self.assertRaises(NotLoggedIn):
            self.session(grants, trusting=False).permit(PUSH, "news", 1)
        with self.assertRaises(NotLoggedIn):
            self.session({}, trusting=False).permit(PUSH, "news", 1)

    def test_a_login(self):
        """From then on it is that principal; a login that fails changes nothing."""
        session = self.session({"shop": SHOP})
        self.successResultOf(session.login("shop", SECRET))
        self.assertEqual(session.permit(PUSH, "news", 1).name, "shop")
        failing = session.bearer(b"wrong")
        self.authenticator.stop()
        self.failureResultOf(failing, NotLoggedIn)
        self.assertEqual(session.principal.name, "shop")
        session = self.session({"shop": SHOP})
        self.successResultOf(session.bearer(SECRET))
        self.assertTrue(session.sees("news"))

    def test_what_a_limited_one_sees(self):
        """Records, counts and withdrawals of its own apps only; of another app not even what became of it."""
        session = self.session({"shop": SHOP})
        session.login("shop", SECRET)
        self.assertEqual(self.successResultOf(session.status(1)).app, "news")
        self.failureResultOf(session.status(2), Forbidden)
        self.failureResultOf(session.status(3), NotFound)
        self.assertEqual(self.successResultOf(session.trace(1)).app, "news")
        self.failureResultOf(session.trace(2), Forbidden)
        self.assertTrue(self.successResultOf(session.cancel(1)))
        self.failureResultOf(session.cancel(2), Forbidden)
        self.assertEqual(self.gateway.waiting, {2})
        self.assertEqual(session.stats(), {"apps": {"news": {}}})
        self.assertFalse(session.sees("mail"))

    def test_what_others_see(self):
        """Without a limit, everything as the gateway has it."""
        session = self.session({})
        self.assertEqual(self.successResultOf(session.status(2)).app, "mail")
        self.assertEqual(self.successResultOf(session.trace(2)).app, "mail")
        self.assertTrue(self.successResultOf(session.cancel(2)))
        self.failureResultOf(session.cancel(3), NotFound)
        self.assertEqual(session.stats(), self.gateway.stats())
