"""One gateway with all its inputs open, in bad company: whoever behaves goes on pushing at each of them."""

import json
import smtplib
import socket
import ssl
from itertools import count
from pathlib import Path
from typing import Any

import trustme
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.logger import LogLevel, globalLogPublisher
from twisted.trial.unittest import TestCase

from pushgate.client import connect
from pushgate.plugins.builtin import amp, apns, http, line, metrics, rest_injector, smtp
from tests.amp_rig import command
from tests.apns_provider import enhanced
from tests.hostile import EVERYWHERE, HTTP, HTTP2, PATH, noise, say, say_securely, sit
from tests.mcmt_samples import mcmt
from tests.rig import PAYLOAD, Rig, live

AMP_STATS = command("Stats")
LOCAL = "tcp:0:interface=127.0.0.1"


class HostileTests(TestCase):
    timeout = 110

    async def open(self, **options: Any) -> None:
        """A gateway with all inputs, an upstream, the metrics sink and the simulator's control port."""
        self.events: list[Any] = []
        globalLogPublisher.addObserver(self.events.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.events.append)
        self.rig = await Rig(self.mktemp(), response_timeout=0.05).start()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.rig.stop()))
        self.numbers = count(1)
        self.inputs: dict[str, Any] = {}
        self.ports: dict[str, int] = {}
        certificate, self.trust = self.identity()
        for name, plugin, more in (
            ("amp", amp, {}),
            ("line", line, {}),
            ("http", http, {}),
            ("http2", http, {"certificate": certificate}),
            ("apns", apns, {"app": "news", "feedback_listen": LOCAL}),
            ("injector", rest_injector, {"app": "news"}),
            ("smtp", smtp, {"app": "news"}),
        ):
            await self.open_input(name, plugin, {**more, **options})
        sink = metrics.sink(
            "numbers", metrics.config(type="metrics", listen=LOCAL), self.rig.gateway, self.rig.context
        )
        sink.start()
        self.addCleanup(sink.stop)
        self.ports |= {"metrics": sink.address().port, "control": self.rig.simulator.control_port}

    async def open_input(self, name: str, plugin: Any, options: dict[str, Any]) -> None:
        table = plugin.config(**{"type": plugin.name, "listen": LOCAL, **options})
        opened = self.inputs[name] = plugin.input(name, table, self.rig.gateway, self.rig.context)
        await opened.start()
        self.addCleanup(opened.stop)
        ports = [int(address.rpartition(":")[2]) for address in opened.addresses()]
        self.ports |= dict(zip((name, f"{name} feedback"), ports, strict=False))

    def identity(self) -> tuple[Path, ssl.SSLContext]:
        """A certificate, and the trust of one who speaks HTTP/2 in it."""
        authority, file = trustme.CA(), Path(self.mktemp())
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(file))
        trust = ssl.create_default_context()
        authority.configure_trust(trust)
        trust.set_alpn_protocols(["h2"])
        return file.absolute(), trust

    def crowd(self, name: str) -> Any:
        """What the connections of an input share."""
        opened = self.inputs[name]
        return opened._servers[0] if name == "apns" else opened._server

    # those who behave

    async def all_is_well(self) -> None:
        """At each input somebody pushes, and each has its outcome; nothing in the log is a failure."""
        tokens = {
            name: live(next(self.numbers)) for name in ("amp", "line", "http", "apns", "injector", "smtp")
        }
        reported = await gatherResults(
            [
                Deferred.fromCoroutine(self.push_by_amp(tokens["amp"])),
                deferToThread(self.push_by_line, tokens["line"]),
                deferToThread(self.push_by_http, tokens["http"]),
                deferToThread(say, self.ports["apns"], enhanced(1, tokens["apns"], PAYLOAD), 30.0),
                deferToThread(self.push_by_injector, tokens["injector"]),
                deferToThread(self.push_by_smtp, tokens["smtp"]),
                deferToThread(say, self.ports["metrics"], b"GET /metrics HTTP/1.0\r\n\r\n", 30.0),
                deferToThread(say, self.ports["control"], b"GET /summary HTTP/1.0\r\n\r\n", 30.0),
            ]
        )
        self.assertIn(b"pushgate_submitted_total", reported[-2])
        self.assertIn(b'"accepted"', reported[-1])
        while not set(tokens.values()) <= set(self.rig.audience.outcomes):
            await self.rig.audience.something()
        bad = [each for each in self.events if each["log_level"] >= LogLevel.error or "log_failure" in each]
        self.assertEqual(bad, [])

    async def push_by_amp(self, token: bytes) -> None:
        async with connect(reactor, f"tcp:127.0.0.1:{self.ports['amp']}") as client:
            await client.push("news", token, {"aps": {}})

    def push_by_line(self, token: bytes) -> None:
        answer = say(self.ports["line"], b"PUSH news %b {}\n" % token.hex().encode(), 30.0)
        assert answer.startswith(b"OK "), answer

    def push_by_http(self, token: bytes) -> None:
        body = json.dumps({"token": token.hex(), "payload": {}}).encode()
        head = f"POST {PATH} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        answer = say_and_wait(self.ports["http"], head + body)
        assert b" 202 " in answer.partition(b"\r\n")[0], answer

    def push_by_injector(self, token: bytes) -> None:
        body = json.dumps(
            {"template": mcmt(token.hex()), "recipients": [{"to": "user@example.com"}]}
        ).encode()
        head = f"POST /v1.0/inject/ HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        answer = say_and_wait(self.ports["injector"], head + body)
        assert b" 200 " in answer.partition(b"\r\n")[0], answer

    def push_by_smtp(self, token: bytes) -> None:
        with smtplib.SMTP("127.0.0.1", self.ports["smtp"], timeout=30) as client:
            self.assertEqual(client.sendmail("a@example.com", ["b@example.com"], mcmt(token.hex())), {})

    # those who do not

    async def tell(self, ports: list[int], words: list[bytes]) -> None:
        """Each of these words to each port."""
        for port in ports:
            for word in words:
                await deferToThread(say, port, word)

    async def test_garbage_at_every_input(self) -> None:
        """Another protocol, nothing, too much: whatever it is, it costs its sender the connection at most."""
        await self.open()
        await self.tell([*self.ports.values()], EVERYWHERE)
        await self.all_is_well()
        await self.tell([*self.ports.values()], noise(1))
        await self.all_is_well()

    async def test_what_is_nearly_http(self) -> None:
        """Requests that two readers could understand in two ways, bombs and bodies without end: none is taken."""
        await self.open()
        at_injector = [each.replace(PATH.encode(), b"/v1.0/inject/") for each in HTTP]
        await self.tell([self.ports["http"]], HTTP)
        await self.tell([self.ports["injector"]], at_injector)
        self.assertEqual(self.rig.simulator.received.entries(), [])
        for name in ("http", "injector"):
            self.assertEqual(self.crowd(name)._body_bytes, 0)
        await self.tell([self.ports["metrics"], self.ports["control"]], HTTP)
        await self.all_is_well()

    async def test_what_is_nearly_http2(self) -> None:
        """Floods and bombs that HTTP/2 made possible."""
        await self.open()
        for pieces in HTTP2.values():
            spoken = await deferToThread(say_securely, self.ports["http2"], self.trust, pieces())
            self.assertEqual(spoken, "h2")
            while self.crowd("http2").connections:
                await deferLater(reactor, 0.01)
        await self.all_is_well()

    async def test_as_many_as_there_may_be(self) -> None:
        """More are turned away and counted; who is there is served, and when they go, others may come."""
        await self.open(max_connections=2)
        questions = {
            "amp": AMP_STATS,
            "line": b"STATS\n",
            "http": b"GET /v1/apps HTTP/1.1\r\nHost: localhost\r\n\r\n",
        }
        for name in (*questions, "apns"):
            guests = [await deferToThread(sit, self.ports[name], b"") for _ in range(2)]
            while len(self.crowd(name).connections) < 2:
                await deferLater(reactor, 0.01)
            self.assertEqual(await deferToThread(say, self.ports[name], questions.get(name, b""), 30.0), b"")
            for guest in guests:
                if name in questions:
                    guest.sendall(questions[name])
                    self.assertIn(b"news", await deferToThread(guest.recv, 1 << 16))
                guest.close()
            while self.crowd(name).connections:
                await deferLater(reactor, 0.01)
        counts = self.rig.context.metrics.counts["pushgate_connections_closed_total"]
        self.assertEqual(counts, {(name, "crowded"): 1 for name in (*questions, "apns")})
        await self.all_is_well()

    async def test_part_of_a_batch(self) -> None:
        """At each input that takes several at a time: those that are bad are named, the others go out."""
        await self.open()
        good = [live(next(self.numbers)) for _ in range(3)]
        notifications = [{"token": each.hex(), "payload": {}} for each in good[:2]]
        notifications.insert(1, {"token": "zz", "payload": {}})
        body = json.dumps({"notifications": notifications}).encode()
        head = f"POST {PATH} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        answer = await deferToThread(say_and_wait, self.ports["http"], head + body)
        refused = json.loads(answer.partition(b"\r\n\r\n")[2])["refused"]
        self.assertEqual([each[:2] for each in refused], [[1, "INVALID"]])
        async with connect(reactor, f"tcp:127.0.0.1:{self.ports['amp']}") as client:
            receipt = await client.push_batch("news", [good[2], b"x" * 101], {})
        self.assertEqual([each.index for each in receipt.refused], [1])
        while not set(good) <= set(self.rig.audience.outcomes):
            await self.rig.audience.something()


def say_and_wait(port: int, data: bytes) -> bytes:
    """As `say`, to a peer that takes the end of what is said for the end of all."""
    heard = b""
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(data)
        while piece := connection.recv(1 << 16):
            heard += piece
    return heard
