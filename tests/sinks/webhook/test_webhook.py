"""The webhook sink, against a receiver on loopback."""

from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from pydantic import ValidationError
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.ssl import CertificateOptions, PrivateCertificate
from twisted.internet.tcp import Client
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface.verify import verifyObject

from pushgate.gateway.outcomes.sink_feeder import SinkFeeder
from pushgate.model.errors import CannotStart, SinkDown
from pushgate.model.metrics import Metrics
from pushgate.model.outcome import DeadToken, State
from pushgate.model.outcome_record import ndjson
from pushgate.net.guarded_endpoint import GuardedEndpoints
from pushgate.net.http import client
from pushgate.plugin.context import Context
from pushgate.plugin.factory_interfaces import IOutcomeSinkFactory
from pushgate.plugin.sink_interface import IOutcomeSink
from pushgate.plugins.builtin import webhook as factory
from pushgate.protocols.webhook_signature import verify
from pushgate.simulator.certificates import Certificates
from pushgate.sinks.webhook.http_request import Poster, WebhookAnswer
from pushgate.sinks.webhook.report_batches import cut
from pushgate.sinks.webhook.secrets import secrets_in
from pushgate.sinks.webhook.settings import WebhookTable
from pushgate.sinks.webhook.sink import WebhookSink
from pushgate.testing import RecordingGateway, outcome
from tests.resolver import Resolver
from tests.samples import token
from tests.sinks.webhook.receiver import HungReceiver, Receiver
from tests.steady_reactor import SteadyReactor

SECRET, NEXT = b"a secret of twenty bytes", b"the secret that comes next"
WALL = 1_700_000_000.0


class OneAnswer(BaseHTTPRequestHandler):
    """Answers one request, over HTTP/1.0."""

    answers = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        type(self).answers += 1
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Not a word."""


class WebhookCase(TestCase):
    timeout = 60
    scheme = "http"

    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.directory.mkdir()
        self.secret_file = self.directory / "secret"
        self.secret_file.write_bytes(SECRET + b"\n")
        self.wall, self.metrics = WALL + 0.7, Metrics()

    async def receiver(self, tls: Any = None) -> Receiver:
        receiver = await Receiver().start(tls)
        self.addCleanup(lambda: Deferred.fromCoroutine(receiver.stop()))
        return receiver

    def sink(self, where: Receiver | HungReceiver | str, **options: Any) -> WebhookSink:
        url = where if isinstance(where, str) else f"{self.scheme}://127.0.0.1:{where.port}/hook?key=1"
        config = WebhookTable.model_validate({
            "type": "webhook", "url": url, "secret_file": str(self.secret_file), "allow_private": True,
            **options,
        })  # fmt: skip
        context = Context(
            reactor=SteadyReactor(), wall=lambda: self.wall, jitter=lambda: 0.0, metrics=self.metrics
        )
        sink = factory.sink("hook", config, RecordingGateway("news"), context)
        assert isinstance(sink, WebhookSink)
        sink.start()
        self.addCleanup(sink.stop)
        return sink

    def given_up(self) -> dict[str, int]:
        counts = self.metrics.counts["pushgate_sink_given_up_total"]
        return {reason: count for (_, reason), count in counts.items()}

    async def down(self, sink: WebhookSink, reports: Any) -> SinkDown:
        error: SinkDown = await self.assertFailure(sink.emit(reports), SinkDown)
        return error


class TellingTests(WebhookCase):
    async def test_interfaces(self) -> None:
        """Factory and sink provide what the registry and the gateway call."""
        self.assertTrue(verifyObject(IOutcomeSinkFactory, factory))
        self.assertTrue(verifyObject(IOutcomeSink, self.sink("https://example.com/")))

    async def test_records(self) -> None:
        """What happened goes in one POST to the URL, a record a line, and is taken when it is answered."""
        receiver = await self.receiver()
        reports = [outcome(tokens=[token(1), token(2)]), DeadToken("news", token(3), 1, WALL, "apns-stream")]
        await self.sink(receiver).emit(reports)
        [got] = receiver.got
        self.assertEqual((got.method, got.path, got.body), (b"POST", b"/hook?key=1", ndjson(reports)))
        self.assertEqual(got.headers["content-type"], "application/x-ndjson")
        self.assertEqual([each["state"] for each in got.records], ["accepted", "accepted", "dead-token"])

    async def test_the_signature(self) -> None:
        """The receiver can check that it is from us, and new."""
        receiver = await self.receiver()
        await self.sink(receiver).emit([outcome()])
        [got] = receiver.got
        timestamp, signature = got.signed
        self.assertEqual(timestamp, "1700000000")
        self.assertTrue(verify(SECRET, timestamp, signature, got.body, self.wall))
        self.assertFalse(verify(NEXT, timestamp, signature, got.body, self.wall))

    async def test_changing_the_secret(self) -> None:
        """With two secrets in the file, which a reload has read again, both kinds of receivers are content."""
        receiver = await self.receiver()
        sink = self.sink(receiver)
        self.secret_file.write_bytes(SECRET + b"\n" + NEXT + b"\n")
        sink.read_files()()
        await sink.emit([outcome()])
        [got] = receiver.got
        for secret in (SECRET, NEXT):
            self.assertTrue(verify(secret, *got.signed, got.body, self.wall))
        self.secret_file.write_bytes(b"")
        self.assertRaises(CannotStart, sink.read_files)
        await sink.emit([outcome()])
        self.assertTrue(verify(SECRET, *receiver.got[1].signed, receiver.got[1].body, self.wall))

    async def test_one_connection(self) -> None:
        """Requests follow each other on one connection, whatever body the answers have."""
        receiver = await self.receiver()
        receiver.body = b"thank you" * 100
        receiver.answers.append((200, {}))
        sink = self.sink(receiver, batch=1)
        await sink.emit([outcome(order=1), outcome(order=2)])
        await sink.emit([outcome(order=3)])
        self.assertEqual((len(receiver.got), receiver.connections), (3, 1))

    async def test_filters(self) -> None:
        """Of other apps and states nothing is reported; when nothing is left, nothing is sent."""
        receiver = await self.receiver()
        sink = self.sink(receiver, apps=["news"], states=["rejected", "dead-token"])
        dead = [DeadToken(app, token(3), 1, WALL, "apns-stream") for app in ("news", "mail")]
        wanted = outcome(State.REJECTED, order=2)
        await sink.emit([outcome(), wanted, outcome(State.REJECTED, app="mail", order=3), *dead])
        self.assertEqual(receiver.got[0].body, ndjson([wanted, dead[0]]))
        self.assertIsNone(sink.emit([outcome()]))

    async def test_tokens(self) -> None:
        """`tokens` says how device tokens are reported."""
        receiver = await self.receiver()
        await self.sink(receiver, tokens="none").emit([outcome()])
        self.assertIsNone(receiver.got[0].records[0]["token"])

    async def test_no_secret_is_shown(self) -> None:
        """What is shown to people of the URL is where it leads; its path is often a secret."""
        self.assertEqual(
            self.sink("https://example.com/hook/s3cret?key=1").addresses(), ["https://example.com"]
        )


class TroubleTests(WebhookCase):
    async def test_told_again(self) -> None:
        """What got a 5xx, a 408, a 429 or a redirect is reported again until it is taken, and what was taken is not.

        So is what got a 401, 403 or 404: a secret or a path that is put right loses no record.
        """
        receiver = await self.receiver()
        sink = self.sink(receiver, batch=2)
        reports = [outcome(tokens=[token(n) for n in range(3)]), outcome(order=2)]
        for number, status in enumerate((500, 503, 408, 425, 429, 401, 403, 404, 301)):
            if number == 2:
                receiver.answers.append((200, {}))
            receiver.answers.append((status, {"location": "http://127.0.0.1:1/"}))
            error = await self.down(sink, reports)
            self.assertIn(f"127.0.0.1:{receiver.port} answered {status}", str(error))
        self.assertIn("redirects are not followed", str(error))
        await sink.emit(reports)
        indices = [[record["index"] for record in got.records] for got in receiver.got]
        self.assertEqual(indices, [[0, 1]] * 3 + [[2, 0]] * 8)
        self.assertEqual(self.given_up(), {})

    async def test_when_to_try_again(self) -> None:
        """The receiver says how long it wants to be left alone, in seconds or as a date; an hour at most."""
        receiver = await self.receiver()
        sink = self.sink(receiver)
        date = "Tue, 14 Nov 2023 22:15:20 GMT"
        waits = {"7": 7.0, "99999999": 3600.0, date: 119.3, "soon": 0.0, "": 0.0, "-3": 0.0}
        reports = [outcome()]
        for value, seconds in waits.items():
            receiver.answers.append((503, {"retry-after": value}))
            self.assertAlmostEqual((await self.down(sink, reports)).retry_after, seconds, places=1)

    async def test_refused(self) -> None:
        """What the receiver calls wrong would be as wrong the next time: given up, counted, and logged once."""
        receiver = await self.receiver()
        receiver.answers += [(400, {}), (410, {})]
        sink = self.sink(receiver)
        with capturedLogs() as logs:
            await sink.emit([outcome(tokens=[token(1), token(2)])])
            await sink.emit([outcome(order=2)])
            await sink.emit([outcome(order=3)])
        self.assertEqual(self.given_up(), {"refused": 3})
        [line] = [event for event in logs if "given up" in event["log_format"]]
        self.assertEqual((line["why"], line["count"]), ("it answered 400", 2))
        self.assertNotIn("key=1", str(line))

    async def test_too_large(self) -> None:
        """A receiver that takes only short bodies gets shorter ones; only one record alone is given up."""
        receiver = await self.receiver()
        receiver.answers += [(413, {}), (413, {}), (204, {}), (204, {}), (204, {}), (204, {}), (413, {})]
        sink = self.sink(receiver, batch=4)
        await sink.emit([outcome(tokens=[token(n) for n in range(4)])])
        counts = [len(got.records) for got in receiver.got]
        self.assertEqual(counts, [4, 2, 1, 1, 2])
        await sink.emit([outcome(tokens=[token(n) for n in range(2)], order=2)])
        self.assertEqual([len(got.records) for got in receiver.got[5:]], [1, 1])
        self.assertEqual(self.given_up(), {"refused": 1})

    async def test_too_large_for_a_while(self) -> None:
        """Shorter ones are no sentence for life: after some that were taken, longer ones are tried again."""
        receiver = await self.receiver()
        receiver.answers += [(413, {}), (413, {})]
        sink = self.sink(receiver, batch=4)
        for order, count in enumerate((4, 14, 32, 4)):
            await sink.emit([outcome(tokens=[token(n) for n in range(count)], order=order)])
        counts = [len(got.records) for got in receiver.got]
        self.assertEqual(counts, [4, 2, 1, 1, 2, *[1] * 14, *[2] * 16, 4])

    async def test_too_old(self) -> None:
        """What could not be reported within `max_age` is given up and counted; the younger is reported."""
        receiver = await self.receiver()
        receiver.answers.append((500, {}))
        sink = self.sink(receiver, max_age="1h")
        reports = [outcome(at=WALL - 3000, tokens=[token(1), token(2)]), outcome(at=WALL, order=2)]
        await self.down(sink, reports)
        self.wall += 1000
        with capturedLogs() as logs:
            await sink.emit(reports)
        self.assertEqual([len(got.records) for got in receiver.got], [3, 1])
        self.assertEqual(self.given_up(), {"too-old": 2})
        self.assertEqual([event["why"] for event in logs if "why" in event], ["not taken within max_age"])
        self.wall += 9999
        await sink.emit([outcome(order=3)])
        self.assertEqual((len(receiver.got), self.given_up()), (2, {"too-old": 3}))

    async def test_nobody_there(self) -> None:
        """Nobody listening is a receiver that is down, with the reason."""
        receiver = await Receiver().start()
        await receiver.stop()
        error = await self.down(self.sink(receiver), [outcome()])
        self.assertIn("ConnectionRefusedError", str(error))

    async def test_no_answer(self) -> None:
        """So is one that takes the request and says nothing for `timeout`."""
        receiver = await self.receiver()
        receiver.silent = True
        error = await self.down(self.sink(receiver, timeout="100ms"), [outcome()])
        self.assertIn("no answer within 0.1 s", str(error))

    async def test_a_connection_that_was_closed_meanwhile(self) -> None:
        """A kept connection that ends before a byte of an answer is no failure: the same goes over a new one."""
        receiver = await self.receiver()
        sink, reports = self.sink(receiver), [outcome(order=2)]
        await sink.emit([outcome()])
        receiver.silent = True
        came, telling = receiver.came(), sink.emit(reports)
        await came
        receiver.silent = False
        receiver.drop()
        await telling
        self.assertEqual([got.body for got in receiver.got[1:]], [ndjson(reports)] * 2)
        self.assertEqual(receiver.connections, 2)

    async def test_a_new_connection_that_is_closed(self) -> None:
        """Asked again once: a new connection that ends without an answer is a receiver that is down."""
        receiver = await self.receiver()
        receiver.silent = True
        sink, reports = self.sink(receiver), [outcome(order=2)]
        for _ in range(2):
            came, telling = receiver.came(), sink.emit(reports)
            await came
            receiver.drop()
            await self.assertFailure(telling, SinkDown)
        self.assertEqual(receiver.connections, 2)

    async def test_a_receiver_of_http_1_0(self) -> None:
        """One that closes after each answer without a word, as Python's own server does, gets every record once."""
        server = HTTPServer(("127.0.0.1", 0), OneAnswer)
        self.addCleanup(server.server_close)
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        sink = self.sink(f"http://127.0.0.1:{server.server_port}/", batch=1)
        await sink.emit([outcome(order=order) for order in range(20)])
        self.assertEqual(OneAnswer.answers, 20)

    async def test_an_endless_answer(self) -> None:
        """Of an answer's body a little is read; the status counts, and the next request has a new connection."""
        receiver = await self.receiver()
        receiver.endless = True
        sink = self.sink(receiver)
        await sink.emit([outcome()])
        receiver.endless = False
        await sink.emit([outcome(order=2)])
        self.assertEqual((len(receiver.got), receiver.connections), (2, 2))

    async def test_an_answer_that_stalls(self) -> None:
        """A body that does not end holds nothing up."""
        self.patch(client, "BODY_PATIENCE", 0.05)
        receiver = await self.receiver()
        receiver.stalls = True
        sink = self.sink(receiver)
        await sink.emit([outcome()])
        receiver.stalls = False
        await sink.emit([outcome(order=2)])
        self.assertEqual((len(receiver.got), receiver.connections), (2, 2))

    async def test_stopped_while_telling(self) -> None:
        """When the gateway stops, a request that gets no answer is cut short without a word in the log."""
        receiver = await self.receiver()
        receiver.silent = True
        sink = self.sink(receiver)
        came, telling = receiver.came(), sink.emit([outcome()])
        await came
        telling.cancel()
        await self.assertFailure(telling, CancelledError)

    async def test_behind_an_outlet(self) -> None:
        """The gateway gives it the same again until it is taken, and waits as long as it was asked to."""
        receiver = await self.receiver()
        receiver.answers += [(503, {"retry-after": "0"}), (429, {})]
        pauses: list[float] = []

        class Clock:
            """The reactor in a hurry."""

            seconds = staticmethod(reactor.seconds)

            def callLater(self, delay: float, what: Any, *arguments: Any) -> Any:
                pauses.append(delay)
                return reactor.callLater(0, what, *arguments)

        outlet = SinkFeeder("hook", self.sink(receiver), 100, Clock(), lambda: 0.0, self.metrics)
        outlet.report([outcome()])
        while len(receiver.got) < 3:
            await receiver.came()
        await outlet.stop()
        self.assertEqual([got.body for got in receiver.got], [ndjson([outcome()])] * 3)
        self.assertEqual(pauses[1:], [0.5, 1.0])
        self.flushLoggedErrors(SinkDown)


class AddressTests(WebhookCase):
    def resolver(self, *answers: list[str]) -> Resolver:
        resolver = Resolver(*answers)
        before = reactor.installNameResolver(resolver)
        self.addCleanup(reactor.installNameResolver, before)
        return resolver

    async def refused(self, url: str, **options: Any) -> str:
        return str(await self.down(self.sink(url, **{"allow_private": False, **options}), [outcome()]))

    async def test_private_addresses(self) -> None:
        """Without leave nothing is sent to this machine or its networks, however the address is written."""
        receiver = await self.receiver()
        hosts = (
            "127.0.0.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "localhost",
            "0.0.0.0",
            "169.254.169.254",
            "10.0.0.1",
        )
        for host in hosts:
            error = await self.refused(f"https://{host}:{receiver.port}/")
            self.assertIn("and only public ones are allowed", error)
        self.assertEqual((receiver.connections, receiver.got), (0, []))

    async def test_what_was_looked_at_is_connected_to(self) -> None:
        """A name that is public at the first look and private at the second is looked up once: there is none."""
        receiver = await self.receiver()
        resolver = self.resolver(["127.0.0.1"], ["93.184.216.34"])
        sink = self.sink(f"http://hook.example.com:{receiver.port}/")
        await sink.emit([outcome()])
        self.assertEqual(
            (resolver.asked, receiver.got[0].headers["host"]), (1, f"hook.example.com:{receiver.port}")
        )

    async def test_one_of_several(self) -> None:
        """Of several addresses those that are allowed are tried one after the other."""
        receiver = await self.receiver()
        self.resolver(["8.8.8.8", "127.0.0.2", "127.0.0.1"])
        sink = self.sink(f"http://hook.example.com:{receiver.port}/")
        await sink.emit([outcome()])
        self.assertEqual(len(receiver.got), 1)

    def connecting(self, *addresses: str) -> tuple[MemoryReactorClock, Deferred[WebhookAnswer]]:
        """A request on its way to addresses that say nothing."""
        network = MemoryReactorClock()
        network.installNameResolver(Resolver(list(addresses)))
        poster = Poster(
            "http://hook.example.com/", GuardedEndpoints(network, True, None, 6.0), 6.0, network, float
        )
        return network, Deferred.fromCoroutine(poster.post(b"", {}))

    async def test_an_address_that_says_nothing(self) -> None:
        """It leaves the others their share of `timeout`."""
        network, asked = self.connecting("10.0.0.1", "10.0.0.2", "10.0.0.3")
        host, port, _, seconds, _ = network.tcpClients[0]
        self.assertEqual((host, port, seconds), ("10.0.0.1", 80, 2.0))
        network.advance(6)
        self.assertIn("no answer within 6 s", str(await self.assertFailure(asked, SinkDown)))

    async def test_stopped_while_connecting(self) -> None:
        """When the gateway stops meanwhile, that is no failure."""
        _, asked = self.connecting("10.0.0.1")
        asked.cancel()
        await self.assertFailure(asked, CancelledError)

    async def test_plain_http_stays_at_home(self) -> None:
        """Records do not travel in the clear over public networks."""
        self.resolver(["8.8.8.8"])
        error = await self.refused("http://hook.example.com/", allow_private=True)
        self.assertIn("8.8.8.8: a public address, and only private ones are allowed", error)


class TLSTests(WebhookCase):
    scheme = "https"

    def server(self) -> tuple[CertificateOptions, Certificates]:
        certificates = Certificates.in_directory(self.directory / "certificates")
        own = PrivateCertificate.loadPEM(certificates.server.read_bytes())
        return CertificateOptions(privateKey=own.privateKey.original, certificate=own.original), certificates

    async def secure(self) -> tuple[Receiver, Certificates]:
        options, certificates = self.server()
        return await self.receiver(options), certificates

    async def test_trust(self) -> None:
        """With its authority trusted the receiver gets its records."""
        receiver, certificates = await self.secure()
        await self.sink(receiver, trust=str(certificates.ca)).emit([outcome()])
        self.assertEqual(len(receiver.got), 1)

    async def test_no_trust(self) -> None:
        """A receiver that nobody vouches for, or one with a certificate for another name, is given nothing."""
        receiver, certificates = await self.secure()
        error = await self.down(self.sink(receiver), [outcome()])
        self.assertIn("certificate verify failed", str(error))
        before = reactor.installNameResolver(Resolver(["127.0.0.1"]))
        self.addCleanup(reactor.installNameResolver, before)
        url = f"https://other.example.com:{receiver.port}/"
        await self.down(self.sink(url, trust=str(certificates.ca)), [outcome()])
        self.assertEqual(receiver.got, [])

    async def hung(self, answer: bytes) -> tuple[HungReceiver, WebhookSink]:
        options, certificates = self.server()
        receiver = await HungReceiver(answer).start(options)
        self.addCleanup(lambda: Deferred.fromCoroutine(receiver.stop()))
        return receiver, self.sink(receiver, trust=str(certificates.ca), timeout="5s")

    async def test_a_close_that_is_not_answered(self) -> None:
        """A receiver that hangs keeps no connection open: TLS would wait for its goodbye for ever."""
        self.patch(client, "BODY_PATIENCE", 0.05)
        _, sink = await self.hung(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n")
        await sink.emit([outcome()])
        self.assertEqual([each for each in reactor.getReaders() if isinstance(each, Client)], [])

    async def test_words_that_are_no_answer(self) -> None:
        """What a receiver says instead of an answer is in the log, without control characters."""
        _, sink = await self.hung(b"220 mail \x1b[2J\r\n\r\n")
        error = await self.down(sink, [outcome()])
        self.assertIn("220 mail", str(error))
        self.assertTrue(str(error).isprintable())

    async def test_a_stop_that_is_not_answered(self) -> None:
        """Nor does it hold up the stop."""
        _, sink = await self.hung(b"HTTP/1.1 204 No Content\r\n\r\n")
        await sink.emit([outcome()])
        await sink.stop()


class TableTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.file = Path(self.mktemp()).absolute()

    def faults(self, **options: Any) -> list[str]:
        good = {"type": "webhook", "url": "https://example.com/", "secret_file": str(self.file)}
        config = WebhookTable.model_validate({**good, **options})
        context = Context(reactor=reactor, wall=lambda: 0.0, jitter=lambda: 0.0, metrics=Metrics())
        error = self.assertRaises(CannotStart, factory.sink, "hook", config, RecordingGateway(), context)
        return error.faults

    def test_urls(self) -> None:
        """Only what can be meant is taken, and no fault shows the URL."""
        bad = (
            "ftp://example.com/", "https://", "https://user:pw@example.com/", "https://example.com/#x", "example.com",
            "https://ex ample.com/", "https://exämple.com/", "https://example.com:0/", "https://example.com:x/",
            "http://example.com/", "https://[::1/", "https://example.com?key=1",
            f"https://{'a' * 64}.com/", "https://example..com/", "https://exam%70le.com/",
        )  # fmt: skip
        for url in bad:
            with self.assertRaises(ValidationError) as caught:
                WebhookTable(type="webhook", url=url, secret_file=self.file)
            self.assertTrue(caught.exception.errors()[0]["msg"].startswith("Value error, "), url)

    def test_states(self) -> None:
        """A state that no record has is a fault, and so is one that there is not."""
        for state in ("queued", "written", "delivered"):
            with self.assertRaises(ValidationError):
                WebhookTable.model_validate({
                    "type": "webhook", "url": "https://example.com/", "secret_file": "x", "states": [state],
                })  # fmt: skip

    def test_secrets(self) -> None:
        """A file that is missing or does not hold what it should is a line, without what it holds."""
        self.assertEqual(self.faults(), [f"sinks.hook.secret_file: {self.file}: No such file or directory"])
        for content, why in (
            (b"", "0 lines; one secret, or two while receivers change over"),
            (
                b"a" * 20 + b"\n\n" + b"b" * 20 + b"\nccc",
                "3 lines; one secret, or two while receivers change over",
            ),
            (b"short", "a secret of 5 bytes; at least 16"),
            (("x" * 20).encode("utf-16"), "text in UTF-16; must be ASCII or UTF-8"),
        ):
            self.file.write_bytes(content)
            self.assertEqual(self.faults(), [f"sinks.hook.secret_file: {self.file}: {why}"])

    def test_blanks_of_a_secret(self) -> None:
        """They are its own; a byte order mark and the end of its line are not."""
        secret = b"  twenty bytes with blanks "
        for content in (secret, secret + b"\r\n", b"\xef\xbb\xbf" + secret + b"\n \n"):
            self.assertEqual(secrets_in(content), (secret,))

    def test_all_faults_at_once(self) -> None:
        """Authorities that are none are told together with the secret that is missing."""
        trust = Path(self.mktemp()).absolute()
        trust.write_bytes(b"nothing")
        self.assertEqual(len(self.faults(trust=str(trust))), 2)
        self.assertEqual(
            self.faults(trust=str(trust))[1], f"sinks.hook.trust: {trust}: no certificate in PEM"
        )

    def test_cuts(self) -> None:
        """Every record is in one request, in order, and no request has more than it may."""
        reports = [outcome(tokens=[token(n) for n in range(count)], order=count) for count in (1, 5, 7, 2)]
        dead = DeadToken("news", token(3), 1, WALL, "apns-stream")
        for limit in (1, 2, 3, 4, 100):
            posts = list(cut([*reports, dead], limit))
            self.assertEqual(b"".join(map(ndjson, posts)), ndjson([*reports, dead]))
            sizes = [ndjson(each).count(b"\n") for each in posts]
            self.assertEqual(set(sizes[:-1]) - {limit}, set())
            self.assertLessEqual(sizes[-1], limit)
