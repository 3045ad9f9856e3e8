"""The throw-away certificates."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from twisted.trial.unittest import SynchronousTestCase

from pushgate.model.errors import CannotStart
from pushgate.simulator.certificates import Certificates


class CertificatesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.certificates = Certificates.in_directory(self.directory)

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted(self.directory.iterdir())}

    def test_files(self) -> None:
        """The authority's, service's and provider's certificates are there, keys for their owner only."""
        self.assertEqual(list(self.files()), ["ca.key", "ca.pem", "client.pem", "server.pem"])
        for name in ("ca.key", "client.pem", "server.pem"):
            self.assertEqual((self.directory / name).stat().st_mode & 0o777, 0o600)
        self.assertIn(b"PRIVATE KEY", self.files()["client.pem"])
        self.assertNotIn(b"PRIVATE KEY", self.files()["ca.pem"])

    def test_reused(self) -> None:
        """Certificates that are good are kept, so that clients need no new ones."""
        before = self.files()
        Certificates.in_directory(self.directory)
        self.assertEqual(self.files(), before)

    def test_made_anew(self) -> None:
        """They are replaced when one is missing, damaged, of another authority, or about to expire."""

        def foreign() -> None:
            other = Certificates.in_directory(Path(self.mktemp()))
            self.certificates.server.write_bytes(other.server.read_bytes())

        damages = {
            "missing": self.certificates.client.unlink,
            "damaged": lambda: self.certificates.ca.write_text("no certificate"),
            "foreign": foreign,
        }
        for name, damage in damages.items():
            with self.subTest(name):
                before = self.files()
                damage()
                Certificates.in_directory(self.directory)
                self.assertNotEqual(self.files()["ca.pem"], before["ca.pem"])
        before = self.files()
        Certificates.in_directory(self.directory, datetime.now(UTC) + timedelta(days=365))
        self.assertNotEqual(self.files()["server.pem"], before["server.pem"])

    def test_hosts(self) -> None:
        """The service's certificate is for this machine, by name and by number."""
        certificate = x509.load_pem_x509_certificate(self.certificates.server.read_bytes())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        self.assertEqual(names.get_values_for_type(x509.DNSName), ["localhost"])
        self.assertIn("127.0.0.1", map(str, names.get_values_for_type(x509.IPAddress)))

    def test_expired(self) -> None:
        """An expired client certificate can be had, beside the good one."""
        path = self.certificates.issue_expired_client()
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        self.assertLess(certificate.not_valid_after_utc, datetime.now(UTC))
        self.assertNotEqual(path, self.certificates.client)

    def test_directory_that_cannot_be(self) -> None:
        """A state directory that cannot be written is one line for the operator."""
        file = Path(self.mktemp())
        file.touch()
        with self.assertRaises(CannotStart) as caught:
            Certificates.in_directory(file / "state")
        self.assertIn("state_dir", caught.exception.faults[0])
