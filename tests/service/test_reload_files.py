"""A reload reads every file that the configuration names, in a gateway of its own over real sockets."""

import time
from pathlib import Path

import trustme
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from pushgate.client import Client, connect
from pushgate.model.errors import CannotStart, Forbidden
from pushgate.model.secret_hash import SecretHash
from pushgate.protocols.webhook_signature import verify
from pushgate.simulator.certificates import Certificates
from tests.process import ProcessTestCase
from tests.sinks.webhook.receiver import Receiver

CONFIG = """
[gateway]
state_dir = "memory"
[apps.demo]
upstream = "simulator"
response_timeout = "200ms"
[apps.news]
upstream = "apns-stream"
certificate = "{d}/client.pem"
trust = "{d}/ca.pem"
host = "localhost"
port = 1
feedback = false
[inputs.amp]
type = "amp"
listen = "tcp:0:interface=127.0.0.1"
[inputs.http]
type = "http"
listen = "tcp:0:interface=127.0.0.1"
certificate = "{d}/gate.pem"
client_authorities = "{d}/authorities.pem"
[inputs.line]
type = "line"
listen = "tcp:0:interface=127.0.0.1"
certificate = "{d}/gate.pem"
[inputs.apns]
type = "apns"
listen = "tcp:0:interface=127.0.0.1"
feedback = false
app = "demo"
certificate = "{d}/gate.pem"
[sinks.hook]
type = "webhook"
url = "http://127.0.0.1:{port}/"
secret_file = "{d}/hook.secret"
trust = "{d}/hook-ca.pem"
allow_private = true
[principals.shop]
secret_file = "{d}/shop.hash"
operations = ["push", "read", "admin"]
"""
OLD, NEW = b"an old secret of the webhook", b"a new secret of the webhook"
UNCHANGED: list[str] = []


class ReloadTests(ProcessTestCase):
    """Everything that a configuration names, renewed in place."""

    async def test_every_file(self) -> None:
        """Each renewed file has its line and is used; one that cannot be used refuses the whole reload."""
        receiver = await Receiver().start(None)
        self.addCleanup(lambda: Deferred.fromCoroutine(receiver.stop()))
        d = self.folder()
        process = self.twistd("pushgate", "--config", self.config(CONFIG.format(d=d, port=receiver.port)))
        where = f"tcp:{await process.address('amp')}"
        async with connect(reactor, where, login=("shop", b"first")) as client:
            self.assertEqual(await client.reload(), UNCHANGED)
            (d / "hook.secret").write_bytes(NEW)
            self.assertEqual(await client.reload(), ["sinks.hook.secret_file: the file was renewed"])
            await client.push("demo", "0a1b", {"aps": {}})
            await process.until(lambda: receiver.got, "a record came")
            [got] = receiver.got
            self.assertTrue(verify(NEW, *got.signed, got.body, time.time()))
            gate = trustme.CA().issue_cert("localhost").private_key_and_cert_chain_pem.bytes()
            (d / "gate.pem").write_bytes(gate)
            for name in ("ca.pem", "authorities.pem", "hook-ca.pem"):
                (d / name).write_bytes(trustme.CA().cert_pem.bytes())
            lines = await client.reload()
            keys = [
                "apps.news.trust", "inputs.http.certificate", "inputs.http.client_authorities",
                "inputs.line.certificate", "inputs.apns.certificate", "sinks.hook.trust",
            ]  # fmt: skip
            self.assertEqual(lines, [f"{key}: the file was renewed" for key in keys])
            await self.refused(client, d)
            (d / "shop.hash").write_text(hashed(b"second"))
            self.assertEqual(await client.reload(), ["principals.shop.secret_file: the file was renewed"])
            await self.assertFailure(client.reload(), Forbidden)
        async with connect(reactor, where, login=("shop", b"second")) as client:
            self.assertEqual(await client.reload(), UNCHANGED)

    async def refused(self, client: Client, d: Path) -> None:
        """Break every file; a reload names each with its reason, and what is good beside them waits."""
        names = ("gate.pem", "client.pem", "hook.secret", "shop.hash")
        before = {name: (d / name).read_bytes() for name in names}
        for name in names:
            (d / name).write_bytes(b"")
        (d / "hook-ca.pem").unlink()
        error = await self.assertFailure(client.reload(), CannotStart)
        keys = [fault.partition(":")[0] for fault in error.faults]
        self.assertEqual(
            sorted(keys),
            sorted([
                "principals.shop.secret_file", "apps.news.certificate", "inputs.http.certificate",
                "inputs.line.certificate", "inputs.apns.certificate", "sinks.hook.secret_file", "sinks.hook.trust",
            ]),
        )  # fmt: skip
        self.assertIn(f"sinks.hook.trust: {d}/hook-ca.pem: No such file or directory", error.faults)
        for name, content in before.items():
            (d / name).write_bytes(content)
        (d / "hook-ca.pem").write_bytes(trustme.CA().cert_pem.bytes())
        self.assertEqual(await client.reload(), ["sinks.hook.trust: the file was renewed"])

    def folder(self) -> Path:
        """A directory with all that the configuration names."""
        d = self.directory.with_suffix(".d")
        d.mkdir()
        files = Certificates.in_directory(d / "made")
        (d / "client.pem").write_bytes(files.client.read_bytes())
        (d / "ca.pem").write_bytes(files.ca.read_bytes())
        issued = trustme.CA().issue_cert("localhost")
        (d / "gate.pem").write_bytes(issued.private_key_and_cert_chain_pem.bytes())
        for name in ("authorities.pem", "hook-ca.pem"):
            (d / name).write_bytes(trustme.CA().cert_pem.bytes())
        (d / "hook.secret").write_bytes(OLD)
        (d / "shop.hash").write_text(hashed(b"first"))
        return d


def hashed(secret: bytes) -> str:
    """A line of a file of secrets."""
    return f"{SecretHash.of(secret, b'salt' * 4)}\n"
