"""A disk that is really full, or cannot be written: the spool refuses new work, goes on settling, and recovers."""

import ctypes
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from msgspec.structs import replace
from twisted.internet import reactor
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from pushgate.gateway.spool import writer
from pushgate.gateway.spool.spool_file import FILE
from pushgate.model.errors import Overloaded
from pushgate.model.outcome_record import ndjson
from pushgate.model.packed import Packed
from pushgate.sinks.common.file_sink import FileSink
from pushgate.testing import outcome as reported
from tests.samples import batch
from tests.spool_rig import SpoolCase, outcome

BIG = Packed.of([b"{" + b" " * 60_000 + b"}"], 2)


class FullDiskTests(SpoolCase):
    def limited(self, size: int) -> None:
        """No file of this process grows beyond this: what the disk says then is as real as a full one's."""
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        self.addCleanup(self.unlimited, soft, hard)

    def unlimited(self, soft: int = resource.RLIM_INFINITY, hard: int = resource.RLIM_INFINITY) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    async def filled(self, start: int) -> list[int]:
        """The orders of what fitted until the disk was full; the refusal names the file and a reason."""
        fitted: list[int] = []
        while True:
            try:
                await self.keep(batch(1, order=start + len(fitted), payload=BIG))
            except Overloaded as error:
                self.assertIn(f"spool: {self.directory / FILE}: ", str(error))
                self.assertIn("try again later", str(error))
                return fitted
            fitted.append(start + len(fitted))
            self.assertLess(len(fitted), 1000)

    async def goes_through(self, relieve) -> None:
        """Full, settled while it is full, relieved, restarted: what was answered is there, and nothing else."""
        self.patch(writer, "RETRY", 0.01)
        first = batch(2, order=1)
        await self.keep(first)
        with capturedLogs():
            fitted = await self.filled(2)
            self.assertGreater(len(fitted), 2)
            self.spool.settle(1, [outcome(first, 0, 1)])
            await self.assertFailure(
                self.spool.append(replace(batch(1, payload=BIG), order=999), None), Overloaded
            )
            self.assertEqual((await self.kept())[0].left, ((1, 2),))
            relieve()
            await self.keep(batch(1, order=1000))
        await self.restart()
        kept = await self.kept()
        self.assertEqual(kept[0].left, ((1, 2),))
        self.assertEqual([each.batch.order for each in kept], [1, *fitted, 1000])

    async def test_a_limit_of_the_file(self) -> None:
        """With RLIMIT_FSIZE: file too large."""
        self.limited(600_000)
        await self.goes_through(self.unlimited)

    async def test_a_full_disk(self) -> None:
        """With a disk of its own that is full: a small tmpfs. Where none may be mounted, a limit again."""
        await self.spool.close()
        ballast = self.directory / "ballast"
        if not mounted(self, self.directory, b"size=2m"):
            self.limited(700_000)
        ballast.write_bytes(bytes(700_000))
        self.spool = self.opened()
        await self.goes_through(lambda: (ballast.unlink(), self.unlimited()))

    async def test_no_half_lines_are_mixed(self) -> None:
        """In the outcome file nothing is left of what did not fit; what comes when there is room again is whole."""
        path = self.directory / "outcomes.jsonl"
        sink = FileSink("outcomes", path, ndjson, reactor)
        sink.start()
        lines = [ndjson([reported(order=order)]) for order in range(1, 5)]
        await sink.emit([reported(order=1)])
        self.limited(len(lines[0]) + 100)
        for order in (2, 3):
            await self.assertFailure(sink.emit([reported(order=order)]), OSError)
        self.unlimited()
        await sink.emit([reported(order=4)])
        await sink.stop()
        self.assertEqual(path.read_bytes(), lines[0] + lines[3])


def mounted(test: SynchronousTestCase, directory: Path, options: bytes) -> bool:
    """Mount a tmpfs until the end of the test; False when that is not allowed here."""
    libc = ctypes.CDLL(None, use_errno=True)
    where = os.fsencode(directory)
    if libc.mount(b"tmpfs", where, b"tmpfs", 0, options):
        return False
    test.addCleanup(lambda: libc.umount2(where, 2))
    return True


AS_NOBODY = """
import os, sys
from pathlib import Path
from twisted.internet.task import Clock
from pushgate.model.errors import CannotStart
from pushgate.plugin.context import Context
from pushgate.gateway.spool.sqlite import SqliteSpool
from pushgate.model.metrics import Metrics
context = Context(reactor=Clock(), wall=float, jitter=float, metrics=Metrics())
spool = SqliteSpool(Path(sys.argv[1]), context)
if sys.argv[2] == "nobody" and not os.getuid():
    os.setgid(65534), os.setuid(65534)  # only now: nobody may not read this checkout, perhaps
try:
    spool.start()
except CannotStart as error:
    print(*error.faults, sep="\\n")
"""


class NotWritableTests(SynchronousTestCase):
    """As root everything may be written, so then this takes another user, or a mount that nobody may write to."""

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp(dir="/tmp"))  # not below a directory that is root's alone
        self.addCleanup(shutil.rmtree, self.directory)

    def reported(self, who: str) -> str:
        """What a start says on this directory."""
        environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
        command = [sys.executable, "-c", AS_NOBODY, str(self.directory), who]
        ended = subprocess.run(command, capture_output=True, text=True, check=True, env=environ, timeout=60)
        return ended.stdout.strip()

    def test_a_directory_of_somebody_else(self) -> None:
        """It is named, with the reason."""
        self.directory.chmod(0o500)
        self.assertEqual(
            self.reported("nobody"),
            f"gateway.state_dir: {self.directory}: Permission denied; must be a writable directory",
        )

    def test_a_file_of_somebody_else(self) -> None:
        """So is a spool that may not be opened; it is left as it is."""
        self.assertEqual(self.reported("root"), "")
        file = self.directory / FILE
        before = file.read_bytes()
        self.directory.chmod(0o777)
        (self.directory / "lock").chmod(0o666)
        file.chmod(0)
        reported = self.reported("nobody")
        self.assertIn(f"gateway.state_dir: {file}: ", reported)
        self.assertIn("Permission denied", reported)
        file.chmod(0o600)
        self.assertEqual(file.read_bytes(), before)

    def test_a_disk_that_is_read_only(self) -> None:
        """So is a directory on a disk that nobody may write to; where none may be mounted, a read-only one."""
        reason = "Permission denied"
        if mounted(self, self.directory, b""):
            remounted = ctypes.CDLL(None).mount(None, os.fsencode(self.directory), None, 32 | 1, None)
            self.assertEqual(remounted, 0)
            reason = "Read-only file system"
        else:
            self.directory.chmod(0o500)
        self.assertEqual(
            self.reported("root" if reason[0] == "R" else "nobody"),
            f"gateway.state_dir: {self.directory}: {reason}; must be a writable directory",
        )
