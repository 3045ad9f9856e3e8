"""The address of an endpoint string, and whether other machines can reach it."""

import os
import socket
from pathlib import Path
from tempfile import mkdtemp

import trustme
from twisted.internet.endpoints import AdoptedStreamServerEndpoint
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from pushgate.net import endpoint_reach
from pushgate.net.endpoint_reach import listen_address, listen_place


class ReachTests(SynchronousTestCase):
    def setUp(self):
        self.reactor = MemoryReactorClock()

    def assert_local(self, expected, *descriptions):
        """Whether only this machine can reach what each of these says."""
        for description in descriptions:
            with self.subTest(description=description):
                self.assertEqual(listen_address(self.reactor, description).local, expected)
                place = listen_place(description)
                assert place is not None
                self.assertEqual(place.local, expected)
        self.assertEqual(self.reactor.tcpServers, [])

    def test_this_machine_only(self):
        """Loopback addresses of both families however they are written, and UNIX sockets."""
        self.assert_local(
            True,
            "tcp:7215:interface=127.0.0.1",
            "tcp:7215:127.0.0.1",
            "tcp:port=7215:backlog=5:interface=127.9.9.9",
            "tcp:7215:interface=localhost",
            r"tcp:7215:interface=\:\:1",
            r"tcp6:7215:interface=\:\:1",
            "unix:/run/pushgate.sock:mode=660",
            "unix:/run/a\\:b",
        )

    def test_other_machines(self):
        """No interface means all of them."""
        self.assert_local(
            False,
            "tcp:7215",
            "tcp:7215:interface=",
            "tcp:7215:interface=0.0.0.0",
            "tcp:7215:interface=192.0.2.1",
            "tcp:7215:interface=127.0.0.1.example.com",
            "tcp6:7215",
            r"tcp6:7215:interface=\:\:",
        )

    def test_tls_of_the_string(self):
        """`ssl:` is listened on as any TLS is, with what the string says."""
        file = Path(mkdtemp(dir=self.mktemp_dir())) / "server.pem"
        trustme.CA().issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(file))
        local = listen_address(self.reactor, f"ssl:7215:interface=127.0.0.1:privateKey={file}")
        self.assertTrue(local.local)
        self.assertIsNotNone(local.tls)
        everywhere = listen_address(self.reactor, f"ssl:7216:privateKey={file}")
        self.assertFalse(everywhere.local)
        everywhere.endpoint.listen(None)
        [(port, *_)] = self.reactor.tcpServers
        self.assertEqual(port, 7216)

    def test_inherited_sockets(self):
        """A socket that systemd opened is looked at itself."""
        there = {
            ("127.0.0.1", socket.AF_INET): True,
            ("0.0.0.0", socket.AF_INET): False,
            ("::1", socket.AF_INET6): True,
        }
        for (host, family), expected in there.items():
            with self.subTest(host=host), socket.socket(family) as inherited:
                inherited.bind((host, 0))
                self.inherit(inherited)
                self.assertEqual(listen_address(self.reactor, "systemd:domain=INET:index=0").local, expected)
        with socket.socket(socket.AF_UNIX) as inherited:
            inherited.bind(f"{mkdtemp(dir=self.mktemp_dir())}/s")
            self.inherit(inherited)
            self.assertTrue(listen_address(self.reactor, "systemd:domain=UNIX:index=0").local)
        self.assertFalse(
            listen_address(self.reactor, "systemd:domain=UNIX:index=0").local
        )  # it is closed by now

    def inherit(self, inherited):
        """Let the endpoint string stand for this socket."""
        endpoint = AdoptedStreamServerEndpoint(self.reactor, inherited.fileno(), inherited.family)
        plain = endpoint_reach.serverFromString
        self.patch(
            endpoint_reach,
            "serverFromString",
            lambda reactor, text: endpoint if text.startswith("systemd:") else plain(reactor, text),
        )

    def test_nonsense(self):
        """What stands for nothing raises, whichever part of Twisted finds out."""
        for description in ("tcp", "tcp:port", "tcp:7215:mode=1", "tcp6", "ssl:443:privateKey=/nowhere.pem"):
            with self.subTest(description), self.assertRaises((TypeError, ValueError, OSError)):
                listen_address(self.reactor, description)

    def mktemp_dir(self):
        """A directory with a short path: those of sockets are limited."""
        directory = mkdtemp()
        self.addCleanup(lambda: os.system(f"rm -rf {directory}"))
        return directory


class PlaceTests(SynchronousTestCase):
    """The address as the text of an endpoint says it."""

    def clash(self, first, second):
        """Whether two endpoints cannot both be listened on; the order makes no difference."""
        one, two = listen_place(first), listen_place(second)
        assert one is not None
        assert two is not None
        self.assertEqual(one.clashes(two), two.clashes(one))
        return one.clashes(two)

    def test_one_address(self):
        """Two texts may be one address, and one that stands for all of its family overlaps each of them."""
        for first, second in (
            ("tcp:7215:interface=127.0.0.1", "tcp:port=7215:interface=localhost"),
            ("tcp:7215:interface=127.0.0.1", "tcp:7215:127.0.0.1"),
            ("tcp:7215", "tcp:7215:interface=127.0.0.1"),
            ("tcp:7215", "ssl:7215:privateKey=a.pem"),
            (r"tcp6:7215", r"tcp:7215:interface=\:\:1"),
            ("unix:/run/a", "unix:address=/run/a:mode=600"),
        ):
            self.assertTrue(self.clash(first, second), (first, second))

    def test_two_addresses(self):
        """Other ports, other interfaces, other families, and ports of the system's choice."""
        for first, second in (
            ("tcp:7215", "tcp:7216"),
            ("tcp:7215:interface=127.0.0.1", "tcp:7215:interface=127.0.0.2"),
            ("tcp:7215", "tcp6:7215"),
            ("tcp:0", "tcp:0"),
            ("unix:/run/a", "unix:/run/b"),
            ("unix:7215", "tcp:7215"),
        ):
            self.assertFalse(self.clash(first, second), (first, second))

    def test_what_the_text_does_not_say(self):
        """An inherited socket, a port by its name: they show at the start."""
        for description in ("systemd:domain=INET:index=0", "tcp:http", "unix:mode=600"):
            self.assertIsNone(listen_place(description))
