"""An example of a sink: a text file with the number of notifications that ended in each state.

Try it: ``twistd -n --pidfile= pushgate --plugins plugins --config my.toml`` with this in ``my.toml``::

    [sinks.counts]
    type = "count"
    path = "/tmp/counts.txt"
"""

from collections import Counter
from collections.abc import Sequence

from pushgate.plugin import (
    CannotStart,
    Context,
    FilePath,
    IGateway,
    Outcome,
    Report,
    Sink,
    SinkFactory,
    SinkTable,
)


class CountTable(SinkTable):
    """Its configuration: the keys of every sink, and a file."""

    path: FilePath


class CountSink(Sink):
    """Rewrites the file after each call of `emit`."""

    def __init__(self, name: str, config: CountTable, gateway: IGateway, context: Context) -> None:
        self._path, self._counts = config.path, Counter[str]()

    def start(self) -> None:
        """Check now, not at the first report, that the file can be written."""
        try:
            self.emit([])
        except OSError as error:
            raise CannotStart([f"{self._path}: {error.strerror}"]) from error

    def emit(self, reports: Sequence[Report]) -> None:
        """Count. An outcome stands for a run of notifications; the other reports are of dead tokens."""
        for report in reports:
            if isinstance(report, Outcome):
                self._counts[report.state] += len(report.span)
        self._path.write_text("".join(f"{state} {n}\n" for state, n in sorted(self._counts.items())))


count = SinkFactory("count", "how many notifications ended in which state", CountTable, CountSink)
