"""The HTTP input over real connections: HTTP/1.1, HTTP/2 over TLS, and how it stops."""

import json
import socket
import ssl
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import h2.connection
import h2.events
import h2.settings
import httpx
import treq
import trustme
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.testing import MemoryReactorClock
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase
from twisted.web.client import Agent, HTTPConnectionPool
from zope.interface.verify import verifyObject

from pushgate.inputs.http.settings import HTTPTable
from pushgate.net.http import request as http_request
from pushgate.net.http import sweeper
from pushgate.net.http.request import LINGER
from pushgate.plugin.factory_interfaces import IInputFactory
from pushgate.plugin.input_interface import IInput
from pushgate.plugins.builtin import http as factory
from pushgate.testing import RecordingGateway, outcome
from tests.half_close import ask_and_close
from tests.http_rig import ONE, PUSH, HTTPTestCase, request
from tests.input_rig import context
from tests.process import ProcessTestCase
from tests.samples import TOKEN, token

LINES = {"content-type": "application/x-ndjson"}


@asynccontextmanager
async def listening_input(gateway, hubs=None, **options):
    """An input on a port of its own; gives its host and port."""
    table = HTTPTable(type="http", listen="tcp:0:interface=127.0.0.1", **options)
    opened = factory.input("http", table, gateway, context(reactor, hubs=hubs))
    await opened.start()
    try:
        yield opened.addresses()[0].rpartition(" ")[2]
    finally:
        await opened.stop()


class PlainTests(TestCase):
    def setUp(self):
        self.gateway = RecordingGateway("news")
        self.pool = HTTPConnectionPool(reactor)
        self.addCleanup(self.pool.closeCachedConnections)
        self.client = treq.client.HTTPClient(Agent(reactor, pool=self.pool))

    async def test_a_client_pushes(self):
        """One notification, the same connection again, a question, and an error."""
        async with listening_input(self.gateway) as place:
            for _ in range(2):
                response = await self.client.post(f"http://{place}{PUSH}", json=ONE)
                self.assertEqual((response.code, (await response.json())["count"]), (202, 1))
            response = await self.client.get(f"http://{place}/v1/apps")
            self.assertEqual(await response.json(), {"apps": {"news": {"certificate_days": None}}})
            response = await self.client.get(f"http://{place}/nothing")
            self.assertEqual((response.code, (await response.json())["error"]), (404, "NOT_FOUND"))
            await self.pool.closeCachedConnections()
        self.assertEqual([list(each.tokens) for each in self.gateway.submissions], [[TOKEN]] * 2)

    async def test_a_body_larger_than_memory(self):
        """Lines of any number are taken piece by piece while they come; none is kept."""
        body = json.dumps(ONE).encode() + b"\n"
        async with listening_input(self.gateway, max_body=1000) as place:
            response = await self.client.post(f"http://{place}{PUSH}", data=body * 20_000, headers=LINES)
            pieces = [json.loads(line) for line in (await response.text()).splitlines()]
            await self.pool.closeCachedConnections()
        self.assertEqual([each["first"] for each in pieces], list(range(0, 20_000, 1000)))
        self.assertEqual(sum(len(each.tokens) for each in self.gateway.submissions), 20_000)

    async def test_outcomes_are_watched(self):
        """As long as the client wants; a client that leaves leaves nothing behind."""
        events = Deferred()
        async with listening_input(self.gateway) as place:
            response = await self.client.get(f"http://{place}/v1/outcomes")
            seen = b""

            def take(data):
                nonlocal seen
                seen += data
                if b"data: " in seen and not events.called:
                    events.callback(None)

            reading = treq.collect(response, take)
            self.gateway.report(outcome())
            await events
        await reading
        self.assertIn(TOKEN.hex().encode(), seen)

    async def test_garbage_leaves_the_others_working(self):
        """A peer that speaks no HTTP loses its connection, and no other peer does."""
        async with listening_input(self.gateway) as place:
            host, port = place.split(":")
            noise = await deferToThread(converse, host, int(port), b"\x00" * 100_000)
            self.assertTrue(noise == b"" or noise.startswith(b"HTTP/1.1 400"), noise)
            response = await self.client.post(f"http://{place}{PUSH}", json=ONE)
            self.assertEqual(response.code, 202)
            await response.content()
            await self.pool.closeCachedConnections()


JSON_TYPE = {"content-type": "application/json"}


def converse(host, port, data):
    """Send something and return all that comes back."""
    with socket.create_connection((host, port), 30) as connection:
        found = b""
        try:
            connection.sendall(data)
            while part := connection.recv(4096):
                found += part
        except ConnectionError:
            pass
        return found


class SecureTestCase(TestCase):
    """An input's certificate, and a client's trust in it."""

    def setUp(self):
        self.gateway = RecordingGateway("news")
        directory = Path(mkdtemp())
        self.addCleanup(rmtree, directory)
        authority = trustme.CA()
        self.certificate = directory / "server.pem"
        authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
            self.certificate
        )
        self.trust = ssl.create_default_context()
        authority.configure_trust(self.trust)


class SecureTests(SecureTestCase):
    async def used(self, use, http2=True, **options):
        """What `use` returns when it is given a client, in a thread, of an input with TLS."""
        async with listening_input(self.gateway, certificate=self.certificate, **options) as place:

            def run():
                with httpx.Client(
                    http2=http2, verify=self.trust, base_url=f"https://{place}", timeout=20, trust_env=False
                ) as client:
                    return use(client)

            return await deferToThread(run)

    async def test_both_versions(self):
        """Clients that can speak HTTP/2, the others HTTP/1.1; their answers are the same."""
        for http2, version in ((True, "HTTP/2"), (False, "HTTP/1.1")):

            def use(client):
                answers = [client.post(PUSH, json=ONE), client.get("/healthz"), client.get("/nothing")]
                answers.append(client.post(PUSH, json={"token": 5}))
                answers.append(client.put("/healthz", content=b"x" * 70_000))
                return [*answers, client.post(PUSH, json=ONE)]

            answers = await self.used(use, http2)
            self.assertEqual({each.http_version for each in answers}, {version})
            self.assertEqual([each.status_code for each in answers], [202, 200, 404, 400, 405, 202])
        self.assertEqual(len(self.gateway.submissions), 4)

    async def test_a_client_closes_with_its_last_request(self):
        """More than the transport keeps is on its way when TLS ends: it goes out, and the connection ends."""
        client = h2.connection.H2Connection()
        client.initiate_connection()
        client.increment_flow_control_window(1 << 24)
        client.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 1 << 24})
        path = "/openapi.json"
        head = [(":method", "GET"), (":path", path), (":scheme", "https"), (":authority", "localhost")]
        for stream in range(1, 21, 2):
            client.send_headers(stream, head, end_stream=True)
        http1 = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() * 10
        for asked in (client.data_to_send(), http1):
            async with listening_input(self.gateway, certificate=self.certificate) as place:
                port = int(place.rpartition(":")[2])
                received = await deferToThread(ask_and_close, port, self.trust, asked)
            self.assertGreater(received, 60_000)

    async def test_lines(self):
        """A body much larger than the windows of HTTP/2 is taken, and answered piece by piece."""
        body = b"".join(
            json.dumps(ONE | {"token": token(number).hex()}).encode() + b"\n" for number in range(5000)
        )
        answer = await self.used(lambda client: client.post(PUSH, content=body, headers=LINES))
        self.assertEqual(answer.http_version, "HTTP/2")
        self.assertEqual(
            [json.loads(line)["first"] for line in answer.text.splitlines()], [0, 1000, 2000, 3000, 4000]
        )
        taken = [each for submission in self.gateway.submissions for each in submission.tokens]
        self.assertEqual(taken, [token(number) for number in range(5000)])

    async def test_too_large(self):
        """A long body is refused as soon as it begins; the same connection serves the next request."""

        def use(client):
            refused = client.post(PUSH, content=b"x" * 60_000, headers=JSON_TYPE)
            return refused, client.get("/healthz")

        refused, healthy = await self.used(use, max_body=1000)
        self.assertEqual((refused.status_code, refused.json()["error"]), (413, "TOO_LARGE"))
        self.assertEqual(healthy.status_code, 200)

    async def test_outcomes(self):
        """Are streamed over HTTP/2 as well, beside other requests."""

        def use(client):
            with client.stream("GET", "/v1/outcomes") as stream:
                lines = stream.iter_lines()
                first = next(lines)
                reactor.callFromThread(self.gateway.report, outcome())
                while not (line := next(lines)).startswith("data: "):
                    pass
                return first, json.loads(line[6:])

        first, record = await self.used(use)
        self.assertTrue(first.startswith(":"))
        self.assertEqual(record["token"], TOKEN.hex())
        await deferLater(reactor, 0)
        self.assertEqual(self.gateway.sinks, {})


class StreamTests(SecureTestCase):
    """HTTP/2 as a client speaks it that does not do as it should."""

    async def stream(self, path, body, **headers):
        """The status that one stream is answered with, and how it ends, when its body never does."""
        async with listening_input(
            self.gateway, certificate=self.certificate, max_body=1000, body_timeout="100ms"
        ) as place:
            host, port = place.split(":")
            return await deferToThread(unfinished, self.trust, host, int(port), path, body, headers)

    def setUp(self):
        super().setUp()
        self.patch(sweeper, "SWEEP", 0.05)
        self.patch(http_request, "LINGER", 0.2)

    async def test_a_body_that_does_not_end(self):
        """It gets 408, and its stream is reset; a stream without any body as well."""
        for body in (b"", b"{"):
            self.assertEqual(await self.stream(PUSH, body), (b"408", "ended"))
        self.assertEqual(self.flushLoggedErrors(), [])

    async def test_a_body_that_nobody_wants(self):
        """Its stream ends with the answer, before the body is complete."""
        self.assertEqual(await self.stream(PUSH, b"x" * 2000), (b"413", "ended"))
        self.assertEqual(await self.stream(PUSH, b"x", content_length="5000"), (b"413", "ended"))
        self.assertEqual(await self.stream("/nothing", b"x"), (b"404", "ended"))


def unfinished(trust, host, port, path, body, headers):
    """See `StreamTests.stream`."""
    trust.set_alpn_protocols(["h2"])
    client = h2.connection.H2Connection()
    client.initiate_connection()
    head = [(":method", "POST"), (":path", path), (":scheme", "https"), (":authority", host)]
    head.append(("content-type", "application/json"))
    client.send_headers(1, head + [(name.replace("_", "-"), value) for name, value in headers.items()])
    if body:
        client.send_data(1, body)
    status = None
    with trust.wrap_socket(socket.create_connection((host, port), 30), server_hostname=host) as connection:
        while True:
            connection.sendall(client.data_to_send())
            for event in client.receive_data(connection.recv(65536)):
                if isinstance(event, h2.events.ResponseReceived):
                    status = dict(event.headers)[b":status"]
                elif isinstance(event, h2.events.StreamReset):
                    return status, "reset"
                elif isinstance(event, h2.events.StreamEnded):
                    return status, "ended"


GATEWAY = """
[gateway]
state_dir = "state"
[apps.demo]
upstream = "simulator"
response_timeout = "200ms"
simulator = {dead = ["dead"]}
[inputs.http]
type = "http"
listen = "tcp:0:interface=127.0.0.1"
"""


class ProcessTests(ProcessTestCase):
    async def test_a_whole_gateway(self):
        """What is posted is sent, its outcomes come while the caller waits, and the process stops in order."""
        process = self.twistd("pushgate", "--config", self.config(GATEWAY))
        url = f"http://{await process.address('input http')}/v1/apps/demo/notifications?wait=20s"
        body = {"tokens": [token(1).hex(), "dead" + token(2).hex(), token(3).hex()], "payload": {"aps": {}}}
        response = await treq.post(url, json=body, persistent=False)
        answer = await response.json()
        self.assertEqual((response.code, answer["refused"]), (200, []))
        self.assertEqual([each["state"] for each in answer["outcomes"]], ["accepted", "rejected", "presumed"])
        await process.stop()
        self.assertIn("pushgate has stopped; 0 notifications have no outcome", process.out)
        self.assertNotIn("Traceback", process.out + process.err)


class StopTests(HTTPTestCase):
    def setUp(self):
        super().setUp()
        self.reactor = MemoryReactorClock()
        table = HTTPTable(type="http", listen="tcp:7216:interface=127.0.0.1")
        self.input = factory.input("http", table, self.gateway, context(self.reactor))
        self.clock = self.reactor
        self.successResultOf(self.input.start())
        self.server = self.reactor.tcpServers[0][1]
        self.connection = self.connect()

    def test_it_provides_its_interfaces(self):
        """The gateway relies on them."""
        verifyObject(IInputFactory, factory)
        verifyObject(IInput, self.input)

    def test_what_is_under_way_is_answered_first(self):
        """Then the connection ends, as its answer says; idle ones are closed at once."""
        idle = self.connect()
        self.gateway.holding = True
        self.send(request("POST", PUSH, ONE))
        stopped = self.input.stop()
        self.assertEqual(self.input.addresses(), [])
        self.assertTrue(idle.transport.disconnecting)
        self.assertFalse(self.connection.transport.disconnecting)
        self.gateway.release()
        [response] = self.received()
        self.assertEqual((response.status, response.headers["connection"]), (202, "close"))
        self.assertTrue(self.connection.transport.disconnecting)
        self.assertNoResult(stopped)
        self.lose(self.connection)
        self.lose(idle)
        self.successResultOf(stopped)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_a_peer_that_does_not_go(self):
        """Has a few seconds, and is then cut off."""
        stopped = self.input.stop()
        self.pass_time(LINGER + 1)
        self.assertTrue(self.connection.transport.aborted)
        self.lose()
        self.successResultOf(stopped)

    def test_cut_short(self):
        """Cancelled, all connections are closed at once."""
        self.gateway.holding = True
        self.send(request("POST", PUSH, ONE))
        stopped = self.input.stop()
        stopped.addErrback(lambda _: None)
        stopped.cancel()
        self.assertTrue(self.connection.transport.aborted)

    def test_nothing_new_is_taken(self):
        """A request that was still coming is refused."""
        whole = request("POST", PUSH, ONE)
        self.send(whole[:-1])
        self.input.stop()
        [response] = self.send(whole[-1:])
        self.refusal(response, 503, "SHUTTING_DOWN")
        self.lose()
