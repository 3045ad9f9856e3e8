"""Official clients of the services, unmodified, against the simulator over real TLS."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from pushgate.simulator.service import Simulator
from pushgate.simulator.settings import SimulatorTable

CLIENTS = Path(__file__).parent.parent / "service_clients.py"


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

    async def run_client(self, name: str, **task: Any) -> Any:
        """What a client of `tests/service_clients.py` says."""
        command = [sys.executable, str(CLIENTS), name]
        return await deferToThread(self._finish, command, task)

    def _finish(self, command: list[str], task: dict[str, Any]) -> Any:
        ca = str(self.simulator.certificates.ca)
        environment = {**os.environ, "REQUESTS_CA_BUNDLE": ca, "SSL_CERT_FILE": ca, "NODE_EXTRA_CA_CERTS": ca}
        done = subprocess.run(
            command, input=json.dumps(task), env=environment, capture_output=True, text=True, timeout=50
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    @property
    def handles(self) -> list[str | None]:
        return [each.handle for each in self.simulator.received.entries()]


class FirebaseTests(ClientCase):
    async def push(self, **task: Any) -> Any:
        account = str(self.simulator.services.account.file)
        return await self.run_client("firebase", url=self.simulator.services_url, account=account, **task)

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

    async def test_errors(self) -> None:
        """Each code becomes its exception."""
        codes = {
            "SENDER_ID_MISMATCH": "SenderIdMismatchError", "QUOTA_EXCEEDED": "QuotaExceededError",
            "THIRD_PARTY_AUTH_ERROR": "ThirdPartyAuthError", "INVALID_ARGUMENT": "InvalidArgumentError",
        }  # fmt: skip
        script = [{"act": "answer", "service": "fcm", "reason": code, "handle": code} for code in codes]
        await self.serve(script=script)
        self.assertEqual(await self.push(handles=list(codes)), list(codes.values()))
