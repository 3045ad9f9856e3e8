"""Files with certificates, keys and authorities: what is read, and what is said of the others."""

import unittest
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509 import load_pem_x509_certificate
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from pushgate.model.errors import CannotStart
from pushgate.net.amqp.connect import Dialer
from pushgate.net.amqp.settings import BrokerTable
from pushgate.net.table_files import TableFiles
from pushgate.net.tls import ServerTls
from pushgate.plugin.settings import ListeningTable
from pushgate.upstreams.common.client_certificate import load
from pushgate.upstreams.common.settings import ClientTlsTable
from tests.certificate_kinds import HAS_OPENSSL, KINDS, REFUSED, make

ROOT = trustme.CA()
BETWEEN = ROOT.create_child_ca()
ISSUED = BETWEEN.issue_cert("localhost")
LEAF, INTERMEDIATE = (each.bytes() for each in ISSUED.cert_chain_pems)
KEY = ISSUED.private_key_pem.bytes()


def upstream(file: Path) -> None:
    """Use it as an app does."""
    load("x", ClientTlsTable(upstream="x", certificate=file, port=1))


def listener(file: Path) -> None:
    """Use it as an input does."""
    ServerTls("apps.x", ListeningTable(type="x", listen="tcp:0", certificate=file))


def broker(file: Path) -> None:
    """Use it as a RabbitMQ input or sink does."""
    Dialer("apps.x", BrokerTable(url="amqps://localhost/", certificate=file), Clock())


@unittest.skipUnless(HAS_OPENSSL, "needs the program openssl")
class TestKinds:
    """Kinds of keys."""

    @pytest.mark.parametrize("use", [upstream, listener, broker])
    @pytest.mark.parametrize("kind", KINDS)
    def test_at_the_start(self, kind: str, use: Any, tmp_path: Path) -> None:
        """What TLS cannot use is refused before anything is opened, in one line with the key and the reason."""
        file = make(tmp_path, kind)
        if kind in REFUSED:
            with pytest.raises(CannotStart) as caught:
                use(file)
            line = f"apps.x.certificate: {file}: TLS cannot use it: {REFUSED[kind]}"
            assert caught.value.faults == [line]
        else:
            use(file)


class RenewalTests(SynchronousTestCase):
    """The certificate of an input is renewed."""

    def setUp(self) -> None:
        self.file = Path(self.mktemp()).absolute()
        self.file.write_bytes(KEY + LEAF + INTERMEDIATE)
        self.tls = ServerTls("inputs.x", ListeningTable(type="x", listen="tcp:0", certificate=self.file))
        self.before = self.tls._options

    @unittest.skipUnless(HAS_OPENSSL, "needs the program openssl")
    def test_by_one_that_cannot_be_used(self) -> None:
        """The one before stays in use, and the log says once why; a reload is refused with the same reason."""
        self.file.write_bytes(make(Path(self.mktemp()), "rsa-1024").read_bytes())
        line = f"inputs.x.certificate: {self.file}: TLS cannot use it: ee key too small"
        error = self.assertRaises(CannotStart, self.tls.read_files)
        self.assertEqual(error.faults, [line])
        with capturedLogs() as events:
            for _ in range(2):
                self.assertRaises(AttributeError, self.tls.serverConnectionForTLS, None)
        self.assertEqual(
            [formatEvent(event) for event in events], [f"{line}; the last good one stays in use"]
        )
        self.assertIs(self.tls._options, self.before)

    def test_at_a_reload(self) -> None:
        """Nothing is used before the reload as a whole is done."""
        self.file.write_bytes(trustme.CA().issue_cert("localhost").private_key_and_cert_chain_pem.bytes())
        use = self.tls.read_files()
        self.assertIs(self.tls._options, self.before)
        use()
        self.assertIsNot(self.tls._options, self.before)


class FormatTests(SynchronousTestCase):
    """What files hold."""

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()
        self.files = TableFiles("apps.x")

    def file(self, content: bytes, name: str = "file") -> Path:
        path = self.directory / name
        path.write_bytes(content)
        return path

    def why(self, content: bytes, key: bytes | None = None, **options: Any) -> str:
        """The one fault of a certificate's file, or of its key's."""
        private_key = None if key is None else self.file(key, "key")
        self.files.faults.clear()
        self.assertIsNone(self.files.identity(self.file(content, **options), private_key))
        [fault] = self.files.faults
        return fault.partition(": ")[2].partition(": ")[2]

    def test_the_order_of_a_chain(self) -> None:
        """An intermediate before the leaf, or a root among them: the leaf is the one of the key."""
        root = ROOT.cert_pem.bytes()
        for content in (LEAF + INTERMEDIATE + root, INTERMEDIATE + LEAF + root, root + INTERMEDIATE + LEAF):
            found = self.files.identity(self.file(content), self.file(KEY, "key"))
            assert found is not None
            pems = [each.public_bytes(Encoding.PEM) for each in (found.leaf, *found.chain)]
            self.assertEqual(pems, [LEAF, INTERMEDIATE, root])

    def test_a_byte_order_mark(self) -> None:
        """That of UTF-8 is read as if it were not there."""
        bom = b"\xef\xbb\xbf"
        self.assertIsNotNone(self.files.identity(self.file(bom + LEAF), self.file(bom + KEY, "key")))
        self.assertEqual(len(self.files.certificates("trust", self.file(bom + ROOT.cert_pem.bytes()))), 1)

    def test_what_is_no_pem(self) -> None:
        """It is said what the file is instead, as far as that can be seen."""
        leaf = load_pem_x509_certificate(LEAF)
        secret = load_pem_private_key(KEY, None)
        bundle = serialize_key_and_certificates(None, secret, leaf, None, NoEncryption())  # type: ignore[arg-type]  # a key that TLS can use
        der = leaf.public_bytes(Encoding.DER)
        key = secret.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        for content, what in (
            (b"", ": it is empty"),
            (b"\n", ": it is empty"),
            (b"hello", ""),
            (der, ": it is a certificate in DER; `openssl x509 -inform der` makes PEM of it"),
            (key, ": it is a private key in DER; `openssl pkey -inform der` makes PEM of it"),
            (bundle, ": it is PKCS #12"),
            (LEAF.decode().encode("utf-16"), ": text in UTF-16; must be ASCII or UTF-8"),
            (KEY, ": it holds RSA PRIVATE KEY" if b"RSA" in KEY else ": it holds EC PRIVATE KEY"),
        ):
            self.assertEqual(self.why(content), f"no certificate in PEM{what}")
        self.assertEqual(self.why(LEAF, LEAF), "no private key in PEM: it holds CERTIFICATE")
        self.assertIn("in DER; `openssl pkey", self.why(LEAF, key))
        self.assertEqual(self.why(LEAF, KEY.decode().encode("utf-16-be")), "no private key in PEM")

    def test_one_damaged_certificate(self) -> None:
        """Of several the damaged one is named by its place, cut off or changed in the middle."""
        lines = LEAF.splitlines(keepends=True)
        damaged = b"".join([*lines[:3], b"!!!!\n", *lines[4:]])
        for broken in (damaged, b"".join(lines[:-2]), b"".join(lines[:3]) + lines[-1]):
            self.assertEqual(self.why(INTERMEDIATE + broken), "certificate 2 of 2 is damaged")
            self.assertEqual(self.why(broken + INTERMEDIATE), "certificate 1 of 2 is damaged")
            self.assertEqual(self.why(broken), "the certificate is damaged")

    def test_private_keys(self) -> None:
        """A key that needs a password, one with a wrong password, one that is damaged."""
        secret = load_pem_private_key(KEY, None)
        locked = secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word"))
        self.assertEqual(self.why(LEAF, locked), "a private key with a password, and none is given")
        lines = KEY.splitlines(keepends=True)
        self.assertIn("it is damaged", self.why(LEAF, b"".join([*lines[:2], *lines[3:]])))
        for given, fault in (
            (b"word\n", None),
            (b" word \n", None),
            (b"\xef\xbb\xbfword", None),
            (b"sword", "the password is wrong, or it is damaged"),
        ):
            self.files.faults.clear()
            paths = [self.file(locked, "key"), self.file(given, "password")]
            found = self.files.identity(self.file(LEAF), *paths)
            self.assertEqual(found is None, fault is not None)
            self.assertEqual([fault in line for line in self.files.faults if fault], [True] * bool(fault))
        self.files.faults.clear()
        self.files.identity(self.file(LEAF), self.file(KEY, "key"), self.file(b"word", "password"))
        self.assertIn("a private key without a password", self.files.faults[0])

    def test_bundles(self) -> None:
        """PKCS #12 by its suffix in any case; its password in UTF-8 or Latin-1."""
        leaf, secret = load_pem_x509_certificate(LEAF), load_pem_private_key(KEY, None)
        chain = [load_pem_x509_certificate(INTERMEDIATE)]
        word = "grüße"

        def bundle(password: bytes) -> bytes:
            return serialize_key_and_certificates(
                None, secret, leaf, chain, BestAvailableEncryption(password)  # type: ignore[arg-type]  # a key that TLS can use
            )  # fmt: skip

        for name in ("a.p12", "a.pfx", "a.P12", "a.PFX"):
            for password in (word.encode(), word.encode("latin-1")):
                path = self.file(bundle(word.encode()), name)
                found = self.files.identity(path, None, self.file(password + b"\n", "password"))
                assert found is not None, self.files.faults
                self.assertEqual((found.leaf, found.chain), (leaf, chain))
        wrong = self.why(bundle(b"word"), name="a.P12")
        self.assertEqual(wrong, "PKCS #12 that cannot be opened: it needs a password_file, or it is damaged")
        self.assertEqual(self.why(b"no", name="a.p12"), "not PKCS #12")
        self.assertEqual(self.why(LEAF, name="a.p12"), "not PKCS #12: it holds CERTIFICATE")

    def test_all_at_once(self) -> None:
        """Every file of a table that cannot be used has its line."""
        none = {key: self.directory / key for key in ("certificate", "private_key", "password_file", "trust")}
        self.assert_faults("apps.x", none, lambda: load("x", ClientTlsTable(upstream="x", port=1, **none)))
        for key in ("password_file", "trust"):
            del none[key]
        none["client_authorities"] = self.directory / "client_authorities"
        table = ListeningTable(type="x", listen="tcp:0", **none)
        self.assert_faults("inputs.x", none, lambda: ServerTls("inputs.x", table))

    def assert_faults(self, where: str, missing: dict[str, Path], use: Callable[[], object]) -> None:
        """Check that each file is named, with its key."""
        with pytest.raises(CannotStart) as caught:
            use()
        lines = {f"{where}.{key}: {path}: No such file or directory" for key, path in missing.items()}
        self.assertEqual(set(caught.value.faults), lines)
        self.assertEqual(len(caught.value.faults), len(lines))
