"""Clients of Apple's provider API from the registries, unmodified, over real TLS."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import trustme
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from msgspec.structs import replace
from twisted.internet import reactor
from twisted.internet.utils import getProcessOutputAndValue
from twisted.trial.unittest import TestCase

from pushgate.inputs.apns_http2.settings import ApnsHTTP2InputTable
from pushgate.model.batch_slice import BatchSlice
from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from pushgate.model.outcome import State
from pushgate.plugins.builtin import apns_http2_input as factory
from pushgate.testing import RecordingGateway, outcome
from tests.apns_http2_input_rig import KEY_ID, TEAM
from tests.input_rig import context
from tests.javascript_rig import NODE, SCRIPTS

HERE = Path(__file__).parents[2]
GOOD, DEAD, BAD = "ab" * 32, "de" * 32, "nohex"
SINCE = 1_700_000_000
CROWD = 300


class SettlingGateway(RecordingGateway):
    """A gateway that reports an outcome for each notification: tokens of `DEAD` are dead."""

    def submit(self, submission: Any, input_name: str, settled: Any = None) -> Any:
        receipt = super().submit(submission, input_name, settled)
        if settled is not None:
            reactor.callLater(0, self._settle, submission, len(self.submissions))
        return receipt

    def _settle(self, submission: Any, order: int) -> None:
        tokens = list(submission.tokens)
        for index, token in enumerate(tokens):
            state = State.SUPPRESSED if token.hex() == DEAD else State.ACCEPTED
            whole = outcome(state, tokens=tokens, order=order)
            self.settle(replace(whole, span=BatchSlice(whole.span.batch, index, index + 1)))


class ClientTests(TestCase):
    """Each request gets the answer that Apple would give."""

    timeout = 80

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.directory / "ca.pem"))
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(
            str(self.directory / "server.pem")
        )
        self.make_key()
        self.gateway = SettlingGateway("news", max_payload=4096)
        entry = DeadTokenEntry(bytes.fromhex(DEAD), SINCE, DeadReason.FEEDBACK)
        self.gateway.dead["news"][entry.token] = entry

    def make_key(self) -> None:
        """A provider's key, as Apple gives it, and the public half for the input."""
        key = ec.generate_private_key(ec.SECP256R1())
        self.key = self.directory / f"AuthKey_{KEY_ID}.p8"
        self.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        keys = self.directory / "keys"
        keys.mkdir()
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (keys / f"{KEY_ID}.pem").write_bytes(public)

    async def start(self, answer: str) -> None:
        """The input."""
        table = ApnsHTTP2InputTable(
            type="apns-http2",
            listen="tcp:0:interface=127.0.0.1",
            certificate=self.directory / "server.pem",
            provider_keys=self.directory / "keys",
            topics={"com.example.news": "news"},
            answer=answer,
        )
        self.input = factory.input("apple", table, self.gateway, context(reactor))
        await self.input.start()
        self.addCleanup(self.input.stop)

    async def told(self, *command: str, pushes: list[tuple[str, str, str]]) -> list[Any]:
        """Status and reason of the answer to one push: token, topic and alert."""
        task = {
            "host": "localhost",
            "port": int(self.input.addresses()[0].rpartition(":")[2]),
            "ca": str(self.directory / "ca.pem"),
            "key": str(self.key),
            "key_id": KEY_ID,
            "team": TEAM,
            "topic": "com.example.news",
            "pushes": [{"token": token, "topic": topic, "alert": alert} for token, topic, alert in pushes],
        }
        program, *arguments = command
        file = self.directory / "task.json"
        file.write_text(json.dumps(task))
        env = {"PATH": "/usr/bin:/bin", "NODE_EXTRA_CA_CERTS": task["ca"], "PYTHONPATH": ":".join(sys.path)}
        out, errors, status = await getProcessOutputAndValue(program, [*arguments, str(file)], env)
        assert status == 0, errors.decode()
        return [tuple(each.values()) for each in json.loads(out)]

    async def check(self, *command: str) -> None:
        """Good, malformed, too large and of another topic, when requests are answered at once."""
        await self.start("accepted")
        told = await self.told(
            *command,
            pushes=[
                (GOOD, "com.example.news", "Hi"),
                (BAD, "com.example.news", "Hi"),
                (GOOD, "com.example.news", "x" * 4096),
                (GOOD, "com.example.other", "Hi"),
            ],
        )
        self.assertEqual(
            [each[:2] for each in told],
            [(200, ""), (400, "BadDeviceToken"), (413, "PayloadTooLarge"), (400, "TopicDisallowed")],
        )
        self.assertEqual(sum(len(each.tokens) for each in self.gateway.submissions), 1)

    async def check_outcomes(self, *command: str) -> None:
        """Good and dead, when requests are answered with what becomes of them."""
        await self.start("outcome")
        pushes = [(token, "com.example.news", "Hi") for token in (GOOD, DEAD)]
        good, dead = await self.told(*command, pushes=pushes)
        self.assertEqual(good[:2], (200, ""))
        self.assertEqual(dead, (410, "Unregistered", SINCE * 1000))

    async def test_node_apn(self) -> None:
        """@parse/node-apn."""
        await self.check(str(NODE), str(SCRIPTS / "node_apn.js"))

    async def test_outcomes_for_node_apn(self) -> None:
        """@parse/node-apn, with outcomes."""
        await self.check_outcomes(str(NODE), str(SCRIPTS / "node_apn.js"))

    async def test_apns2(self) -> None:
        """The apns2 of npm."""
        await self.check(str(NODE), str(SCRIPTS / "apns2.js"))

    async def test_outcomes_for_apns2(self) -> None:
        """The apns2 of npm, with outcomes."""
        await self.check_outcomes(str(NODE), str(SCRIPTS / "apns2.js"))

    async def test_aioapns(self) -> None:
        """Of PyPI: without ALPN, and with `host` for `:authority`."""
        await self.check(sys.executable, str(HERE / "modern_program.py"))

    async def test_outcomes_for_aioapns(self) -> None:
        """aioapns, with outcomes."""
        await self.check_outcomes(sys.executable, str(HERE / "modern_program.py"))

    async def test_thousands_of_errors_for_aioapns(self) -> None:
        """It never opens its window again, and gets every answer all the same."""
        await self.start("accepted")
        pushes = [(BAD, "com.example.news", "Hi")] * 2600
        told = await self.told(sys.executable, str(HERE / "modern_program.py"), pushes=pushes)
        self.assertEqual({each[:2] for each in told}, {(400, "BadDeviceToken")})

    async def test_a_crowd(self) -> None:
        """Hundreds of requests of each at once, and none is lost."""
        await self.start("outcome")
        began = time.monotonic()
        for command in (
            [str(NODE), str(SCRIPTS / "node_apn.js")],
            [str(NODE), str(SCRIPTS / "apns2.js")],
            [sys.executable, str(HERE / "modern_program.py")],
        ):
            pushes = [(f"{number:064x}", "com.example.news", "Hi") for number in range(CROWD)]
            told = await self.told(*command, pushes=pushes)
            self.assertEqual({each[:2] for each in told}, {(200, "")})
            self.assertEqual(len(told), CROWD)
        self.assertLess(time.monotonic() - began, 70)
        tokens = [token for each in self.gateway.submissions for token in each.tokens]
        self.assertEqual(len(tokens), 3 * CROWD)
