"""The simulator as a whole: starting, stopping, the control port."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import jwt
from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory
from twisted.trial.unittest import TestCase
from twisted.web.client import Agent, FileBodyProducer, readBody
from twisted.web.http_headers import Headers

from pushgate.model.errors import CannotStart
from pushgate.protocols.apns_binary.feedback import FeedbackTuple
from tests.simulator.http2_provider import NOW, call
from tests.simulator.provider import connect, frames, make_simulator, until


class SimulatorTests(TestCase):
    timeout = 60

    async def test_start_and_stop(self) -> None:
        """It says where it listens; stopping drops every connection; it can be started again."""
        simulator = make_simulator(self.mktemp())
        self.assertIsNone(simulator.port)
        for _ in range(2):
            await simulator.start()
            self.assertEqual(len({simulator.port, simulator.feedback_port, simulator.control_port}), 3)
            self.assertEqual(simulator.addresses()["push"], f"127.0.0.1:{simulator.port}")
            provider = await connect(simulator)
            await provider.up
            await simulator.stop()
            await provider.lost
            self.assertIsNone(simulator.port)

    async def test_as_a_service(self) -> None:
        """It is a service of Twisted's too."""
        simulator = make_simulator(self.mktemp())
        simulator.startService()
        self.assertIsNotNone(simulator.port)
        await simulator.stopService()

    async def test_port_in_use(self) -> None:
        """A port that cannot be had is one line naming the key; the ports before it are closed again."""
        taken = await serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(Factory())
        self.addCleanup(taken.stopListening)
        address = f"tcp:{taken.getHost().port}:interface=127.0.0.1"
        simulator = make_simulator(self.mktemp(), feedback_listen=address)
        with self.assertRaises(CannotStart) as caught:
            await simulator.start()
        self.assertRegex(caught.exception.faults[0], r"^simulator\.feedback_listen: tcp:.*in use")
        self.assertIsNone(simulator.port)
        self.assertRaises(CannotStart, simulator.startService)
        await until(lambda: not [r for r in reactor.getReaders() if "Gate" in repr(r)])

    async def test_a_default_port_in_use(self) -> None:
        """A configuration that knows nothing of HTTP/2 starts where its port is taken: without HTTP/2."""
        taken = await serverFromString(reactor, "tcp:0:interface=127.0.0.1").listen(Factory())
        self.addCleanup(taken.stopListening)
        address = f"tcp:{taken.getHost().port}:interface=127.0.0.1"
        simulator = make_simulator(self.mktemp(), http2_listen=address)
        with self.assertRaises(CannotStart) as caught:
            await simulator.start()
        self.assertRegex(caught.exception.faults[0], r"^simulator\.http2_listen: tcp:.*in use")
        simulator._config.model_fields_set.discard("http2_listen")
        await simulator.start()
        self.addCleanup(simulator.stop)
        self.assertIsNone(simulator.http2_port)
        self.assertEqual(set(simulator.addresses()), {"push", "feedback", "control"})

    async def test_provider_keys(self) -> None:
        """Tokens that a key of the directory signed are good; a directory that cannot be read ends the start."""
        directory = Path(self.mktemp())
        directory.mkdir()
        other = make_simulator(self.mktemp())
        (directory / "ABC123DEFG.pem").write_bytes(other.provider_key.file.read_bytes())
        simulator = make_simulator(self.mktemp(), provider_keys=str(directory))
        await simulator.start()
        self.addCleanup(simulator.stop)
        provider = await call(simulator)
        self.assertEqual((await provider.pushed()).status, 200)
        provider.transport.abortConnection()
        provider = await call(simulator)
        content, key = {"iss": "ANYTEAM001", "iat": NOW}, other.provider_key.file.read_bytes()
        provider.authorization = "bearer " + jwt.encode(content, key, "ES256", {"kid": "ABC123DEFG"})
        self.assertEqual((await provider.pushed()).status, 200)
        provider.transport.abortConnection()
        self.assertRaises(CannotStart, make_simulator, self.mktemp(), provider_keys="missing")

    def test_bad_endpoint(self) -> None:
        """Endpoints that cannot be understood are reported all at once, before anything is opened."""
        with self.assertRaises(CannotStart) as caught:
            make_simulator(self.mktemp(), listen="unix:/x:mode=z", control_listen="unix:/x:y=2")
        self.assertEqual(len(caught.exception.faults), 2)

    async def test_repeatable_chance(self) -> None:
        """With the same seed the same notifications meet the same fate."""
        fates = []
        for _ in range(2):
            script = [{"act": "reject", "status": 8, "probability": 0.05}]
            simulator = make_simulator(self.mktemp(), seed=7, script=script)
            await simulator.start()
            provider = await connect(simulator)
            await provider.up
            provider.transport.write(frames(1, 500))
            await provider.lost
            fates.append(provider.heard)
            await simulator.stop()
        self.assertEqual(fates[0], fates[1])

    async def test_record_limit(self) -> None:
        """Beyond the limit notifications are still accepted and counted, and the summary says so."""
        simulator = make_simulator(self.mktemp(), record_limit=10)
        await simulator.start()
        self.addCleanup(simulator.stop)
        provider = await connect(simulator)
        await provider.up
        provider.transport.write(frames(1, 25))
        await until(lambda: simulator.received.accepted == 25)
        summary = simulator.summary()
        self.assertEqual((summary["recorded"], summary["complete"]), (10, False))


class ControlTests(TestCase):
    timeout = 60

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON of a request to the control port of a simulator that is started for the test."""
        if not hasattr(self, "simulator"):
            self.simulator = make_simulator(self.mktemp())
            await self.simulator.start()
            self.addCleanup(self.simulator.stop)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        response = await Agent(reactor).request(
            method.encode(), f"http://127.0.0.1:{self.simulator.control_port}{path}".encode(),
            Headers({key: [value] for key, value in headers.items()}),
            None if body is None else FileBodyProducer(BytesIO(content)),
        )  # fmt: skip
        body = await readBody(response)
        kind = response.headers.getRawHeaders("Content-Type")
        return response.code, json.loads(body) if body and kind == ["application/json"] else body

    async def push(self, count: int) -> None:
        provider = await connect(self.simulator)
        await provider.up
        before = self.simulator.received.frames
        provider.transport.write(frames(1, count))
        await until(lambda: self.simulator.received.frames == before + count)

    async def test_about(self) -> None:
        """The first page says what there is and what a client needs."""
        status, about = await self.ask("GET", "/")
        self.assertEqual(status, 200)
        self.assertEqual(about["client_certificate"], str(self.simulator.certificates.client))
        key = self.simulator.provider_key
        self.assertEqual(
            about["provider_key"], {"file": str(key.file), "key_id": "SIMKEY0001", "team_id": "SIMTEAM001"}
        )
        self.assertIn("/summary", about["paths"])

    async def test_script(self) -> None:
        """A script is put, shown, obeyed, and its rules are counted."""
        script = [{"act": "reject", "status": 8, "frame": 2, "delay": "0s"}]
        self.assertEqual(await self.ask("PUT", "/script", script), (200, {"rules": 1}))
        self.assertEqual(await self.ask("GET", "/script"), (200, script))
        await self.push(3)
        _, summary = await self.ask("GET", "/summary")
        self.assertEqual((summary["rejected"], summary["script_fired"]), ({"8": 1}, [1]))

    async def test_scripts_of_http2(self) -> None:
        """Rules about requests are shown as they were put, and what was received over HTTP/2 has all its fields."""
        script = [
            {"act": "answer", "reason": "Shutdown", "status": 503, "request": 2},
            {"act": "goaway", "debug": "ff"},
        ]
        self.assertEqual(await self.ask("PUT", "/script", script), (200, {"rules": 2}))
        self.assertEqual(await self.ask("GET", "/script"), (200, script))
        await self.ask("PUT", "/script", [])
        provider = await call(self.simulator)
        self.addCleanup(provider.transport.abortConnection)
        await provider.pushed(apns_collapse_id="c", apns_push_type="alert")
        _, page = await self.ask("GET", "/received")
        [item] = page["received"]
        self.assertEqual(
            {key: item[key] for key in ("protocol", "topic", "push_type", "collapse_id", "channel", "command")},
            {"protocol": "http2", "topic": "com.example.news", "push_type": "alert", "collapse_id": "c",
             "channel": None, "command": None},
        )  # fmt: skip
        _, summary = await self.ask("GET", "/summary")
        self.assertEqual(summary["http2"]["connections"]["open"], 1)

    async def test_bad_script(self) -> None:
        """A bad script is refused as a whole, naming rule and key; the old one stays."""
        await self.ask("PUT", "/script", [{"act": "accept"}])
        status, error = await self.ask("PUT", "/script", [{"act": "close"}, {"act": "reject", "status": "8"}])
        self.assertEqual((status, error["error"]), (400, "INVALID"))
        self.assertIn("script[1].status", error["detail"])
        status, error = await self.ask("PUT", "/script", b"[{")
        self.assertEqual((status, error["error"]), (400, "INVALID"))
        self.assertEqual((await self.ask("GET", "/script"))[1], [{"act": "accept"}])

    async def test_received(self) -> None:
        """What was accepted is read page by page, as JSON or one line each."""
        await self.ask("GET", "/")
        await self.push(5)
        _, page = await self.ask("GET", "/received?since=1&limit=2")
        self.assertEqual((page["total"], page["next"]), (5, 3))
        self.assertEqual([item["identifier"] for item in page["received"]], [2, 3])
        self.assertEqual(page["received"][0]["payload"], '{"aps":{"alert":"Hi"}}')
        _, lines = await self.ask("GET", "/received", Accept="application/x-ndjson")
        self.assertEqual([json.loads(line)["index"] for line in lines.splitlines()], list(range(5)))
        for query in ("since=x", "limit=-1"):
            status, error = await self.ask("GET", f"/received?{query}")
            self.assertEqual((status, error["error"]), (400, "INVALID"))

    async def test_feedback(self) -> None:
        """Dead tokens are put on the feedback list; bad ones are refused, and with them the others."""
        entry = {"token": "aabb", "since": 1_700_000_000}
        self.assertEqual(await self.ask("POST", "/feedback", [entry, entry]), (200, {"added": 2}))
        for wrong in ({"token": "a", "since": 0}, {"token": "", "since": 0}, {"token": "aa", "since": -1},
                      {"token": "aa"}, {"token": "aa", "since": 0, "x": 1}):  # fmt: skip
            status, error = await self.ask("POST", "/feedback", [entry, wrong])
            self.assertEqual((status, error["error"]), (400, "INVALID"))
        self.simulator.add_feedback([FeedbackTuple(1, b"x")] * 999_998)
        self.assertEqual((await self.ask("POST", "/feedback", [entry]))[1]["error"], "OVERLOADED")
        self.simulator.forget()
        await self.ask("POST", "/feedback", [entry, entry])
        reader = await connect(self.simulator, feedback=True)
        await reader.lost
        self.assertEqual(reader.heard, bytes.fromhex("6553f1000002aabb") * 2)

    async def test_reset(self) -> None:
        """A test may begin with a clean slate."""
        await self.ask("GET", "/")
        clean = (await self.ask("GET", "/summary"))[1]
        await self.push(3)
        await self.ask("POST", "/feedback", [{"token": "aabb", "since": 1}])
        self.assertEqual((await self.ask("POST", "/reset"))[0], 200)
        _, summary = await self.ask("GET", "/summary")
        summary["connections"]["open"] = 0
        self.assertEqual(summary, clean)
        await self.push(1)
        self.assertEqual([e.index for e in self.simulator.received.entries()], [0])

    async def test_wrong_requests(self) -> None:
        """Unknown paths and methods are answered with JSON too; so is a body without end."""
        status, error = await self.ask("PUT", "/script", b" " * (17 << 20))
        self.assertEqual((status, error["error"]), (413, "TOO_LARGE"))
        self.assertEqual((await self.ask("HEAD", "/summary"))[0], 200)
        for method, path, expected in (
            ("GET", "/nothing", 404),
            ("DELETE", "/script", 405),
            ("GET", "/reset", 405),
        ):
            status, error = await self.ask(method, path)
            self.assertEqual(status, expected)
            self.assertTrue(error["detail"])
