"""``twistd`` as a process of its own, for tests: what it says, and how it ends."""

import json
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

ROOT = Path(__file__).parents[1]
DEADLINE = 60.0
"""Seconds to wait for anything at most: a process may take its time to start on a busy machine."""


class Twistd(ProcessProtocol):
    """A process in a directory of its own.

    :param before: a program, and its arguments, which runs twistd in its own place.
    :param installed: where more than this environment is installed.
    :ivar out: its standard output so far, which is its log.
    :ivar err: its standard error so far.
    """

    def __init__(
        self,
        directory: Path,
        *arguments: str,
        before: Sequence[str] = (),
        installed: Sequence[Path] = (),
        **environment: str,
    ) -> None:
        self.out = self.err = ""
        self._code: int | None = None
        twistd = str(Path(sys.executable).with_name("twistd"))
        command = [*before, twistd, "-n", "--pidfile=", *arguments]
        path = os.pathsep.join(map(str, (*installed, ROOT)))
        environ = {**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **environment}
        self._process = reactor.spawnProcess(self, command[0], command, environ, str(directory))

    def outReceived(self, data: bytes) -> None:
        self.out += data.decode()

    def errReceived(self, data: bytes) -> None:
        self.err += data.decode()

    def processEnded(self, reason: Failure) -> None:
        ended = reason.value
        self._code = 0 if isinstance(ended, ProcessDone) else ended.exitCode or -ended.signal

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._code is None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.signalProcess(number)

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait until something holds, as long as the process runs."""
        await eventually(lambda: condition() or not self.running, what, self)
        if not condition():
            raise AssertionError(f"it ended before {what}:\n{self.out}{self.err}")

    async def address(self, part: str) -> str:
        """Host and port where a part of it listens, from what it says when it is ready."""
        await self.until(lambda: "pushgate is ready" in self.out and self.out.endswith("\n"), "it was ready")
        found = re.search(rf"{part} .*?([0-9.]+:[0-9]+)", self.out)
        assert found, f"{part} is not in:\n{self.out}"
        return found[1]

    async def records(self, file: Path, count: int) -> list[dict[str, Any]]:
        """What a sink has written to a file, once there are so many; callers hear of an outcome before that."""

        def lines() -> list[str]:
            whole, _, _ = file.read_text().rpartition("\n") if file.exists() else ("", "", "")
            return whole.splitlines()

        await self.until(lambda: len(lines()) >= count, f"{count} records were written")
        return [json.loads(line) for line in lines()]

    async def ended(self) -> int:
        """Its exit code; of one that a signal killed, the signal's number below zero."""
        await eventually(lambda: not self.running, "its end", self)
        assert self._code is not None
        return self._code

    async def stop(self) -> int:
        """Terminate it, for good if need be."""
        if self.running:
            self.signal(signal.SIGTERM)
        try:
            return await self.ended()
        finally:
            if self.running:
                self.signal(signal.SIGKILL)


async def eventually(condition: Callable[[], object], what: str, process: Twistd) -> None:
    """Look again and again until something holds; fail with what the process said when it does not."""
    deadline = reactor.seconds() + DEADLINE
    while not condition():
        if reactor.seconds() > deadline:
            raise AssertionError(f"waited in vain for {what}:\n{process.out}{process.err}")
        await deferLater(reactor, 0.02)


class ProcessTestCase(TestCase):
    """Gives each test a directory, and stops the processes it started."""

    timeout = 90

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()

    def config(self, text: str) -> str:
        """The path of a file with this configuration, outside the directory the process runs in."""
        file = self.directory.with_suffix(".toml")
        file.write_text(text)
        return str(file)

    def twistd(self, *arguments: str, **options: Any) -> Twistd:
        """A process that is stopped at the end of the test; the options are those of `Twistd`."""
        process = Twistd(self.directory, *arguments, **options)
        self.addCleanup(lambda: Deferred.fromCoroutine(process.stop()))
        return process
