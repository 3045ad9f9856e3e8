"""Official clients of the services, unmodified, against the simulator over real TLS."""

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from pushgate.simulator.service import Simulator
from pushgate.simulator.services.subscriptions import SubscriptionRequest, unpadded
from pushgate.simulator.settings import SimulatorTable
from tests.client_programs import node, python, said_by


class ClientCase(TestCase):
    timeout = 60

    async def serve(self, **config: Any) -> None:
        """Start a simulator with the time of the day, as clients have no other."""
        names = ("listen", "feedback_listen", "control_listen", "http2_listen", "services_listen")
        free = dict.fromkeys(names, "tcp:0:interface=127.0.0.1")
        table = SimulatorTable.model_validate({**free, "state_dir": self.mktemp(), **config})
        self.simulator = Simulator(table, reactor)
        await self.simulator.start()
        self.addCleanup(self.simulator.stop)

    async def run_client(self, command: list[str], **task: Any) -> Any:
        """What a client says."""
        return await said_by(self.simulator, command, task)

    @property
    def handles(self) -> list[str | None]:
        return [each.handle for each in self.simulator.received.entries()]


class FirebaseTests(ClientCase):
    async def push(self, **task: Any) -> Any:
        account = str(self.simulator.services.account.file)
        return await self.run_client(
            python("firebase"), url=self.simulator.services_url, account=account, **task
        )

    async def test_over_http1(self) -> None:
        """firebase-admin gets its token, pushes, and reads what is refused."""
        await self.serve(dead_handles=["dead*"])
        said = await self.push(handles=["a", "dead", "b"], topic="news")
        self.assertEqual(said[1], "UnregisteredError")
        self.assertEqual({each["id"] for each in self.records()}, {said[0], said[2]})
        self.assertEqual(said[3:], [[2, 1], [1, 0]])
        self.assertEqual(
            json.loads(self.records()[0]["payload"])["android"], {"priority": "high", "ttl": "3600s"}
        )

    def records(self) -> list[dict[str, Any]]:
        return [
            {"id": each.id, "payload": each.payload, "protocol": each.protocol}
            for each in self.simulator.received.entries()
        ]

    async def test_over_http2(self) -> None:
        """Its asynchronous half speaks HTTP/2 on one connection, and tries again what is 503."""
        rule = {"act": "answer", "service": "fcm", "status": 503, "times": 1}
        await self.serve(script=[rule])
        said = await self.push(handles=[f"h{n}" for n in range(50)], http2=True)
        self.assertTrue(all(each.startswith("projects/") for each in said), said)
        self.assertEqual(len(set(self.handles)), 50)
        self.assertEqual({each["protocol"] for each in self.records()}, {"http2"})
        self.assertEqual(self.simulator.summary()["rejected"], {"503": 1})

    async def test_on_node(self) -> None:
        """firebase-admin of npm: `send` over HTTP/1.1, `sendEach` over HTTP/2 with a scheme that is none."""
        await self.serve(dead_handles=["dead*"])
        account = str(self.simulator.services.account.file)
        said = await self.run_client(node("firebase_admin.js"), account=account, handles=["a", "dead", "b"])
        dead = "messaging/registration-token-not-registered"
        self.assertEqual([said[1], said[3]], [dead, dead])
        self.assertEqual({said[0], said[2], said[4]}, {each["id"] for each in self.records()})
        self.assertEqual([each["protocol"] for each in self.records()], ["http1", "http2", "http2"])

    async def test_errors(self) -> None:
        """Each code becomes its exception."""
        codes = {
            "SENDER_ID_MISMATCH": "SenderIdMismatchError", "QUOTA_EXCEEDED": "QuotaExceededError",
            "THIRD_PARTY_AUTH_ERROR": "ThirdPartyAuthError", "INVALID_ARGUMENT": "InvalidArgumentError",
        }  # fmt: skip
        script = [{"act": "answer", "service": "fcm", "reason": code, "handle": code} for code in codes]
        await self.serve(script=script)
        self.assertEqual(await self.push(handles=list(codes)), list(codes.values()))


class WebPushTests(ClientCase):
    def subscriptions(self, count: int, prefix: str = "") -> list[dict[str, Any]]:
        made = self.simulator.services.webpush.subscriptions
        return made.make(SubscriptionRequest(count=count, prefix=prefix), self.simulator.services_url)

    def task(self) -> dict[str, Any]:
        """Two good subscriptions, and one that is dead; a key for VAPID."""
        key = generate_private_key(SECP256R1())
        private = key.private_numbers().private_value.to_bytes(32, "big")
        public = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return {
            "subscriptions": [*self.subscriptions(2), *self.subscriptions(1, "dead")],
            "data": "Hello, café",
            "key": unpadded(private),
            "public_key": unpadded(public),
        }

    def check(self, said: list[Any]) -> None:
        entries = {each.id: each for each in self.simulator.received.entries()}
        self.assertEqual({each.payload for each in entries.values()}, {"Hello, café".encode()})
        self.assertEqual(said[2], [410, 106])
        url = self.simulator.services_url
        self.assertEqual({(201, f"{url}/m/{name}") for name in entries}, {tuple(each) for each in said[:2]})

    async def test_pywebpush(self) -> None:
        """pywebpush's messages are decrypted; it reads the errors."""
        await self.serve(dead_handles=["dead*"])
        self.check(await self.run_client(python("webpush"), **self.task()))
        self.assertEqual(self.simulator.received.entries()[0].headers, {"ttl": "0"})

    async def test_web_push(self) -> None:
        """web-push of npm, with topic and urgency."""
        await self.serve(dead_handles=["dead*"])
        options = {"TTL": 60, "urgency": "high", "topic": "score"}
        self.check(await self.run_client(node("web_push.js"), **self.task(), options=options))
        expected = {"ttl": "60", "urgency": "high", "topic": "score"}
        self.assertEqual(self.simulator.received.entries()[0].headers, expected)
