"""The HTTP client, against servers on loopback that say what a test wants."""

import tracemalloc
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.error import ConnectError, ConnectionDone, ConnectionLost
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import TestCase

from pushgate.net.http import client
from pushgate.net.http.client import MAX_ANSWER, BadAnswer, HTTPAnswer, HTTPClient

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nRetry-After: 7\r\nRetry-After: 8\r\n\r\nhi"
CHUNK = b"x" * 16384
Answer = bytes | list[bytes] | Iterator[bytes] | None


class Server(Protocol):
    """Says the next of its factory's answers to each request."""

    factory: "Servers"

    def connectionMade(self) -> None:
        self.factory.open.append(self)

    def dataReceived(self, data: bytes) -> None:
        self.factory.got.append(data)
        answer = self.factory.answers.pop(0)
        if answer is None:
            self.tcp().abortConnection()
        elif isinstance(answer, bytes):
            self.tcp().write(answer)
        elif isinstance(answer, list):
            self.tcp().write(b"".join(answer))
            self.tcp().loseConnection()
        else:
            Pouring(self, answer)

    def connectionLost(self, reason: Any = connectionDone) -> None:
        self.factory.open.remove(self)
        for each in self.factory.closed:
            each.callback(None)
        self.factory.closed.clear()

    def tcp(self) -> Any:
        return self.transport


class Pouring:
    """Writes an endless answer as fast as it is read."""

    def __init__(self, server: Server, parts: Iterator[bytes]) -> None:
        self._server, self._parts = server, parts
        server.tcp().registerProducer(self, False)

    def resumeProducing(self) -> None:
        part = next(self._parts)
        self._server.factory.said += len(part)
        self._server.tcp().write(part)

    def stopProducing(self) -> None:
        """The client has closed."""


class Servers(Factory):
    """Listens.

    :ivar answers: what each request is answered with; None closes the connection instead, a list ends it
        after these words.
    :ivar said: bytes of endless answers that were written.
    """

    noisy = False
    protocol = Server

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.got: list[bytes] = []
        self.open: list[Server] = []
        self.closed: list[Deferred[None]] = []
        self.said = 0

    def all_closed(self) -> Deferred[None]:
        """Fires when no connection is left, of one at most."""
        closed: Deferred[None] = Deferred()
        if self.open:
            self.closed.append(closed)
        else:
            closed.callback(None)
        return closed


class ClientCase(TestCase):
    timeout = 60

    async def begin(self, *answers: Answer) -> HTTPClient:
        """A client of a server that gives these answers."""
        self.server, self.clock = Servers(), Clock()
        self.server.answers += answers
        port = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(self.server)
        self.addCleanup(port.stopListening)
        self.addCleanup(self.server.all_closed)
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
        asking = HTTPClient(endpoint, "example.com", self.clock)
        self.addCleanup(asking.close)
        return asking

    def ask(self, asking: HTTPClient) -> Deferred[HTTPAnswer]:
        return Deferred.fromCoroutine(asking.request("POST", "/a?b=c", [("X-Y", "z")], b"body"))


class AskingTests(ClientCase):
    async def test_a_request_and_its_answer(self) -> None:
        """Host and length are added; of a header that is repeated the first value counts."""
        asking = await self.begin(OK)
        answer = await self.ask(asking)
        self.assertEqual((answer.status, answer.headers["retry-after"]), (200, "7"))
        head, _, body = self.server.got[0].partition(b"\r\n\r\n")
        self.assertEqual(body, b"body")
        lines = [b"POST /a?b=c HTTP/1.1", b"Host: example.com", b"Content-Length: 4", b"X-Y: z"]
        self.assertEqual(head.split(b"\r\n"), lines)

    async def test_a_connection_is_kept(self) -> None:
        """Until it is idle for a minute, or closed; a log would have no line for it."""
        asking = await self.begin(OK, b"HTTP/1.1 100 Continue\r\n\r\n" + OK)
        with capturedLogs() as logs:
            for _ in range(2):
                await self.ask(asking)
        self.assertEqual((len(self.server.open), list(logs)), (1, []))
        self.clock.advance(client.IDLE)
        await self.server.all_closed()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    async def test_what_is_not_kept(self) -> None:
        """An answer that says so, one of HTTP/1.0, one without a length and one with bytes behind it."""
        answers = (
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: Close\r\n\r\n",
            b"HTTP/1.0 204 No Content\r\n\r\n",
            OK + b"?",
        )
        asking = await self.begin(*answers)
        for _ in answers:
            await self.ask(asking)
            await self.server.all_closed()
        self.assertEqual(len(self.server.got), len(answers))

    async def test_a_kept_connection_that_ends(self) -> None:
        """A request that meets the end of a kept connection is sent again; on a new one it fails."""
        asking = await self.begin(OK, None, OK, None, None)
        await self.ask(asking)
        self.assertEqual((await self.ask(asking)).status, 200)
        await self.assertFailure(self.ask(asking), ConnectionLost)
        self.assertEqual((len(self.server.got), self.server.answers), (5, []))

    async def test_a_kept_connection_that_ends_within_an_answer(self) -> None:
        """Then the server may have done what was asked: that is for others to decide."""
        asking = await self.begin(OK, [b"HTTP/1.1 2"], OK)
        await self.ask(asking)
        await self.assertFailure(self.ask(asking), ConnectionDone)
        self.assertEqual(len(self.server.got), 2)

    async def test_nobody_listens(self) -> None:
        """The endpoint's error is the caller's."""
        asking = HTTPClient(TCP4ClientEndpoint(reactor, "127.0.0.1", 1), "example.com", Clock())
        await self.assertFailure(self.ask(asking), ConnectError)

    async def test_no_answer(self) -> None:
        """A server that closes without one, and one that says something else."""
        asking = await self.begin(None, b"220 mail.example.com ESMTP\r\n\r\n")
        await self.assertFailure(self.ask(asking), ConnectionLost)
        await self.assertFailure(self.ask(asking), BadAnswer)

    async def test_cancelled(self) -> None:
        """No answer is waited for, and the connection is closed."""
        asking = await self.begin(b"")
        asked = self.ask(asking)
        while not self.server.got:
            await soon()
        asked.cancel()
        await self.assertFailure(asked, CancelledError)
        await self.server.all_closed()

    async def test_a_body_that_stalls(self) -> None:
        """The head counts; the body has a few seconds."""
        asking = await self.begin(OK[:-1])
        asked = self.ask(asking)
        while not self.clock.getDelayedCalls():
            await soon()
        self.assertNoResult(asked)
        self.clock.advance(client.BODY_PATIENCE)
        self.assertEqual((await asked).status, 200)
        await self.server.all_closed()

    def assertNoResult(self, asked: Deferred[HTTPAnswer]) -> None:
        self.assertFalse(asked.called)


class EndlessTests(ClientCase):
    def endless(self, once: bytes, again: bytes) -> Iterator[bytes]:
        return chain([once or again], repeat(again))

    async def measured(self, parts: Iterator[bytes]) -> HTTPAnswer | BadAnswer:
        """Ask a server that says this; the connection ends, and memory has held little of it."""
        asking = await self.begin(parts)
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        try:
            return await self.ask(asking)
        except BadAnswer as error:
            return error
        finally:
            await self.server.all_closed()
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            self.assertLess(peak, 4_000_000)
            self.assertEqual(self.clock.getDelayedCalls(), [])

    async def test_what_never_gets_to_the_end_of_its_head(self) -> None:
        """Status line, header lines, one header's value, interim answers: `MAX_ANSWER` bytes in all."""
        for once, again in (
            (b"HTTP/1.1 200 ", CHUNK),
            (b"HTTP/1.1 200 OK\r\n", b"X-Filler: " + b"x" * 1000 + b"\r\n"),
            (b"HTTP/1.1 200 OK\r\nX-Filler: ", CHUNK),
            (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
            (b"", b"\r\n" * 100),
        ):
            error = await self.measured(self.endless(once, again))
            self.assertIsInstance(error, BadAnswer, once)

    async def test_what_never_gets_to_the_end_of_its_body(self) -> None:
        """The head counts, the rest is not waited for: a body with and without a length, chunks, trailers."""
        ok = b"HTTP/1.1 200 OK\r\n"
        for once, again in (
            (ok + b"Content-Length: 1000000000000\r\n\r\n", CHUNK),
            (ok + b"\r\n", CHUNK),
            (ok + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 100),
            (ok + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n", CHUNK),
            (ok + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-Filler: x\r\n" * 100),
        ):
            answer = await self.measured(self.endless(once, again))
            assert isinstance(answer, HTTPAnswer), once
            self.assertEqual(answer.status, 200)

    async def test_what_comes_unasked(self) -> None:
        """A server that goes on after its answer is not listened to."""
        asking = await self.begin(OK)
        await self.ask(asking)
        Pouring(self.server.open[0], repeat(CHUNK))
        await self.server.all_closed()
        self.assertLess(self.server.said, 10_000_000)

    async def test_the_limit_is_of_one_answer(self) -> None:
        """Large answers that end may be many."""
        large = b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n" + b"x" * 60_000
        self.assertLess(len(large), MAX_ANSWER)
        asking = await self.begin(*[large] * 3)
        for _ in range(3):
            await self.ask(asking)
        self.assertEqual(len(self.server.open), 1)


def soon() -> Deferred[None]:
    """Fires in a later turn of the reactor."""
    later: Deferred[None] = Deferred()
    reactor.callLater(0.001, later.callback, None)
    return later
