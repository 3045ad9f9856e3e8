import errno
import os
import stat
from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.trial.unittest import SynchronousTestCase

from pushgate.sinks.common.append_file import AppendFile


class RecordFileTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.enterContext(TemporaryDirectory()), "outcomes.jsonl")

    def open(self) -> AppendFile:
        file = AppendFile.open(self.path)
        self.addCleanup(file.close)
        return file

    def fill_disk(self, room: int) -> None:
        """Let the disk be full after `room` more bytes, until it is emptied."""
        write, left = os.write, [room]

        def write_what_fits(descriptor, data):
            if not left[0]:
                raise OSError(errno.ENOSPC, "No space left on device")
            written = write(descriptor, data[: left[0]])
            left[0] -= written
            return written

        self.disk = self.patch(os, "write", write_what_fits)

    def test_created_for_owner_and_group(self) -> None:
        """A new file has mode 0640, whatever the umask of the process."""
        before = os.umask(0o077)
        self.addCleanup(os.umask, before)
        self.open()
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o640)

    def test_existing_file_keeps_content_and_mode(self) -> None:
        """A file that is there is appended to, and its mode is left as its owner set it."""
        self.path.write_bytes(b"old\n")
        self.path.chmod(0o600)
        self.open().write(b"new\n")
        self.assertEqual(self.path.read_bytes(), b"old\nnew\n")
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)

    def test_torn_end_of_an_earlier_process(self) -> None:
        """A file that ends within a line is continued on a new line."""
        self.path.write_bytes(b'{"id": "half')
        self.open().write(b"new\n")
        self.assertEqual(self.path.read_bytes(), b'{"id": "half\nnew\n')

    def test_a_full_disk(self) -> None:
        """What a write that failed half-way has written is taken back: its lines will be given again."""
        file = self.open()
        file.write(b"zeroth\n")
        for room in (9, 6, 0):  # within a line, between two, before the first
            self.fill_disk(room)
            self.assertRaises(OSError, file.write, b"first\nsecond\n")
            self.disk.restore()
            self.assertEqual(self.path.read_bytes(), b"zeroth\n")
        file.write(b"first\nsecond\n")
        self.assertEqual(self.path.read_bytes(), b"zeroth\nfirst\nsecond\n")

    def test_a_full_disk_behind_a_pipe(self) -> None:
        """Where nothing can be taken back the next write begins on a new line, however often it fails."""
        os.mkfifo(self.path)
        reader = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        file = self.open()
        self.fill_disk(3)
        for _ in range(3):
            self.assertRaises(OSError, file.write, b"first\n")
        self.disk.restore()
        file.write(b"last\n")
        self.assertEqual(os.read(reader, 100), b"fir\nlast\n")

    def test_nothing_to_write(self) -> None:
        """No lines, no write: not even the repair of a torn one."""
        self.path.write_bytes(b"half")
        self.open().write(b"")
        self.assertEqual(self.path.read_bytes(), b"half")

    def test_pipe(self) -> None:
        """A pipe, as a container's standard output is, can be written too."""
        os.mkfifo(self.path)
        reader = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        self.open().write(b"line\n")
        self.assertEqual(os.read(reader, 100), b"line\n")
