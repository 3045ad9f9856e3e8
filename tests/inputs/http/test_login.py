"""Permissions of principals over HTTP."""

from base64 import b64encode
from typing import ClassVar

import h2.connection
import h2.events

from pushgate.inputs.common.login_throttle import FIRST_DELAY
from pushgate.inputs.common.session import Authenticator
from pushgate.model.outcome_record import id_text
from pushgate.model.principals import Grant, Operation
from pushgate.model.secret_hash import SecretHash
from pushgate.net.prometheus import Exposition
from pushgate.testing import outcome
from tests.http_rig import ONE, PUSH, HTTPTestCase, request

SECRET = "s3cr3t-of-the-shop"
PUSHES, READS, _ = Operation
BEARER = f"Bearer {SECRET}"


def proven(**limits):
    """What a principal with `SECRET` is allowed."""
    return Grant(secrets=(SecretHash.of(SECRET.encode(), bytes(16)),), **limits)


def basic(name, secret):
    """A name and a secret as browsers and curl send them."""
    return "Basic " + b64encode(f"{name}:{secret}".encode()).decode()


class LoginTests(HTTPTestCase):
    grants: ClassVar = {"shop": proven()}

    def test_nobody(self):
        """A caller without credentials may do nothing, and the answer says how to log in."""
        for method, path in (
            ("POST", PUSH),
            ("GET", "/v1/apps"),
            ("GET", "/v1/outcomes"),
            ("GET", "/metrics"),
        ):
            response = self.ask(method, path, ONE if method == "POST" else None)
            self.refusal(response, 401, "FORBIDDEN")
            self.assertIn("Bearer", response.headers["www-authenticate"])
        self.assertEqual(self.gateway.submissions, [])

    def test_somebody(self):
        """A secret alone, or with its name, or as Basic: each proves it, for one request."""
        for said in (BEARER, f"bearer  {SECRET}", basic("shop", SECRET)):
            self.assertEqual(self.push(authorization=said).status, 202)
        self.refusal(self.push(), 401, "FORBIDDEN")

    def test_open_paths(self):
        """Open paths need no login; /metrics is none of them by default."""
        for path in ("/healthz", "/readyz", "/openapi.json"):
            self.assertEqual(self.ask("GET", path).status, 200)

    def test_a_wrong_secret(self):
        """Is answered late, counted, and not in the log; other connections go on meanwhile."""
        for times, said in enumerate(("Bearer wr0ng", basic("shop", "wr0ng"), basic("x", SECRET))):
            self.assertEqual(self.send(request("POST", PUSH, ONE, authorization=said)), [])
            other = self.connect()
            [response] = self.send(request("GET", "/v1/apps", authorization=BEARER), connection=other)
            self.assertEqual(response.status, 200)
            self.lose(other)
            self.clock.advance(FIRST_DELAY * 2**times)
            [response] = self.received()
            self.refusal(response, 401, "FORBIDDEN")
        self.assertEqual(self.counted("pushgate_logins_failed_total"), {("http",): 3})
        self.assertNotIn("wr0ng", "".join(self.logged()))
        self.assertEqual(self.gateway.submissions, [])

    def test_a_wrong_secret_and_gone(self):
        """Nothing is left that waits for the answer."""
        self.send(request("POST", PUSH, ONE, authorization="Bearer wr0ng"))
        self.lose()
        self.pass_time(2)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_what_is_not_understood(self):
        """Is an error of its own, which quotes nothing."""
        for said in ("Digest x", "Bearer", "Basic !!!", "Basic " + b64encode(b"nocolon").decode(), "x" * 500):
            response = self.push(authorization=said)
            self.assertNotIn("x" * 100, self.refusal(response, 400, "INVALID"))

    def test_before_the_body(self):
        """The head is checked first: a body that the caller may not send is not kept."""
        [response] = self.send(request("POST", PUSH, content_length=2_000_000))
        self.refusal(response, 401, "FORBIDDEN")
        self.assertEqual(response.headers["connection"], "close")


class OpenMetricsTests(HTTPTestCase):
    grants: ClassVar = {"shop": proven()}
    options: ClassVar = {"open_paths": ["/metrics"]}

    def test_open_paths(self):
        """The configuration says what is open, and nothing else is."""
        self.server.gateway.stats = None
        self.assertNotEqual(self.ask("GET", "/metrics").status, 401)
        self.flushLoggedErrors()
        self.assertEqual(self.ask("GET", "/healthz").status, 401)


class LimitTests(HTTPTestCase):
    grants: ClassVar = {
        "shop": proven(apps=frozenset({"news"}), operations=frozenset({PUSHES, READS}), rate=10, max_batch=5)
    }

    def ask(self, method, path, body=None, **headers):
        """As always, with the secret."""
        return super().ask(method, path, body, authorization=BEARER, **headers)

    def test_other_apps(self):
        """Are neither pushed to, nor watched, nor seen."""
        self.refusal(self.push(path="/v1/apps/mail/notifications"), 403, "FORBIDDEN")
        self.refusal(self.ask("GET", "/v1/outcomes?app=mail"), 403, "FORBIDDEN")
        self.assertEqual(list(self.ask("GET", "/v1/apps").json["apps"]), ["news"])
        for number, app, status in ((5, "news", 200), (6, "mail", 403)):
            self.gateway.records[number] = outcome(app=app)
            self.gateway.waiting.add(number)
            path = f"/v1/notifications/{id_text(number)}"
            self.assertEqual([self.ask(method, path).status for method in ("GET", "DELETE")], [status] * 2)

    def test_metrics(self):
        """Those of the caller's apps and of none, as the states of apps are."""
        self.server.exposition = Exposition(self.context.metrics, lambda: {"apps": {}, "sinks": {}})
        self.context.metrics.count("pushgate_submitted_total", "news", "http")
        self.context.metrics.count("pushgate_submitted_total", "mail", "http")
        text = self.ask("GET", "/metrics").body.decode()
        self.assertIn('app="news"', text)
        self.assertNotIn('app="mail"', text)
        self.assertIn("pushgate_logins_failed_total", text)

    def test_a_stream_of_all(self):
        """Has those of the apps that may be seen."""
        self.send(request("GET", "/v1/outcomes", authorization=BEARER))
        self.gateway.report(outcome(app="mail"), outcome(app="news"))
        written = self.connection.transport.value()
        self.assertEqual(written.count(b"data: "), 1)
        self.assertIn(b'"news"', written)

    def test_too_large_a_batch(self):
        """Is refused by the principal's own limit, however it is sent."""
        many = {"tokens": ["12"] * 6, "payload": {}}
        self.refusal(self.push(many), 413, "TOO_LARGE")

    def test_too_fast(self):
        """Is refused with the time to wait, never queued; then it goes again."""
        for _ in range(2):
            self.assertEqual(self.push({"tokens": ["12"] * 5, "payload": {}}).status, 202)
        response = self.push()
        self.refusal(response, 429, "OVERLOADED")
        self.assertEqual(response.headers["retry-after"], "1")
        self.pass_time(1)
        self.assertEqual(self.push().status, 202)

    def test_lines(self):
        """The quota holds for each piece."""
        body = b'{"token": "12", "payload": {}}\n' * 6
        response = self.push(body, content_type="application/x-ndjson")
        self.refusal(response, 413, "TOO_LARGE")


class FailureLimitTests(HTTPTestCase):
    grants: ClassVar = {"shop": proven()}

    def test_too_many_failed(self):
        """Beyond the limit of an address a failure ends its connection, at once."""
        self.server.authenticator = Authenticator("http", True, self.gateway, self.context, 1)
        self.send(request("GET", "/v1/apps", authorization="Bearer wr0ng"))
        self.clock.advance(FIRST_DELAY)
        [response] = self.received()
        self.assertEqual((response.status, "connection" in response.headers), (401, False))
        [response] = self.send(request("GET", "/v1/apps", authorization="Bearer wr0ng"))
        self.assertEqual((response.status, response.headers["connection"]), (401, "close"))
        self.assertEqual(self.counted("pushgate_connections_closed_total"), {("http", "logins"): 1})
        self.assertTrue(self.connection.transport.disconnecting)

    def test_over_http2(self):
        """Its answer comes, and then the end of the connection."""
        self.server.authenticator = Authenticator("http", True, self.gateway, self.context, 1)
        client = h2.connection.H2Connection()
        client.initiate_connection()
        head = [(":method", "GET"), (":path", "/v1/apps"), (":scheme", "http"), (":authority", "localhost")]
        for stream in (1, 3):
            client.send_headers(stream, [*head, ("authorization", "Bearer wr0ng")], end_stream=True)
            self.connection.dataReceived(client.data_to_send())
            self.assertFalse(self.connection.transport.disconnecting and stream == 1)
            self.clock.advance(FIRST_DELAY)
            events = client.receive_data(self.taken())
            self.assertTrue(any(isinstance(each, h2.events.ResponseReceived) for each in events))
        self.assertTrue(any(isinstance(each, h2.events.ConnectionTerminated) for each in events))
        self.assertTrue(self.connection.transport.disconnecting)
