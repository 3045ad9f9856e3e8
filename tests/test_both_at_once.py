"""Old programs reach today's service, and today's programs an old one: each learns what its protocol can say."""

import json
import re
import sys
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from twisted.internet.utils import getProcessOutputAndValue

from pushgate.simulator.certificates import Certificates
from pushgate.simulator.provider_keys import ThrowAwayKey
from tests.javascript_rig import NODE, SCRIPTS
from tests.process import ProcessTestCase, Twistd

HERE = Path(__file__).parent
GOOD, DEAD = "ab" * 32, "de" * 32
MODERN, OLD = "com.example.modern", "com.example.old"
TOO_LARGE = "x" * 4096

SIMULATOR = """
[simulator]
listen = "tcp:0:interface=127.0.0.1"
feedback_listen = "tcp:0:interface=127.0.0.1"
control_listen = "tcp:0:interface=127.0.0.1"
http2_listen = "tcp:0:interface=127.0.0.1"
services_listen = "tcp:0:interface=127.0.0.1"
state_dir = "simulator"
dead = ["de"]
topics = ["com.example.modern"]
"""
GATEWAY = """
[gateway]
state_dir = "state"
[apps.modern]
upstream = "apns-http2"
topic = "com.example.modern"
key_file = "simulator/AuthKey_SIMKEY0001.p8"
team_id = "SIMTEAM001"
trust = "simulator/ca.pem"
host = "localhost"
port = {http2}
[apps.old]
upstream = "apns-stream"
certificate = "simulator/client.pem"
trust = "simulator/ca.pem"
host = "localhost"
port = {push}
feedback = false
response_timeout = "500ms"
[inputs.apple]
type = "apns-http2"
listen = "tcp:0:interface=127.0.0.1"
certificate = "simulator/server.pem"
provider_keys = "keys"
topics = {{ "com.example.modern" = "modern", "com.example.old" = "old", "com.example.unknown" = "modern" }}
[inputs.legacy]
type = "apns"
listen = "tcp:0:interface=127.0.0.1"
feedback_listen = "tcp:0:interface=127.0.0.1"
certificate = "simulator/server.pem"
client_authorities = "simulator/ca.pem"
app = "modern"
[sinks.file]
type = "jsonl"
path = "outcomes.jsonl"
"""


class BothAtOnceTests(ProcessTestCase):
    """One gateway, with an app at each kind of service, and an input of each kind."""

    timeout = 110

    async def start(self) -> None:
        """The service and the gateway."""
        (self.directory / "simulator.toml").write_text(SIMULATOR)
        self.make_keys()
        service = self.twistd("pushgate-simulator", "--config", "simulator.toml")
        await service.until(lambda: "provider tokens:" in service.out, "it listened")
        ports = {name: _port(service.out, name) for name in ("push", "http2")}
        (self.directory / "pushgate.toml").write_text(GATEWAY.format(**ports))
        self.gateway: Twistd = self.twistd("pushgate", "--config", "pushgate.toml")
        self.provider = int((await self.gateway.address("apple")).rpartition(":")[2])
        self.legacy = re.findall(r"input legacy .*:([0-9]+)", self.gateway.out)

    def make_keys(self) -> None:
        """The certificates and the provider key of the simulator, which clients of ours use as well."""
        directory = self.directory / "simulator"
        directory.mkdir()
        Certificates.in_directory(directory)
        self.key = ThrowAwayKey.in_directory(directory)
        keys = self.directory / "keys"
        keys.mkdir()
        key = load_pem_private_key(self.key.file.read_bytes(), None)
        assert key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (keys / f"{self.key.key_id}.pem").write_bytes(public)

    async def told(self, command: list[str], topic: str) -> list[tuple[Any, ...]]:
        """The answers to a client of the provider API, push by push."""
        pushes = [
            (GOOD, topic, "Hi"), (DEAD, topic, "Hi"), (GOOD, topic, TOO_LARGE),
            (GOOD, "com.example.stranger", "Hi"),
        ]  # fmt: skip
        task = {
            "host": "localhost", "port": self.provider, "ca": str(self.directory / "simulator" / "ca.pem"),
            "key": str(self.key.file), "key_id": self.key.key_id, "team": self.key.team_id, "topic": topic,
            "pushes": [dict(zip(("token", "topic", "alert"), push, strict=True)) for push in pushes],
        }  # fmt: skip
        file = self.directory / "task.json"
        file.write_text(json.dumps(task))
        env = {"PATH": "/usr/bin:/bin", "NODE_EXTRA_CA_CERTS": task["ca"], "PYTHONPATH": ":".join(sys.path)}
        out, errors, status = await getProcessOutputAndValue(command[0], [*command[1:], str(file)], env)
        assert status == 0, (errors.decode(), self.gateway.out[-2000:])
        return [tuple(each.values())[:2] for each in json.loads(out)]

    async def check(self, *command: str) -> None:
        """Good, dead, too large, and a topic of no app's, at either service."""
        await self.start()
        for topic in (MODERN, OLD):
            good, dead, large, stranger = await self.told([*command], topic)
            self.assertEqual(good, (200, ""), topic)
            self.assertIn(dead, [(410, "Unregistered"), (400, "BadDeviceToken")])
            self.assertEqual(large, (413, "PayloadTooLarge"))
            self.assertEqual(stranger, (400, "TopicDisallowed"))

    async def test_node_apn(self) -> None:
        """@parse/node-apn."""
        await self.check(str(NODE), str(SCRIPTS / "node_apn.js"))

    async def test_apns2(self) -> None:
        """The apns2 of npm."""
        await self.check(str(NODE), str(SCRIPTS / "apns2.js"))

    async def test_aioapns(self) -> None:
        """aioapns of PyPI."""
        await self.check(sys.executable, str(HERE / "modern_program.py"))

    async def test_pushjack(self) -> None:
        """pushjack, which knows the binary protocol only, at today's service.

        Its listener takes what could be sent; what the service refuses later it learns as dead, as feedback.
        """
        await self.start()
        tokens = self.directory / "tokens"
        tokens.write_text("\n".join([GOOD, DEAD, "cd" * 32]))
        certificate = str(self.directory / "simulator" / "client.pem")
        command = [str(HERE / "old_program.py"), "pushjack", *self.legacy, certificate, "3", str(tokens)]
        environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path)}
        found: dict[str, dict[str, Any]] = {}
        dead: list[str] = []
        for _ in range(2):  # feedback of what the first run brought to light
            out, errors, status = await getProcessOutputAndValue(sys.executable, command, environment)
            assert status == 0, (errors.decode(), self.gateway.out[-2000:])
            report = json.loads(out)
            self.assertEqual((report["errors"], report["successes"]), ([], 3))
            dead += report["dead"]
            found = {line["token"]: line for line in reversed(await self.outcomes(3))}
        self.assertEqual(dead, [DEAD])
        states = {token: (line["state"], line["status"], line["reason"]) for token, line in found.items()}
        self.assertEqual(states[GOOD], ("accepted", 200, ""))
        self.assertEqual(states[DEAD], ("rejected", 410, "Unregistered"))

    async def outcomes(self, count: int) -> list[dict[str, Any]]:
        """The records in the file, once there are so many."""
        return await self.gateway.records(self.directory / "outcomes.jsonl", count)


def _port(log: str, name: str) -> int:
    """Where a part of the simulator listens."""
    line = next(line for line in log.splitlines() if f"{name} on 127.0.0.1:" in line)
    return int(line.rpartition(":")[2])
