"""The services over real TLS, in both versions of HTTP: connections, faults, the control port."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from pushgate.model.errors import CannotStart
from pushgate.simulator.fault_rules import parse_rules
from tests.simulator.provider import make_simulator, until

RAW = {"x-notificationclass": "3"}
PUSH = "/mpns/a"


class ServiceCase(TestCase):
    timeout = 60

    async def serve(self, *script: dict[str, Any], **config: Any) -> None:
        config.setdefault("services_listen", "tcp:0:interface=127.0.0.1")
        self.simulator = make_simulator(self.mktemp(), script=list(script), **config)
        await self.simulator.start()
        self.addCleanup(self.simulator.stop)

    async def outside(self, use: Callable[[httpx.Client], Any], http2: bool = True) -> Any:
        """What is done with a client in another thread."""
        trust = ssl.create_default_context(cafile=str(self.simulator.certificates.ca))
        url = self.simulator.services_url

        def run() -> Any:
            with httpx.Client(http2=http2, verify=trust, base_url=url, timeout=30) as client:
                return use(client)

        return await deferToThread(run)

    async def control(self, method: str, path: str, **options: Any) -> httpx.Response:
        url = f"http://127.0.0.1:{self.simulator.control_port}{path}"
        return await deferToThread(httpx.request, method, url, timeout=30, **options)

    @property
    def summary(self) -> dict[str, Any]:
        return self.simulator.summary()["services"]["mpns"]


def push(client: httpx.Client, path: str = PUSH) -> int | str:
    """The status of a push, or the kind of its failure."""
    try:
        return client.post(path, content=b"x", headers=RAW).status_code
    except httpx.TransportError as error:
        return type(error).__name__


def pushes(count: int, path: str = PUSH) -> Callable[[httpx.Client], list[int | str]]:
    return lambda client: [push(client, path) for _ in range(count)]


class ConnectionTests(ServiceCase):
    async def test_both_versions(self) -> None:
        """ALPN decides; a connection is used again; date and length are there."""
        await self.serve()
        for http2, name in ((True, "HTTP/2"), (False, "HTTP/1.1")):
            answers = await self.outside(
                lambda client: [client.post(PUSH, content=b"x", headers=RAW) for _ in range(3)], http2
            )
            self.assertEqual([(each.status_code, each.http_version) for each in answers], [(200, name)] * 3)
            self.assertEqual(answers[0].headers["date"], "Tue, 14 Nov 2023 22:13:20 GMT")
            self.assertEqual(answers[0].headers["content-length"], "0")
        connections = self.simulator.summary()["services_connections"]
        self.assertEqual((connections["accepted"], connections["handshakes_failed"]), (2, 0))
        protocols = [each.protocol for each in self.simulator.received.entries()]
        self.assertEqual(protocols, ["http2"] * 3 + ["http1"] * 3)

    async def test_bodies(self) -> None:
        """A long answer, a body in chunks, one that is too long for anything, and one that is waited for."""
        await self.serve()

        def use(client: httpx.Client) -> list[int]:
            chunked = client.post(PUSH, content=iter([b"a", b"b"]), headers=RAW).status_code
            long = client.post(PUSH, content=b"x" * 3_000_000, headers=RAW).status_code
            waited = client.post(PUSH, content=b"x", headers={**RAW, "expect": "100-continue"}).status_code
            return [chunked, long, waited, client.head("/").status_code]

        for http2 in (True, False):
            self.assertEqual(await self.outside(use, http2), [200, 400, 200, 404])

    async def test_garbage(self) -> None:
        """What is no HTTP ends the connection."""
        await self.serve()

        def use() -> bytes:
            trust = ssl.create_default_context(cafile=str(self.simulator.certificates.ca))
            import socket

            with trust.wrap_socket(
                socket.create_connection(("127.0.0.1", self.simulator.services_port)),
                server_hostname="localhost",
            ) as tls:
                tls.sendall(b"\0\1\2\3\r\n\r\n")
                return tls.recv(100)

        await deferToThread(use)
        await until(lambda: self.simulator.summary()["services_connections"]["open"] == 0)

    async def test_real_names(self) -> None:
        """The certificate is good for the services' own names too."""
        await self.serve()

        def use(client: httpx.Client) -> int:
            extensions = {"sni_hostname": "fcm.googleapis.com"}
            return client.post(
                "/token", headers={"host": "fcm.googleapis.com"}, extensions=extensions
            ).status_code

        self.assertEqual(await self.outside(use), 400)

    async def test_without_services(self) -> None:
        """A port that is taken is no fault of a configuration that does not name it."""
        await self.serve()
        taken = f"tcp:{self.simulator.services_port}:interface=127.0.0.1"
        other = make_simulator(self.mktemp(), services_listen=taken)
        with self.assertRaises(CannotStart):
            await other.start()
        other._config.model_fields_set.discard("services_listen")
        await other.start()
        self.addCleanup(other.stop)
        self.assertIsNone(other.services_url)


class FaultTests(ServiceCase):
    async def test_answers(self) -> None:
        """One connection goes on after an error; every third push is refused, in both versions."""
        await self.serve({"act": "answer", "service": "mpns", "status": 503, "every": 3, "retry_after": "2s"})
        for http2 in (True, False):
            self.assertEqual(await self.outside(pushes(3), http2), [200, 200, 503])
        self.assertEqual((self.summary["accepted"], self.summary["rejected"]), (4, {"503": 2}))

    async def test_reset(self) -> None:
        """RST_STREAM, in HTTP/1.1 the whole connection; received or not."""
        await self.serve(
            {"act": "rst-stream", "service": "mpns", "request": 1, "code": "REFUSED_STREAM"},
            {"act": "rst-stream", "service": "mpns", "request": 3, "accepted": True},
        )
        first = await self.outside(pushes(2))
        self.assertEqual((first[0] != 200, first[1]), (True, 200))
        second = await self.outside(pushes(2), http2=False)
        self.assertEqual((second[0] != 200, second[1]), (True, 200))
        self.assertEqual((self.summary["accepted"], self.summary["discarded"]), (3, 1))

    async def test_goaway(self) -> None:
        """GOAWAY after an answer: the next push is on another connection."""
        await self.serve({"act": "goaway", "service": "services", "request": 2})
        self.assertEqual(await self.outside(pushes(3)), [200] * 3)
        self.assertEqual(self.simulator.summary()["services_connections"]["accepted"], 2)
        self.simulator.set_script(parse_rules([{"act": "goaway", "service": "services", "request": 2}]))
        self.assertEqual(await self.outside(pushes(3), http2=False), [200] * 3)
        self.assertEqual(self.simulator.summary()["services_connections"]["accepted"], 4)

    async def test_drop(self) -> None:
        """The connection ends without an answer, before or after the push is received."""
        for http2 in (True, False):
            await self.serve(
                {"act": "drop", "service": "mpns", "request": 1},
                {"act": "drop", "service": "mpns", "request": 2, "accepted": True, "end": "reset"},
                {"act": "drop", "service": "mpns", "request": 3, "answered": True},
            )
            said = await self.outside(pushes(3), http2)
            self.assertTrue(all(isinstance(each, str) for each in said[:2]), said)
            self.assertEqual(said[2], 200)
            self.assertEqual((self.summary["accepted"], self.summary["discarded"]), (2, 1))

    async def test_slow_and_silent(self) -> None:
        """A late answer, and none; a client that waits no longer."""
        await self.serve(
            {"act": "slow", "service": "mpns", "request": 1, "delay": "50ms"},
            {"act": "silence", "service": "mpns", "request": 2, "accepted": True},
        )

        def use(client: httpx.Client) -> list[int | str]:
            late = push(client)
            client.timeout = httpx.Timeout(0.3)
            return [late, push(client)]

        for http2 in (True, False):
            self.simulator.set_script(self.simulator.script)
            self.assertEqual(await self.outside(use, http2), [200, "ReadTimeout"])
        self.assertEqual(self.summary["accepted"], 4)

    async def test_other_acts(self) -> None:
        """Streams, raw bytes, a pause: what HTTP/1.1 does not have changes nothing there."""
        await self.serve(
            {"act": "settings", "service": "services", "request": 1, "streams": 1},
            {"act": "stop-reading", "service": "services", "request": 2, "duration": "50ms"},
        )
        for http2 in (True, False):
            self.simulator.set_script(self.simulator.script)
            self.assertEqual(await self.outside(pushes(3), http2), [200] * 3)

    async def test_as_soon_as_it_is_up(self) -> None:
        """Request 0 is before any."""
        rule = {"act": "drop", "service": "services", "request": 0, "connection": 1}
        await self.serve(rule)
        said = await self.outside(pushes(2))
        self.assertEqual((said[0] != 200, said[1]), (True, 200))

    async def test_refused_connections(self) -> None:
        """Connections are refused before TLS, or by an alert."""
        await self.serve({"act": "refuse", "service": "services", "connection": 1, "duration": "0s"},
                         {"act": "tls-alert", "service": "services", "connection": 2})  # fmt: skip
        said = await self.outside(pushes(3))
        self.assertEqual(([isinstance(each, str) for each in said], said[2]), ([True, True, False], 200))
        connections = self.simulator.summary()["services_connections"]
        self.assertEqual((connections["refused"], connections["handshakes_failed"]), (1, 1))

    async def test_a_body_of_the_script(self) -> None:
        """A body in place of the service's own."""
        await self.serve({"act": "answer", "service": "mpns", "status": 502, "body": "<html>"})
        answer = await self.outside(lambda client: client.post(PUSH, content=b"x", headers=RAW))
        self.assertEqual((answer.status_code, answer.text), (502, "<html>"))


class ControlTests(ServiceCase):
    async def test_what_there_is(self) -> None:
        """The control port tells where everything is."""
        await self.serve()
        services = (await self.control("GET", "/")).json()["services"]
        self.assertEqual(services["url"], self.simulator.services_url)
        account = msgspec.json.decode(Path(services["fcm"]["service_account"]).read_bytes())
        self.assertEqual(account["token_uri"], f"{self.simulator.services_url}/token")
        self.assertEqual(services["wns"]["client_secret"], "wns-secret")

    async def test_subscriptions(self) -> None:
        """The control port hands out subscriptions."""
        await self.serve()
        [one, two] = (await self.control("POST", "/subscriptions", json={"count": 2, "prefix": "a"})).json()
        self.assertTrue(one["endpoint"].startswith(f"{self.simulator.services_url}/wpush/a"))
        self.assertEqual(one["keys"].keys(), {"p256dh", "auth"})
        self.assertNotEqual(one, two)
        for bad in (b"[]", b'{"count": 0}'):
            self.assertEqual((await self.control("POST", "/subscriptions", content=bad)).status_code, 400)
        answer = await self.control("POST", "/handles/replace", json={"a": "b"})
        self.assertEqual((answer.json(), self.simulator.services.adm.replaced), ({"replaced": 1}, {"a": "b"}))
        self.assertEqual((await self.control("POST", "/handles/replace", content=b"1")).status_code, 400)
        self.assertEqual((await self.control("POST", "/access-tokens/expire")).status_code, 200)

    async def test_without_a_port(self) -> None:
        """Without services there are no subscriptions."""
        await self.serve(services_listen=None)
        self.assertEqual((await self.control("POST", "/subscriptions")).status_code, 400)

    async def test_received(self) -> None:
        """Records have service, handle and headers; the same twice is a duplicate; a script is shown again."""
        await self.serve({"act": "pass", "service": "mpns", "handle": "x*"})
        await self.outside(pushes(2))
        [record, _] = (await self.control("GET", "/received")).json()["received"]
        self.assertEqual(
            (record["service"], record["handle"], record["payload"], record["token"], record["headers"]),
            ("mpns", "a", "x", "", {"x-notificationclass": "3"}),
        )
        summary = (await self.control("GET", "/summary")).json()
        self.assertEqual((summary["accepted"], summary["distinct"], summary["duplicates"]), (2, 1, 1))
        rules = (await self.control("GET", "/script")).json()
        self.assertEqual(rules, [{"act": "pass", "service": "mpns", "handle": "x*"}])
        await self.control("POST", "/reset")
        self.assertEqual(self.simulator.summary()["services"], {})

    async def test_bad_rules(self) -> None:
        """What a rule cannot have is told."""
        await self.serve()
        for rule in (
            {"act": "answer", "status": 500, "handle": "a"},
            {"act": "answer", "status": 500, "call": "token"},
            {"act": "answer", "service": "fcm", "status": 500, "token": "aa"},
            {"act": "answer", "service": "fcm", "reason": "Unregistered"},
            {"act": "answer", "service": "other", "status": 500},
            {"act": "answer", "service": "fcm", "status": 500, "headers": {"a b": "c"}},
            {"act": "answer", "service": "fcm", "status": 500, "headers": {"a": "c\r\n"}},
        ):
            answer = await self.control("PUT", "/script", json=[rule])
            self.assertEqual(answer.status_code, 400, rule)
