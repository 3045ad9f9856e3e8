"""The JSONL sink: one outcome record a line, in a file that may be rotated."""

from collections.abc import Sequence
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from zope.interface import implementer

from pushgate.model.errors import CannotStart
from pushgate.model.outcome import Report
from pushgate.model.outcome_record import Tokens, ndjson
from pushgate.plugin.interfaces import Context, IAddressed, IGateway, IOutcomeSink
from pushgate.plugin.settings import FilePath, SinkTable
from pushgate.sinks.common.append_file import AppendFile
from pushgate.sinks.common.worker_thread import WorkerThread


class JSONLTable(SinkTable):
    """The JSONL sink's configuration.

    :param path: the file; its directory must exist. A relative path is one from the working directory.
    """

    path: FilePath


@implementer(IOutcomeSink, IAddressed)
class JSONLSink:
    """Writes outcome records to a file, in a thread of its own: a slow disk stops nothing else.

    That one thread does everything to the file in order, so a `reopen` falls between two writes: no line
    is lost or doubled.
    """

    def __init__(self, name: str, path: Path, tokens: Tokens, reactor: IReactorFromThreads) -> None:
        self._name, self._path, self._tokens = name, path, tokens
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
        """Append their records; fails with OSError when the disk is full or the like."""
        # Encoded here: in the thread it would take the reactor as much time, and fight it for the GIL.
        lines = ndjson(reports, self._tokens)
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


def _sink(name: str, config: JSONLTable, _: IGateway, context: Context) -> JSONLSink:
    return JSONLSink(name, config.path.absolute(), config.tokens, context.reactor)


plug_in = JSONLTable, _sink
