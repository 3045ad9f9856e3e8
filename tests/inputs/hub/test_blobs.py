"""Containers over REST: files are put, listed and got under signed addresses."""

import re
from pathlib import Path
from typing import ClassVar

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from twisted.internet.defer import Deferred

from pushgate.hub.jobs.containers import Containers
from pushgate.model.errors import Refusal
from pushgate.protocols.notification_hubs.blob_signature import READ, Grant, Place, query
from tests.hub_files_rig import HubFilesTestCase


class BlobTests(HubFilesTestCase):
    """A container that was made for a job."""

    options: ClassVar[dict[str, object]] = {"max_blob": 1000}

    def setUp(self):
        super().setUp()
        self.address = self.make()
        self.container = self.address.partition("/blobs/")[2].partition("?")[0]

    def put(self, *segments, data=b"data"):
        """The answer to a file that is put."""
        return self.open("PUT", self.target(self.address, *segments), data, x_ms_blob_type="BlockBlob")

    def get(self, *segments, **headers):
        """The answer to a request for a file."""
        return self.open("GET", self.target(self.address, *segments), **headers)

    def names(self, query=""):
        """The names in the list."""
        answer = self.open("GET", self.target(self.address) + "&restype=container&comp=list" + query)
        self.assertEqual(answer.status, 200, answer.body)
        return re.findall("<Name>(.*?)</Name>", answer.body.decode()), answer.body

    def test_put_list_and_get(self):
        """What was put comes back, with an ETag that both answers and the list agree about."""
        put = self.put("import.txt")
        self.assertEqual(put.status, 201, put.body)
        got = self.get("import.txt")
        self.assertEqual((got.status, got.body), (200, b"data"))
        self.assertEqual(got.headers["content-length"], "4")
        self.assertEqual(got.headers["etag"], put.headers["etag"])
        names, listed = self.names()
        self.assertEqual(names, ["import.txt"])
        self.assertIn(f"<Etag>{put.headers['etag']}</Etag>".replace('"', "&quot;").encode(), listed)
        head = self.open("HEAD", self.target(self.address, "import.txt"))
        self.assertEqual((head.status, head.headers["content-length"], head.body), (200, "4", b""))

    def test_a_later_file_takes_the_place(self):
        """Whole, with another ETag."""
        before = self.put("a/b.txt").headers["etag"]
        self.assertNotEqual(self.put("a/b.txt", data=b"other data").headers["etag"], before)
        self.assertEqual(self.get("a", "b.txt").body, b"other data")

    def test_lists_in_pages(self):
        """By prefix, and from where the last page ended."""
        for name in ("a1", "a2", "a3", "b/c"):
            self.put(name)
        self.assertEqual(self.names()[0], ["a1", "a2", "a3", "b/c"])
        self.assertEqual(self.names("&prefix=a&marker=a1")[0], ["a2", "a3"])
        names, listed = self.names("&maxresults=2")
        self.assertEqual(names, ["a1", "a2"])
        self.assertIn(b"<NextMarker>a2</NextMarker>", listed)
        self.assertIn(b"<NextMarker></NextMarker>", self.names("&maxresults=2&marker=a2")[1])

    def test_ranges(self):
        """A part of a file, from the start or from the end; in Azure's header too."""
        self.put("f", data=b"0123456789")
        for text, body, said in (
            ("bytes=2-4", b"234", "bytes 2-4/10"),
            ("bytes=7-", b"789", "bytes 7-9/10"),
            ("bytes=-3", b"789", "bytes 7-9/10"),
            ("bytes=8-99", b"89", "bytes 8-9/10"),
        ):
            for name in ("range", "x_ms_range"):
                answer = self.get("f", **{name: text})
                self.assertEqual((answer.status, answer.body), (206, body))
                self.assertEqual(answer.headers["content-range"], said)
        for text in ("bytes=0-", "bytes=-", "lines=1-2", "bytes=1-2,4-5"):
            answer = self.get("f", range=text)
            self.assertEqual((answer.status, answer.body), (200, b"0123456789"))
        self.refusal(self.get("f", range="bytes=10-"), 416)
        self.put("empty", data=b"")
        self.assertEqual(self.get("empty").body, b"")

    def test_large_files_go_in_pieces(self):
        """A reader that pauses is not written to; what is on disk is read as it is taken."""
        data = bytes(range(256)) * 4000
        (self.directory / "main" / self.container / "large").write_bytes(data)
        self.write("GET", self.target(self.address, "large"), authorization=None)
        producer = self.connection.transport.producer
        producer.pauseProducing()
        for _ in range(50):
            self.clock.advance(0)
        self.assertLess(len(self.connection.transport.value()), 300_000)
        producer.resumeProducing()
        for _ in range(50):
            self.clock.advance(0)
        [answer] = self.answers()
        self.assertEqual(answer.body, data)

    def test_what_is_too_large(self):
        """It is refused before it is read, or in the middle; nothing of it is left."""
        self.refusal(self.put("f", data=b"x" * 1001), 413)
        self.connection = self.connect()
        target = self.target(self.address, "f")
        head = f"PUT {target} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        self.connection.dataReceived(head.encode() + b"258\r\n" + b"x" * 600 + b"\r\n")
        self.connection.dataReceived(b"258\r\n" + b"x" * 600 + b"\r\n0\r\n\r\n")
        [answer] = self.answers()
        self.refusal(answer, 413)
        self.assertEqual(list((self.directory / "main" / self.container).iterdir()), [])

    def test_a_put_that_breaks_off(self):
        """The file that was there stays as it was."""
        self.put("f", data=b"whole")
        head = (
            f"PUT {self.target(self.address, 'f')} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
        )
        self.connection.dataReceived(head.encode() + b"part")
        self.connection.connectionLost()
        self.connection = self.connect()
        self.assertEqual(self.get("f").body, b"whole")
        self.assertEqual(self.names()[0], ["f"])

    def test_a_slow_disk(self):
        """Nothing else waits for it; what is put is answered once it is safe, and is there then."""
        waiting = []

        def later(what, *arguments):
            waiting.append((Deferred(), what, arguments))
            return waiting[-1][0]

        def move_on():
            done, what, arguments = waiting.pop()
            done.callback(what(*arguments))

        self.server.context = replace(self.server.context, in_thread=later)
        self.write("PUT", self.target(self.address, "f"), b"data", authorization=None)
        self.assertEqual((self.answers(), self.names_on_disk()), ([], []))
        move_on()
        [put] = self.answers()
        self.assertEqual((put.status, self.names_on_disk()), (201, ["f"]))
        self.write("GET", self.target(self.address, "f"), authorization=None)
        self.assertEqual(self.answers(), [])
        for _ in range(2):  # open and read
            move_on()
            self.clock.advance(0)
        self.assertEqual([each.body for each in self.answers()], [b"data"])

    def names_on_disk(self):
        """The files of the container, without drafts."""
        found = (self.directory / "main" / self.container).iterdir()
        return [each.name for each in found if not each.name.startswith(".")]

    def test_names_that_are_taken(self):
        """A file is no directory, and a directory no file."""
        self.put("a")
        self.refusal(self.put("a", "b"), 409)
        self.put("c", "d")
        self.refusal(self.put("c"), 409)
        self.refusal(self.get("c"), 404)

    def test_what_is_not_there(self):
        """A file, a container; a way to put files that is Azure's alone."""
        self.refusal(self.get("none"), 404)
        key = self.hub.containers.key()
        signed = query(Place("main", "none"), Grant("rwl", 2e9), key)
        for method, path in (("GET", "none/f"), ("PUT", "none/f"), ("GET", "none")):
            self.refusal(self.open(method, f"/main/blobs/{path}?{signed}"), 404)
        block = self.target(self.address, "f") + "&comp=block&blockid=1"
        self.refusal(self.open("PUT", block, b"x"), 501)

    def test_addresses_that_permit_too_little(self):
        """One for reading does not write or list; without a signature nothing is done."""
        self.put("f")
        signed = query(Place("main", self.container), Grant(READ, 2e9), self.hub.containers.key())
        base = f"/main/blobs/{self.container}"
        self.assertEqual(self.open("GET", f"{base}/f?{signed}").status, 200)
        self.refusal(self.open("PUT", f"{base}/f?{signed}", b"x"), 403)
        self.refusal(self.open("GET", f"{base}?{signed}"), 403)
        self.refusal(self.open("GET", f"{base}/f"), 403)

    def test_containers_are_made_by_who_manages(self):
        """Another rule makes none; without a directory there are none."""
        refused = self.ask("POST", "/main/containers", authorization=self.signature("Send"))
        self.refusal(refused, 401)

    def test_paths_do_not_lead_out(self):
        """Whatever is asked for, nothing beside the container's own files is read or written."""
        outside = self.directory / "main" / "secret"
        outside.write_bytes(b"secret")
        before = sorted(self.directory.rglob("*"))
        for name in (
            "../secret", "%2e%2e/secret", "..%2fsecret", "a/../../secret", "%252e%252e/secret", "./../secret",
            "..%5csecret", "/../secret", "....//secret", "../.key", "%00", "a%00b",
        ):  # fmt: skip
            for method in ("GET", "PUT"):
                answer = self.open(method, self.target(self.address, name), b"" if method == "GET" else b"x")
                self.assertIn(answer.status, (400, 404), name)
                self.assertNotIn(b"secret", answer.body)
        self.assertEqual(sorted(self.directory.rglob("*")), before)


class NoDirectoryTests(HubFilesTestCase):
    """A hub without a directory for containers."""

    def setUp(self):
        super().setUp()
        self.hub.containers.__init__("main", None)

    def test_no_containers_are_made(self):
        """The answer says what is missing."""
        self.assertIn("set blob_dir", self.refusal(self.ask("POST", "/main/containers"), 502))


@given(st.text(max_size=40))
def test_any_name_stays_within(name):
    """A path that is given out is below its container, whatever the name is."""
    containers = Containers(Path(__file__).parent.parent.name, Path(__file__).parent.parent.parent)
    # its directory is tests/inputs, in which "hub" is a container
    try:
        path = containers.path("hub", name)
    except Refusal:
        return
    assert path.resolve().is_relative_to(Path(__file__).parent.resolve())
