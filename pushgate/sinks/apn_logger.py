"""The sink `apn_logger`: a line for each notification, in the format of Momentum's module of this name."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

from pydantic import AfterValidator
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from zope.interface import implementer

from pushgate.model.outcome import Outcome, Report
from pushgate.model.outcome_record import Tokens
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway
from pushgate.plugin.optional_interfaces import IAddressed
from pushgate.plugin.settings import Duration, FilePath, SinkTable
from pushgate.plugin.sink_interface import IOutcomeSink
from pushgate.protocols.momentum.apn_log import (
    DELIVERY,
    HEARTBEAT,
    PERMFAIL,
    TEMPFAIL,
    LogFormat,
    LogFormats,
    entry_lines,
    heartbeat_line,
)
from pushgate.sinks.common.diagnosis import diagnose_file
from pushgate.sinks.common.file_sink import FileSink


def _format(text: str) -> str:
    LogFormat(text)
    return text


Format = Annotated[str, AfterValidator(_format)]
"""A format with macros."""


class ApnLoggerTable(SinkTable):
    """The keys of an `apn_logger`.

    :param path: the file; its directory must exist. A relative path is relative to the working directory.
    :param heartbeat: the time between two heartbeat lines; 0: none.
    :param log_delivery: write notifications that the push service accepted.
    :param log_permfail: write permanent failures.
    :param log_tempfail: write temporary failures.
    """

    path: FilePath
    heartbeat: Duration = 60.0
    log_delivery: bool = True
    log_permfail: bool = True
    log_tempfail: bool = True
    delivery_format: Format = DELIVERY
    permfail_format: Format = PERMFAIL
    tempfail_format: Format = TEMPFAIL
    heartbeat_format: Format = HEARTBEAT

    def formats(self) -> LogFormats:
        """Return the formats of the entries that are written."""
        return LogFormats(
            LogFormat(self.delivery_format) if self.log_delivery else None,
            LogFormat(self.permfail_format) if self.log_permfail else None,
            LogFormat(self.tempfail_format) if self.log_tempfail else None,
        )


@implementer(IOutcomeSink, IAddressed)
class ApnLoggerSink(FileSink):
    """See `FileSink`; it also writes heartbeat lines."""

    log = Logger()

    def __init__(self, name: str, config: ApnLoggerTable, context: Context) -> None:
        encode = partial(encoded, formats=config.formats(), tokens=config.tokens)
        super().__init__(name, config.path.absolute(), encode, context.reactor)
        self._heartbeat, self._context = LogFormat(config.heartbeat_format), context
        self._seconds = config.heartbeat
        self._beat: IDelayedCall | None = None

    def start(self) -> None:
        super().start()
        self._wait()

    def stop(self) -> Deferred[None]:
        """As `FileSink.stop`."""
        if self._beat is not None:
            self._beat.cancel()
            self._beat = None
        return super().stop()

    def _wait(self) -> None:
        if self._seconds:
            self._beat = self._context.reactor.callLater(self._seconds, self._write_beat)

    def _write_beat(self) -> None:
        self._wait()
        line = heartbeat_line(self._heartbeat, self._context.wall())
        writing = self.write(f"{line}\n".encode())
        writing.addErrback(partial(self.log.failure, "sink {name}: no heartbeat", name=self._name))


def encoded(reports: Sequence[Report], formats: LogFormats, tokens: Tokens) -> bytes:
    """Return the lines of reports. Reports of dead tokens have none: they belong to no notification."""
    outcomes = (report for report in reports if isinstance(report, Outcome))
    return "".join(
        f"{line}\n" for outcome in outcomes for line in entry_lines(outcome, formats, tokens)
    ).encode()


def _sink(name: str, config: ApnLoggerTable, _: IGateway, context: Context) -> ApnLoggerSink:
    return ApnLoggerSink(name, config, context)


plug_in = ApnLoggerTable, _sink, diagnose_file
