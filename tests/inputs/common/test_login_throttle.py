"""Failed logins: answered late, counted, logged, and never with the secret."""

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from twisted.internet.testing import EventLoggingObserver
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from pushgate.inputs.common import login_failures, login_throttle
from pushgate.inputs.common.login_failures import INTERVAL, LINES, MAX_ADDRESSES, MEMORY, FailureLog
from pushgate.inputs.common.login_throttle import FIRST_DELAY, LIMIT, MAX_DELAY, LoginThrottle
from pushgate.model.errors import NotLoggedIn
from pushgate.model.metrics import Metrics
from pushgate.model.principals import Grant, Principals
from pushgate.model.secret_hash import SecretHash
from pushgate.plugin.context import Context

SECRET = b"s3cr3t-of-the-shop"


def ip(host):
    """A peer's address."""
    return (IPv6Address if ":" in host else IPv4Address)("TCP", host, 1234)


class LoginsTests(SynchronousTestCase):
    def setUp(self):
        self.clock, self.metrics = Clock(), Metrics()
        grants = {"shop": Grant(secrets=(SecretHash.of(SECRET, bytes(16)),), certificate="CN=shop")}
        context = Context(
            reactor=self.clock,
            wall=lambda: 0.0,
            jitter=lambda: 0.0,
            metrics=self.metrics,
            principals=Principals(grants),
        )
        self.throttle = lambda limit: LoginThrottle("front", context, limit)
        self.logins = self.throttle(LIMIT)
        self.log = EventLoggingObserver()
        globalLogPublisher.addObserver(self.log)
        self.addCleanup(globalLogPublisher.removeObserver, self.log)

    def delay(self, host="192.0.2.1", name="shop"):
        """Seconds until a failure is answered."""
        failing = self.logins.login(name, b"wrong", ip(host))
        began = self.clock.seconds()
        while True:
            self.clock.advance(
                min(each.getTime() for each in self.clock.getDelayedCalls()) - self.clock.seconds()
            )
            if failing.called:
                self.failureResultOf(failing, NotLoggedIn)
                return self.clock.seconds() - began

    def lines(self):
        """What the log says."""
        return [event["log_format"].format(**event) for event in self.log]

    def test_good_ones_are_not_held_up(self):
        """Whoever has the secret is in at once, whatever others tried from the same address."""
        failing = [self.logins.login("shop", b"wrong", ip("192.0.2.1")) for _ in range(5)]
        self.assertEqual(self.logins.login("shop", SECRET, ip("192.0.2.1")).name, "shop")
        self.assertEqual(self.logins.bearer(SECRET, ip("192.0.2.1")).name, "shop")
        self.assertEqual(self.logins.certified("CN=shop", ip("192.0.2.1")).name, "shop")
        for each in failing:
            self.assertNoResult(each)
            each.addErrback(lambda failure: failure.trap(NotLoggedIn))
        self.logins.stop()

    def test_the_delay_grows(self):
        """It doubles with each failure of an address, up to a limit, whichever name was tried."""
        delays = [self.delay(name=f"name-{number}") for number in range(9)]
        self.assertEqual(delays[:4], [FIRST_DELAY * 2**number for number in range(4)])
        self.assertEqual(delays[-1], MAX_DELAY)
        self.assertEqual(self.delay("192.0.2.2"), FIRST_DELAY)

    def test_it_is_forgotten(self):
        """An address that was quiet for long enough starts anew."""
        self.delay()
        self.assertEqual(self.delay(), 2 * FIRST_DELAY)
        self.clock.advance(MEMORY + 1)
        self.assertEqual(self.delay(), FIRST_DELAY)

    def test_what_counts_as_one_address(self):
        """The network of one customer, where addresses are plenty; all programs of this machine."""
        self.delay("2001:db8::1")
        self.assertEqual(self.delay("2001:db8::ffff:1"), 2 * FIRST_DELAY)
        self.assertEqual(self.delay("2001:db8:0:1::1"), FIRST_DELAY)
        self.delay("198.51.100.7")
        self.assertEqual(self.delay("::ffff:198.51.100.7"), 2 * FIRST_DELAY)
        self.assertEqual(self.delay("fe80::1%eth0"), FIRST_DELAY)
        self.assertIsNone(self.logins.certified("CN=nobody", UNIXAddress(b"")))
        self.assertIn("from this machine", self.lines()[-1])

    def test_the_table_is_bounded(self):
        """What failed longest ago is forgotten for a new address."""
        self.patch(login_failures, "MAX_ADDRESSES", 2)
        for host in ("192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.3"):
            self.delay(host)
        self.assertEqual(self.delay("192.0.2.2"), FIRST_DELAY)
        self.assertEqual(self.delay("192.0.2.3"), 2 * FIRST_DELAY)

    def test_who_waits_is_bounded(self):
        """Beyond it a failure ends its connection, at once."""
        self.patch(login_throttle, "MAX_WAITING", 2)
        waiting = [self.logins.login("shop", b"wrong", ip("192.0.2.1")) for _ in range(2)]
        ended = self.failureResultOf(self.logins.login("shop", b"wrong", ip("192.0.2.1")), NotLoggedIn)
        self.assertTrue(ended.value.closes)
        self.logins.stop()
        for each in waiting:
            self.failureResultOf(each, NotLoggedIn)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_nobody_need_wait(self):
        """Whoever goes away takes the answer along; a stop answers the others."""
        gone, stays = (self.logins.bearer(b"wrong", ip("192.0.2.1")) for _ in range(2))
        gone.cancel()
        self.failureResultOf(gone, CancelledError)
        self.logins.stop()
        self.failureResultOf(stays, NotLoggedIn)
        self.failureResultOf(self.logins.bearer(b"wrong", ip("192.0.2.1")), NotLoggedIn)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_the_limit_of_an_address(self):
        """Beyond it a failure ends its connection, at once, until the address was quiet; a good login is let in."""
        for _ in range(LIMIT):
            self.logins.login("shop", b"wrong", ip("192.0.2.1")).addErrback(
                lambda failure: failure.trap(NotLoggedIn)
            )
        ended = self.failureResultOf(self.logins.bearer(b"wrong", ip("192.0.2.1")), NotLoggedIn)
        self.assertTrue(ended.value.closes)
        self.assertIn(
            "no principal of this name has this secret; too many from here failed", str(ended.value)
        )
        self.assertEqual(self.logins.login("shop", SECRET, ip("192.0.2.1")).name, "shop")
        self.assertEqual(self.delay("192.0.2.2"), FIRST_DELAY)
        self.clock.advance(MEMORY + 1)
        self.assertEqual(self.delay("192.0.2.1"), FIRST_DELAY)

    def test_no_limit(self):
        """Where the configuration says so, each failure has its delay."""
        self.logins = self.throttle(0)
        for _ in range(LIMIT + 1):
            failing = self.logins.login("shop", b"wrong", ip("192.0.2.1"))
            self.assertNoResult(failing)
            failing.addErrback(lambda failure: failure.trap(NotLoggedIn))
        self.logins.stop()

    def test_many_are_summed_up(self):
        """The first of an interval have a line each; the others are one line at its end, or at the stop."""
        self.patch(login_throttle, "MAX_WAITING", 0)
        for number in range(LINES + 1000):
            host = "192.0.2.1" if number % 4 else "192.0.2.2"
            self.failureResultOf(self.logins.login("shop", b"wrong", ip(host)))
        self.assertEqual(len(self.lines()), LINES)
        self.clock.advance(INTERVAL)
        self.assertEqual(
            self.lines()[LINES:],
            [
                "input front: 1000 more failed logins within 60 s, from 2 addresses; 750 from 192.0.2.1",
            ],
        )
        for _ in range(LINES + 1):
            self.failureResultOf(self.logins.login("shop", b"wrong", ip("192.0.2.1")))
        self.logins.stop()
        self.assertIn("1 more failed logins", self.lines()[-1])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_quiet_interval_says_nothing(self):
        """Nor is there a timer while nothing fails."""
        self.delay()
        self.clock.advance(INTERVAL)
        self.assertEqual(len(self.lines()), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_the_sum_is_bounded(self):
        """However many addresses there are, so many are distinguished."""
        log = FailureLog()
        for number in range(LINES + MAX_ADDRESSES + 5):
            log.has_line(str(number))
        self.assertEqual(log.take()[:2], (MAX_ADDRESSES + 5, MAX_ADDRESSES))
        self.assertIsNone(log.take())

    def test_a_subject_cannot_move_a_cursor(self):
        """What a certificate says is its owner's word: in the log it has no control characters."""
        self.assertIsNone(self.logins.certified("CN=a\r\x1b[2J\nfake", ip("192.0.2.1")))
        [line] = self.lines()
        self.assertIn(r"as the certificate of CN=a\r\x1b[2J\nfake from", line)

    def test_they_are_counted_and_logged(self):
        """Once each, with the input and the address; an unknown name may be a secret, and is not logged."""
        self.delay()
        self.delay(name=SECRET.decode())
        self.assertIsNone(self.logins.certified("CN=nobody", ip("192.0.2.1")))
        self.assertEqual(self.metrics.counts["pushgate_logins_failed_total"], {("front",): 3})
        self.assertEqual(
            self.lines(),
            [
                "input front: failed login as shop from 192.0.2.1, 1 in a row",
                "input front: failed login as an unknown name from 192.0.2.1, 2 in a row",
                "input front: failed login as the certificate of CN=nobody from 192.0.2.1, 3 in a row",
            ],
        )
        self.assertNotIn(SECRET.decode(), repr(list(self.log)))
        self.assertNotIn("wrong", repr([{**event, "log_source": None} for event in self.log]))
