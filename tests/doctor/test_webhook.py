"""What the doctor says of a webhook's receiver, which is asked nothing."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL.crypto import X509, PKey
from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ServerEndpoint, wrapServerTLS
from twisted.internet.ssl import CertificateOptions
from twisted.trial.unittest import TestCase

from pushgate.model.finding import Finding
from pushgate.plugin.checks import guarded
from pushgate.plugins.builtin import webhook
from tests.doctor.test_network import Sayer
from tests.doctor_rig import amiss, examination
from tests.doctor_samples import NOW


class WebhookTests(TestCase):
    timeout = 60

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()
        self.authority = trustme.CA()
        self.authority.cert_pem.write_to_path(str(self.directory / "ca.pem"))
        self.secret = self.directory / "secret"
        self.secret.write_text("a secret of twenty bytes\n")
        self.secret.chmod(0o600)

    async def receiver(self, name: str = "localhost", **dates: Any) -> int:
        """Listens with TLS; returns its port."""
        issued = self.authority.issue_cert(name, **dates)
        pem = issued.cert_chain_pems[0].bytes()
        key = PKey.from_cryptography_key(load_pem_private_key(issued.private_key_pem.bytes(), None))
        options = CertificateOptions(key, X509.from_cryptography(x509.load_pem_x509_certificate(pem)))
        return await self.listen(lambda endpoint: wrapServerTLS(options, endpoint))

    async def listen(self, wrap: Any = lambda endpoint: endpoint) -> int:
        self.served = Sayer(b"")
        port = await wrap(TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")).listen(self.served)
        self.addCleanup(port.stopListening)
        number: int = port.getHost().port
        return number

    async def found(self, url: str, offline: bool = False, **keys: Any) -> list[Finding]:
        given = {"secret_file": self.secret, "trust": self.directory / "ca.pem", "allow_private": True} | keys
        table = webhook.config.model_validate({"type": "webhook", "url": url, **given})
        surroundings = examination(offline=offline)
        findings = webhook.diagnose("backend", table, surroundings)
        return [each async for each in guarded(findings, surroundings)]

    async def test_a_receiver(self) -> None:
        """Its name, TCP and TLS are looked at, with the chain; nothing is posted, so it hears nothing."""
        port = await self.receiver()
        found = await self.found(f"https://localhost:{port}/hook?with=secret")
        self.assertEqual([each.check for each in found], ["secret", "trust", "name", "tcp", "tls"])
        self.assertEqual(amiss(found), frozenset())
        self.assertNotIn("with=secret", str(found))

    async def test_who_it_is_not(self) -> None:
        """An authority that is not trusted, another name, an old certificate: each is told from the others."""
        port = await self.receiver()
        trustme.CA().cert_pem.write_to_path(str(self.directory / "other.pem"))
        found = await self.found(f"https://localhost:{port}/", trust=self.directory / "other.pem")
        self.assertEqual(len(amiss(found) & {"server-root", "server-issuer"}), 1)
        port = await self.receiver("other.example.com")
        self.assertEqual(amiss(await self.found(f"https://localhost:{port}/")), {"server-name"})
        old = {"not_before": NOW - timedelta(days=9), "not_after": NOW - timedelta(days=2)}
        port = await self.receiver(**old)
        self.assertEqual(amiss(await self.found(f"https://localhost:{port}/")), {"server-dates"})

    async def test_what_is_no_receiver(self) -> None:
        """Nothing that listens, something without TLS, and a receiver in a network that records may not go to."""
        self.assertEqual(amiss(await self.found("https://localhost:1/")), {"tcp-refused"})
        port = await self.listen()
        self.served.words = b"HTTP/1.1 400 Bad Request\r\n\r\n"
        self.assertEqual(amiss(await self.found(f"https://localhost:{port}/")), {"tls-not-spoken"})
        found = await self.found(f"https://localhost:{port}/", allow_private=False)
        self.assertEqual(amiss(found), {"address-not-allowed"})
        self.assertIn("allow_private = true", found[-1].advice)

    async def test_without_tls(self) -> None:
        """Plain HTTP to a private network is TCP and no more."""
        port = await self.listen()
        found = await self.found(f"http://localhost:{port}/")
        self.assertEqual([each.check for each in found], ["secret", "trust", "name", "tcp"])
        self.assertEqual(amiss(found), frozenset())

    async def test_files(self) -> None:
        """A secret that is too short, or authorities that are none, are found without the network."""
        self.secret.write_text("short")
        (self.directory / "ca.pem").write_text("none")
        found = await self.found("https://localhost:1/", offline=True)
        self.assertEqual(amiss(found), {"secret-form", "trust-form"})
        self.assertNotIn("short\n", str(found))
        self.secret.unlink()
        self.assertIn("file-missing", amiss(await self.found("https://localhost:1/", offline=True)))
