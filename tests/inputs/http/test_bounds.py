"""The HTTP input and bad peers: slow, large, greedy, and not HTTP at all."""

from typing import ClassVar

from pushgate.net.http.request import BRIEF, LINGER
from tests.http_rig import LAST, ONE, PUSH, HTTPTestCase, chunk, request


def head(length=None, path=PUSH, **headers):
    """The head of a submission, whose body is still to come."""
    extra = {"content_length": length} if length is not None else {"transfer_encoding": "chunked"}
    return request("POST", path, **extra, **headers)


class SizeTests(HTTPTestCase):
    options: ClassVar = {"max_body": 200_000, "max_bodies": 300_000}

    def test_a_long_body_is_refused_before_it_is_read(self):
        """Its head is enough; the answer says that the connection ends, and it does when the body has come."""
        [response] = self.send(head(1 << 30, expect="100-continue"))
        self.refusal(response, 413, "TOO_LARGE")
        self.assertEqual(response.headers["connection"], "close")
        self.assertEqual(self.rest, b"")
        self.assertFalse(self.connection.transport.disconnecting)
        self.send(b"x" * 100_000)
        self.pass_time(LINGER)
        self.assertTrue(self.connection.transport.aborted)

    def test_a_long_body_of_unknown_length(self):
        """It is counted as it comes."""
        self.assertEqual(self.send(head(), chunk(b"x" * 150_000)), [])
        [response] = self.send(chunk(b"x" * 100_000))
        self.refusal(response, 413, "TOO_LARGE")
        self.assertEqual(response.headers["connection"], "close")
        self.assertEqual(self.send(LAST), [])
        self.assertTrue(self.connection.transport.disconnecting)

    def test_a_short_unwanted_body_costs_no_connection(self):
        """It is read to its end, and the next request is answered."""
        [response] = self.send(head(BRIEF, content_type="text/plain"))
        self.assertEqual(response.status, 415)
        self.assertNotIn("connection", response.headers)
        self.assertEqual(self.send(b"x" * BRIEF), [])
        self.assertEqual(self.push().status, 202)

    def test_all_bodies_together(self):
        """When those being read are too many, another one is refused for now, and room is given back."""
        others = [self.connect() for _ in range(2)]
        for other in others:
            self.assertEqual(self.send(head(150_001), b"x" * 149_999, connection=other), [])
        [response] = self.send(head(5), b"12345")
        self.refusal(response, 429, "OVERLOADED")
        self.lose(others[0])
        self.assertEqual(self.push().status, 202)
        [response] = self.send(b"xx", connection=others[1])
        self.assertEqual(response.status, 400)
        self.assertEqual(self.server._body_bytes, 0)

    def test_the_word_to_go_on(self):
        """A client that waits for it before a wanted body gets it."""
        self.connection.dataReceived(head(2, expect="100-continue"))
        self.assertIn(b"100 Continue", self.connection.transport.value())


class SlownessTests(HTTPTestCase):
    options: ClassVar = {"header_timeout": "10s", "body_timeout": "20s", "idle_timeout": "40s"}

    def trickle(self, data, seconds):
        """Send a byte a second, as long as the connection lasts; return what came back."""
        found = []
        for at in range(int(seconds)):
            found += self.send(data[at : at + 1] or b"x")
            self.pass_time(1)
            if self.connection.transport.disconnecting:
                break
        return found

    def test_a_slow_head(self):
        """A byte a second is no way to make a request."""
        self.trickle(b"GET /healthz HTTP/1.1\r\nX-Long: ", 9)
        self.assertFalse(self.connection.transport.disconnecting)
        self.trickle(b"", 2)
        self.assertTrue(self.connection.transport.disconnecting)
        self.pass_time(LINGER)
        self.assertTrue(self.connection.transport.aborted)

    def test_a_slow_body(self):
        """Nor to send one: it gets 408, and is then cut off."""
        self.send(head(10_000))
        [response] = self.trickle(b"{", 25)
        self.refusal(response, 408, "INVALID")
        self.assertEqual(response.headers["connection"], "close")
        self.assertEqual(self.counted("pushgate_connections_closed_total"), {("http", "slow"): 1})
        self.pass_time(LINGER)
        self.assertTrue(self.connection.transport.aborted)

    def test_a_body_that_comes_steadily(self):
        """A body of good speed may take its time."""
        self.send(head(content_type="application/json"))
        for _ in range(60):
            self.assertEqual(self.send(chunk(b" " * 2000)), [])
            self.pass_time(1)
        [response] = self.send(chunk(b'{"tokens": ["12"], "payload": {}}'), LAST)
        self.assertEqual(response.status, 202)

    def test_silence_between_requests(self):
        """A connection is kept for a while, and then closed."""
        self.push()
        self.pass_time(35)
        self.push()
        self.pass_time(39)
        self.assertFalse(self.connection.transport.disconnecting)
        self.pass_time(2)
        self.assertTrue(self.connection.transport.disconnecting)

    def test_a_connection_without_a_request(self):
        """As if one had just been answered."""
        self.pass_time(39)
        self.assertFalse(self.connection.transport.disconnecting)
        self.pass_time(2)
        self.assertTrue(self.connection.transport.disconnecting)

    def test_a_long_answer_is_no_silence(self):
        """A client that waits for the gateway is not cut off."""
        self.gateway.holding = True
        self.send(request("POST", PUSH, ONE))
        self.pass_time(100)
        self.gateway.release()
        self.assertEqual(self.received()[0].status, 202)


class GreedTests(HTTPTestCase):
    options: ClassVar = {"max_connections": 3}

    def test_too_many_connections(self):
        """Further ones are closed at once, with one line in the log; when one goes, another may come."""
        others = [self.connect() for _ in range(2)]
        self.assertEqual([self.server.buildProtocol(None) for _ in range(5)], [None] * 5)
        self.assertEqual(len([line for line in self.logged() if "max_connections" in line]), 1)
        self.assertEqual(self.counted("pushgate_connections_closed_total"), {("http", "crowded"): 5})
        self.lose(others[0])
        self.assertIsNotNone(self.server.buildProtocol(None))
        self.assertEqual(self.push().status, 202)

    def test_pipelining(self):
        """Requests that come all at once are answered one after the other, in their order."""
        answers = self.send(
            request("GET", "/healthz") + request("POST", PUSH, ONE) + request("GET", "/nothing")
        )
        self.assertEqual([answer.status for answer in answers], [200, 202, 404])

    def test_requests_that_wait_for_another(self):
        """While one is being answered only little is read of the next ones, and not one is lost."""
        self.gateway.holding = True
        many = request("POST", PUSH, ONE) * 200
        for at in range(0, len(many), 4096):
            self.connection.dataReceived(many[at : at + 4096])
        self.assertEqual(self.connection.transport.producerState, "paused")
        self.gateway.holding = False
        answers = []
        for _ in range(400):
            self.gateway.release()
            answers += self.send()
        self.assertEqual([answer.status for answer in answers], [202] * 200)

    def test_who_does_not_read(self):
        """Is not read from either, until it does."""
        self.connection.pauseProducing()
        self.assertEqual(self.connection.transport.producerState, "paused")
        self.connection.resumeProducing()
        self.assertEqual(self.connection.transport.producerState, "producing")

    def test_a_queue_that_is_nearly_full(self):
        """Pauses the connections that feed it, until it has drained, and not the others."""
        other = self.connect()
        self.gateway.full.add("news")
        self.push()
        self.push({"tokens": ["12"], "payload": {}})
        self.assertEqual(self.connection.transport.producerState, "paused")
        self.assertEqual(other.transport.producerState, "producing")
        self.gateway.relieve("news")
        self.assertEqual(self.connection.transport.producerState, "producing")
        self.assertEqual(self.counted("pushgate_pauses_total"), {("news", "http"): 1})

    def test_a_full_queue_and_gone(self):
        """Nothing is left that waits for the queue to drain."""
        self.gateway.full.add("news")
        self.push()
        self.lose()
        self.assertEqual(
            [call for call in self.clock.getDelayedCalls() if call.func != self.server._sweeper._loop], []
        )

    def test_what_is_no_http(self):
        """It gets an error in JSON and the end of its connection; the others go on."""
        garbage = [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
            b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
            b"POST /healthz HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
            b"POST /healthz HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
            request("POST", PUSH, transfer_encoding="chunked") + b"zz\r\n",
            b"A" * 20_000 + b"\r\n",
        ]
        for data in garbage:
            connection = self.connect()
            answers = self.send(data, connection=connection)
            self.assertTrue(connection.transport.disconnecting, data[:40])
            for answer in answers:
                self.assertIn(answer.status, {400, 431})
                self.assertEqual(answer.json["error"], "INVALID")
            self.send(b"more", connection=connection)
            self.lose(connection)
        closed = self.counted("pushgate_connections_closed_total")
        self.assertEqual(closed, {("http", "malformed"): len(garbage)})
        self.assertEqual(self.push().status, 202)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_who_goes_away(self):
        """At any time: nothing is answered, nothing goes wrong, and what was complete is submitted."""
        whole = request("POST", PUSH, {"tokens": ["12"], "payload": {}})
        for cut in range(len(whole) + 1):
            connection = self.connect()
            connection.dataReceived(whole[:cut])
            self.lose(connection)
        self.clock.advance(0)
        self.assertEqual(len(self.gateway.submissions), 1)
        self.gateway.holding = True
        self.send(whole)
        self.lose()
        self.gateway.release()
        self.assertEqual(self.flushLoggedErrors(), [])
