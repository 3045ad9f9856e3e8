"""An example of a sink: a text file that says how many notifications ended in which state.

Try it: ``twistd -n pushgate --plugins plugins --config my.toml`` with this in ``my.toml``::

    [sinks.counts]
    type = "count"
    path = "/tmp/counts.txt"
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from twisted.plugin import IPlugin
from zope.interface import implementer

from pushgate.errors import CannotStart
from pushgate.interfaces import Context, IGateway, IOutcomeSink, IOutcomeSinkFactory
from pushgate.outcome import Outcome, Report, State
from pushgate.settings import FilePath, SinkTable


class CountTable(SinkTable):
    """Its configuration: what every sink has, and a file."""

    path: FilePath


@implementer(IOutcomeSink)
class CountSink:
    """Writes the file anew after each run of reports."""

    def __init__(self, path: Path) -> None:
        self._path, self._counts = path, Counter[State]()

    def start(self) -> None:
        """Find out now, not at the first report, whether the file can be written."""
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

    def reopen(self) -> None:
        """Nothing is kept open."""

    def stop(self) -> None:
        """Nothing is kept open."""


@implementer(IPlugin, IOutcomeSinkFactory)
class CountSinkFactory:
    """What pushgate finds."""

    name = "count"
    description = "how many notifications ended in which state, in a small text file"
    config = CountTable

    def sink(self, name: str, config: SinkTable, gateway: IGateway, context: Context) -> IOutcomeSink:
        """A sink for one table of the configuration."""
        assert isinstance(config, CountTable)
        return CountSink(config.path)


count = CountSinkFactory()
