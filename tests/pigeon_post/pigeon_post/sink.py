"""A sink that writes a line for each run of outcomes."""

from collections.abc import Sequence

from pushgate.plugin import Context, FilePath, IGateway, Outcome, Report, Sink, SinkTable


class PostTable(SinkTable):
    """Its configuration."""

    path: FilePath


class Post(Sink):
    """Writes the lines."""

    def __init__(self, name: str, config: PostTable, gateway: IGateway, context: Context) -> None:
        self._path = config.path

    def emit(self, reports: Sequence[Report]) -> None:
        """Write a line for each outcome."""
        with self._path.open("a") as file:
            for report in reports:
                if isinstance(report, Outcome):
                    file.write(f"{len(report.span)} {report.state}\n")


plug_in = PostTable, Post
