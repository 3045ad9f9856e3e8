"""The APNs HTTP/2 input as a whole, over real TLS."""

import socket
import ssl
from pathlib import Path
from typing import Any

import h2.connection
import h2.events
import httpx
import trustme
from twisted.internet import reactor
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from pushgate.inputs.apns_http2.settings import ApnsHTTP2InputTable
from pushgate.model.errors import CannotStart, ShuttingDown
from pushgate.plugin.factory_interfaces import IInputFactory
from pushgate.plugin.input_interface import IInput
from pushgate.plugin.optional_interfaces import IReadsFiles
from pushgate.plugins.builtin import apns_http2_input as factory
from pushgate.testing import RecordingGateway
from tests.apns_http2_input_rig import Signer
from tests.input_rig import context
from tests.samples import PAYLOAD, TOKEN

PATH = f"/3/device/{TOKEN.hex()}"


class InputTests(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()
        self.authority = trustme.CA()
        self.authority.cert_pem.write_to_path(str(self.directory / "ca.pem"))
        self.certificate("server", "localhost")
        self.gateway = RecordingGateway("news")

    def certificate(self, file: str, name: str) -> str:
        """The path of a new certificate with its key."""
        path = self.directory / f"{file}.pem"
        issued = self.authority.issue_cert(name)
        issued.private_key_and_cert_chain_pem.write_to_path(str(path))
        return str(path)

    async def start(self, **options: Any) -> int:
        """An input; returns its port."""
        options = {
            "listen": "tcp:0:interface=127.0.0.1",
            "certificate": self.directory / "server.pem",
            "app": "news",
            "answer": "accepted",
            **options,
        }
        table = ApnsHTTP2InputTable(type="apns-http2", **options)
        self.input = factory.input("apple", table, self.gateway, context(reactor))
        await self.input.start()
        self.addCleanup(self.input.stop)
        return int(self.input.addresses()[0].rpartition(":")[2])

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.directory / "ca.pem"))

    async def post(self, port: int, http2: bool = True, **headers: str) -> httpx.Response:
        """One push with httpx."""

        def ask() -> httpx.Response:
            with httpx.Client(http2=http2, verify=self.trust(), timeout=30) as client:
                return client.post(f"https://localhost:{port}{PATH}", content=PAYLOAD, headers=headers)

        response: httpx.Response = await deferToThread(ask)
        return response

    async def test_interfaces(self) -> None:
        """The input and its factory are what the gateway and the registry expect."""
        await self.start()
        verifyObject(IInputFactory, factory)
        verifyObject(IInput, self.input)
        verifyObject(IReadsFiles, self.input)
        self.assertEqual(self.input.addresses()[0][:14], "ssl 127.0.0.1:")

    async def test_over_tls(self) -> None:
        """A push with httpx, by ALPN; HTTP/1.1 is refused."""
        port = await self.start()
        response = await self.post(port)
        self.assertEqual((response.status_code, response.http_version), (200, "HTTP/2"))
        old = await self.post(port, http2=False)
        self.assertEqual((old.status_code, old.http_version), (505, "HTTP/1.1"))
        self.assertEqual(old.json(), {"reason": "HTTP2Required"})
        self.assertEqual(len(self.gateway.submissions), 1)

    async def test_without_alpn(self) -> None:
        """HTTP/2 is recognised by how it begins."""
        port = await self.start()

        def ask() -> list[Any]:
            with self.trust().wrap_socket(
                socket.create_connection(("localhost", port)), server_hostname="localhost"
            ) as peer:
                client = h2.connection.H2Connection()
                client.initiate_connection()
                fields = [(":method", "POST"), (":scheme", "https"), (":path", PATH), ("host", "localhost")]
                client.send_headers(1, fields)
                client.send_data(1, PAYLOAD, end_stream=True)
                peer.sendall(client.data_to_send())
                found: list[Any] = []
                while not any(isinstance(event, h2.events.StreamEnded) for event in found):
                    found += client.receive_data(peer.recv(65536))
                return found

        events = await deferToThread(ask)
        [head] = [event for event in events if isinstance(event, h2.events.ResponseReceived)]
        self.assertEqual(dict(head.headers)[b":status"], b"200")

    async def test_renewed_keys(self) -> None:
        """A reload takes up the provider keys, and refuses them when one is bad."""
        keys = self.directory / "keys"
        Signer(keys)
        port = await self.start(provider_keys=keys)
        signer = Signer(keys, "OTHER12345")
        self.assertEqual((await self.post(port)).json(), {"reason": "MissingProviderToken"})
        self.input.read_files()()
        self.assertEqual((await self.post(port, authorization=signer.bearer())).status_code, 200)
        (keys / "BAD.pem").write_text("no key")
        with self.assertRaisesRegex(CannotStart, r"BAD\.pem"):
            self.input.read_files()

    async def test_all_files_at_once(self) -> None:
        """A certificate and provider keys that are not there are named by one start."""
        missing = self.directory / "missing"
        with self.assertRaises(CannotStart) as raised:
            await self.start(certificate=missing, provider_keys=missing)
        keys = [fault.partition(":")[0].rpartition(".")[2] for fault in raised.exception.faults]
        self.assertEqual(keys, ["certificate", "provider_keys"])

    async def test_where_it_must_not_listen(self) -> None:
        """Elsewhere than on loopback it needs TLS, and principals or provider keys."""
        with self.assertRaisesRegex(CannotStart, "principals: missing"):
            await self.start(listen="tcp:0")
        Signer(self.directory / "keys")
        with self.assertRaisesRegex(CannotStart, "certificate: missing"):
            await self.start(listen="tcp:0", certificate=None, provider_keys=self.directory / "keys")
        await self.start(listen="tcp:0", provider_keys=self.directory / "keys")

    async def test_it_leaves_its_port(self) -> None:
        """As soon as the gateway shuts down, so that clients go elsewhere."""
        port = await self.start()
        self.gateway.error = ShuttingDown()
        response = await self.post(port)
        self.assertEqual((response.status_code, response.json()), (503, {"reason": "Shutdown"}))
        with self.assertRaises(httpx.ConnectError):
            await self.post(port)

    async def test_files(self) -> None:
        """The directory of the keys is one of the files that a reload looks at."""
        table = ApnsHTTP2InputTable(type="apns-http2", app="news", provider_keys=self.directory)
        self.assertEqual(table.files(), {"provider_keys": self.directory})
