"""Who is at the other end, and what it may see and do."""

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from pushgate.inputs.common.session import Authenticator
from pushgate.model.errors import Forbidden, NotFound, NotLoggedIn, TooFast
from pushgate.model.metrics import Metrics
from pushgate.model.principals import ANONYMOUS, Grant, Operation, Principals
from pushgate.model.secret_hash import SecretHash
from pushgate.plugin.interfaces import Context
from pushgate.testing import RecordingGateway, outcome

PUSH, READ = Operation.PUSH, Operation.READ
SECRET = b"s3cr3t"
SHOP = Grant(secrets=(SecretHash.of(SECRET, bytes(16)),), apps=frozenset({"news"}), rate=10.0)


class VisitorTests(SynchronousTestCase):
    def visitor(self, grants, trusting=True):
        """Somebody who has just come in."""
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
        self.porter = Authenticator("front", trusting, self.gateway, context)
        return self.porter.visitor(StringTransport())

    def test_nobody(self):
        """Where principals are asked for, who has not logged in may do nothing, and is told what to do."""
        visitor = self.visitor({"shop": SHOP})
        for ask in (lambda: visitor.permit(PUSH, "news", 1), lambda: visitor.status(1), visitor.stats):
            with self.assertRaisesRegex(NotLoggedIn, "^login: nobody is logged in; log in first$"):
                ask()
        visitor.charge(10**6)
        self.assertFalse(visitor.sees("news"))

    def test_anonymous(self):
        """Who has not logged in may do what the configuration says of it, where only this machine can come in."""
        grants = {"shop": SHOP, ANONYMOUS: Grant(operations=frozenset({PUSH}), rate=10.0)}
        visitor = self.visitor(grants)
        self.assertEqual(visitor.permit(PUSH, "news", 10).name, ANONYMOUS)
        with self.assertRaises(TooFast):
            visitor.charge(1)
        with self.assertRaises(NotLoggedIn):
            self.visitor(grants, trusting=False).permit(PUSH, "news", 1)
        with self.assertRaises(NotLoggedIn):
            self.visitor({}, trusting=False).permit(PUSH, "news", 1)

    def test_a_login(self):
        """From then on it is that principal; a login that fails changes nothing."""
        visitor = self.visitor({"shop": SHOP})
        self.successResultOf(visitor.login("shop", SECRET))
        self.assertEqual(visitor.permit(PUSH, "news", 1).name, "shop")
        failing = visitor.bearer(b"wrong")
        self.porter.stop()
        self.failureResultOf(failing, NotLoggedIn)
        self.assertEqual(visitor.principal.name, "shop")
        visitor = self.visitor({"shop": SHOP})
        self.successResultOf(visitor.bearer(SECRET))
        self.assertTrue(visitor.sees("news"))

    def test_what_a_limited_one_sees(self):
        """Records, counts and withdrawals of its own apps only; of another app not even what became of it."""
        visitor = self.visitor({"shop": SHOP})
        visitor.login("shop", SECRET)
        self.assertEqual(self.successResultOf(visitor.status(1)).app, "news")
        self.failureResultOf(visitor.status(2), Forbidden)
        self.failureResultOf(visitor.status(3), NotFound)
        self.assertEqual(self.successResultOf(visitor.trace(1)).app, "news")
        self.failureResultOf(visitor.trace(2), Forbidden)
        self.assertTrue(self.successResultOf(visitor.cancel(1)))
        self.failureResultOf(visitor.cancel(2), Forbidden)
        self.assertEqual(self.gateway.waiting, {2})
        self.assertEqual(visitor.stats(), {"apps": {"news": {}}})
        self.assertFalse(visitor.sees("mail"))

    def test_what_others_see(self):
        """Without a limit, everything as the gateway has it."""
        visitor = self.visitor({})
        self.assertEqual(self.successResultOf(visitor.status(2)).app, "mail")
        self.assertEqual(self.successResultOf(visitor.trace(2)).app, "mail")
        self.assertTrue(self.successResultOf(visitor.cancel(2)))
        self.failureResultOf(visitor.cancel(3), NotFound)
        self.assertEqual(visitor.stats(), self.gateway.stats())
