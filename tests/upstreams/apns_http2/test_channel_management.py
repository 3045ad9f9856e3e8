"""What becomes of requests about channels: refusals, renewed tokens, and services that fail."""

from itertools import count

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from pushgate.model.channel import StoragePolicy
from pushgate.model.errors import Invalid, Overloaded, ServiceFailed
from pushgate.net.http.client_codec import Answered
from pushgate.plugin.upstream_interface import IChannels
from pushgate.protocols.apns_http2.provider_token import AGES
from pushgate.protocols.http_push.token_clock import TokenClock
from pushgate.testing import MemoryNetwork, context
from pushgate.upstreams.apns_http2.channel_management import MOST, ChannelManagement
from pushgate.upstreams.apns_http2.credential import AppleCredential
from pushgate.upstreams.apns_http2.settings import ApnsHTTP2Table
from pushgate.upstreams.common.credentials import Credentials
from pushgate.upstreams.common.http_push.request_connection import RequestFailed
from tests.samples import CHANNEL

EXPIRED = b'{"reason":"ExpiredProviderToken"}'


class Connection:
    """Answers requests as a test says."""

    def __init__(self):
        self.usable, self.unanswered, self.asked, self.left, self.aborted = True, 0, [], False, False

    def ask(self, form, path, unlike, body):
        answer = Deferred()
        self.asked.append((dict(form.pseudo) | dict(form.fields), answer))
        return answer

    def answer(self, status, body=b"", *headers):
        """Answer the last request."""
        self.asked[-1][1].callback(Answered(1, status, headers, body))

    def fail(self, **how):
        self.asked[-1][1].errback(RequestFailed("the connection was lost", **how))

    def leave(self):
        self.left = True

    def abort(self):
        self.aborted = True


class ManagementTests(SynchronousTestCase):
    def setUp(self):
        self.surroundings, serials = context(MemoryNetwork()), count()
        self.tokens = TokenClock(lambda at: f"token-{next(serials)}", AGES)
        self.channels = self.made(self.tokens)
        self.connection = self.channels._connection = Connection()

    def made(self, tokens):
        """Channels of an app."""
        table = ApnsHTTP2Table.model_construct(
            topic="com.example.news", manage_host="manage.example.com", manage_port=2196, request_timeout=30.0
        )
        return ChannelManagement(table, AppleCredential(Credentials(None), tokens), self.surroundings)

    def test_interface(self):
        """It provides what the gateway hands on."""
        self.assertTrue(verifyObject(IChannels, self.channels))

    def test_a_request(self):
        """It has the host's authority, and a provider token."""
        made = self.channels.create_channel(StoragePolicy.MOST_RECENT)
        [(fields, _)] = self.connection.asked
        self.assertEqual(fields[b":authority"], b"manage.example.com:2196")
        self.assertEqual(fields[b"authorization"], b"bearer token-0")
        self.connection.answer(201, b"", (b"apns-channel-id", CHANNEL.encode()))
        self.assertEqual(self.successResultOf(made), CHANNEL)

    def test_a_token_that_has_expired(self):
        """It is made anew once; when the service will not have that one either, it says so."""
        listed = self.channels.list_channels()
        self.connection.answer(403, EXPIRED)
        self.assertEqual(self.connection.asked[-1][0][b"authorization"], b"bearer token-1")
        self.connection.answer(200, b'{"channels":[]}')
        self.assertEqual(self.successResultOf(listed), [])
        deleted = self.channels.delete_channel(CHANNEL)
        self.connection.answer(403, EXPIRED)
        self.assertIn("ExpiredProviderToken", str(self.failureResultOf(deleted, ServiceFailed).value))

    def test_tokens_that_were_renewed_too_often(self):
        """The token is kept for longer than usual."""
        self.tokens.authorization(self.surroundings.wall())
        self.surroundings.reactor.advance(45 * 60)
        listed = self.channels.list_channels()
        self.connection.answer(429, b'{"reason":"TooManyProviderTokenUpdates"}')
        self.failureResultOf(listed, Overloaded)
        self.assertEqual(self.tokens.authorization(self.surroundings.wall() + 600), b"bearer token-0")

    def test_a_service_that_cannot_be_reached(self):
        """The failure names it and says why; the next request tries again."""
        self.channels = self.made(self.tokens)
        for _ in range(2):
            listed = self.channels.list_channels()
            self.surroundings.reactor.advance(1)
            self.assertIn("manage.example.com:2196: ", str(self.failureResultOf(listed, ServiceFailed).value))

    def test_what_was_not_looked_at_is_asked_again(self):
        """Once."""
        read = self.channels.read_channel(CHANNEL)
        self.connection.fail(acted=False, again=True)
        self.connection.answer(200, b"{}")
        self.assertEqual(self.successResultOf(read).channel, CHANNEL)
        read = self.channels.read_channel(CHANNEL)
        self.connection.fail(acted=False, again=True)
        self.connection.fail(acted=False, again=True)
        self.failureResultOf(read, ServiceFailed)
        self.assertEqual(len(self.connection.asked), 4)

    def test_what_may_have_been_done(self):
        """Is said to be unknown, and not asked for again; a question that has no answer has changed nothing."""
        made = self.channels.create_channel(StoragePolicy.NONE)
        self.connection.fail(acted=True)
        self.assertIn("not known", str(self.failureResultOf(made, ServiceFailed).value))
        listed = self.channels.list_channels()
        self.connection.fail(acted=True)
        self.assertNotIn("not known", str(self.failureResultOf(listed, ServiceFailed).value))
        self.assertEqual(len(self.connection.asked), 2)

    def test_too_many(self):
        """There is a limit to what waits."""
        self.connection.unanswered = MOST
        self.failureResultOf(self.channels.list_channels(), Overloaded)

    def test_with_a_certificate(self):
        """Broadcasts need a provider key, and nothing is asked."""
        self.failureResultOf(self.made(None).list_channels(), Invalid)

    def test_a_channel_that_is_none(self):
        """Nothing is asked."""
        self.failureResultOf(self.channels.read_channel("\r\n"), Invalid)
        self.assertEqual(self.connection.asked, [])

    def test_stopping(self):
        """A connection is left, or aborted, if there is one."""
        self.channels.stop()
        self.channels.abort()
        self.assertTrue(self.connection.left and self.connection.aborted)
        idle = self.made(self.tokens)
        idle.stop()
        idle.abort()


class KeyTests(SynchronousTestCase):
    def table(self, **keys):
        """Where the channels of an app are managed."""
        table = ApnsHTTP2Table.model_validate({"upstream": "apns-http2", "certificate": __file__, **keys})
        return table.manage_host, table.manage_port

    def test_defaults(self):
        """By the environment; beside a host of one's own; or as it is said."""
        apples = "api-manage-broadcast.push.apple.com"
        self.assertEqual(self.table(), (apples, 2196))
        sandbox = "api-manage-broadcast.sandbox.push.apple.com"
        self.assertEqual(self.table(environment="sandbox"), (sandbox, 2195))
        self.assertEqual(self.table(host="push.example.com"), ("push.example.com", 443))
        self.assertEqual(self.table(host="push.example.com", port=8443), ("push.example.com", 8443))
        self.assertEqual(self.table(host="push.example.com", manage_host=apples, manage_port=1), (apples, 1))
