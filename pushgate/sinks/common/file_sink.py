"""A sink that writes lines to a file that may be rotated."""

from collections.abc import Callable, Sequence
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from zope.interface import implementer

from pushgate.model.errors import CannotStart
from pushgate.model.outcome import Report
from pushgate.plugin.optional_interfaces import IAddressed
from pushgate.plugin.sink_interface import IOutcomeSink
from pushgate.sinks.common.append_file import AppendFile
from pushgate.sinks.common.worker_thread import WorkerThread


@implementer(IOutcomeSink, IAddressed)
class FileSink:
    """Writes lines to a file, in a thread of its own: a slow disk stops nothing else.

    That one thread does everything to the file in order, so a `reopen` falls between two writes: no line
    is lost or doubled.

    :param encode: returns the lines of reports, each with its end.
    """

    def __init__(
        self,
        name: str,
        path: Path,
        encode: Callable[[Sequence[Report]], bytes],
        reactor: IReactorFromThreads,
    ) -> None:
        self._name, self._path, self._encode = name, path, encode
        self._file: AppendFile
        self._thread = WorkerThread(f"sink-{name}", reactor)

    def start(self) -> None:
        """Open the file; raise `CannotStart` when that cannot be done."""
        try:
            self._file = AppendFile.open(self._path)
        except OSError as error:
            rule = "a file that can be written, in a directory that exists"
            raise CannotStart([f"sinks.{self._name}.path: {self._path}: {error.strerror}; {rule}"]) from error
        self._thread.start()

    def emit(self, reports: Sequence[Report]) -> Deferred[None]:
        """Append their lines; fails with OSError when the disk is full or the like."""
        # Encoded here: in the thread it would take the reactor as much time, and fight it for the GIL.
        return self.write(self._encode(reports))

    def write(self, lines: bytes) -> Deferred[None]:
        """Append lines; fails with OSError when the disk is full or the like."""
        return self._thread.do(self._write, lines)

    def reopen(self) -> None:
        """Write what comes later to a new file of the same name; raise OSError and go on with the old one."""
        self._thread.post(self._turn_to, AppendFile.open(self._path))

    def stop(self) -> Deferred[None]:
        """Close the file once all is written, and end the thread."""
        return self._thread.end(self._close)

    def addresses(self) -> list[str]:
        return [str(self._path)]

    def _write(self, lines: bytes) -> None:
        self._file.write(lines)

    def _turn_to(self, new: AppendFile) -> None:
        old, self._file = self._file, new
        old.close()

    def _close(self) -> None:
        self._file.close()
