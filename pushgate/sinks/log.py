"""The log sink: outcomes in the log, summed up so that it stays readable."""

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger, LogLevel
from zope.interface import implementer

from pushgate.model.outcome import Outcome, Report, State
from pushgate.model.outcome_record import Tokens, hash_token
from pushgate.model.target import TargetForm
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway
from pushgate.plugin.settings import Duration, SinkTable
from pushgate.plugin.sink_interface import IOutcomeSink

EXAMPLES: Final = 3
"""Tokens that a summary shows at most."""
BAD_NEWS: Final = frozenset({State.REJECTED, State.EXPIRED, State.UNKNOWN, State.FAILED, State.DEAD_TOKEN})
"""The states that are logged as warnings."""


class LogTable(SinkTable):
    """The log sink's configuration.

    :param tokens: `full` shows the beginning of a token; the log never has a whole one.
    :param interval: seconds that one summary covers at least.
    """

    tokens: Annotated[Tokens, Field(strict=False)] = Tokens.HASH
    interval: Duration = 1.0


class Summary:
    """How many notifications of one app ended in one way, and a few of their tokens."""

    __slots__ = ("count", "examples")

    def __init__(self) -> None:
        self.count = 0
        self.examples: list[bytes] = []

    def add(self, report: Report) -> None:
        """Count a report."""
        room = EXAMPLES - len(self.examples)
        if not isinstance(report, Outcome):
            self.count += 1
            self.examples += [report.token][:room]
            return
        span = report.span
        self.count += len(span)
        if room and span.batch.form is not TargetForm.CHANNEL:
            self.examples += span.part(span.start, min(span.start + room, span.stop)).tokens()


@implementer(IOutcomeSink)
class LogSink:
    """Logs one event for each app, state and reason: at once, then at most every `interval` seconds."""

    log = Logger()

    def __init__(self, name: str, tokens: Tokens, interval: float, clock: IReactorTime) -> None:
        self._name, self._tokens, self._interval, self._clock = name, tokens, interval, clock
        self._summaries: dict[tuple[str, State, str], Summary] = {}
        self._pause: IDelayedCall | None = None

    def start(self) -> None:
        """Nothing to open."""

    def emit(self, reports: Sequence[Report]) -> None:
        """Add `reports` to the summaries, and log them unless that was just done."""
        for report in reports:
            self._summary(report).add(report)
        if self._pause is None:
            self._resume()

    def reopen(self) -> None:
        """Nothing to open: the log's observers have the files."""

    def stop(self) -> Deferred[None] | None:
        """Log what was not logged yet."""
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        self._write()
        return None

    def _summary(self, report: Report) -> Summary:
        if isinstance(report, Outcome):
            key = report.span.batch.app, report.state, report.reason
        else:
            key = report.app, State.DEAD_TOKEN, ""
        found = self._summaries.get(key)
        if found is None:
            found = self._summaries[key] = Summary()
        return found

    def _resume(self) -> None:
        """Log what there is, then pause; without anything to log the next reports are logged at once."""
        self._pause = None
        if self._summaries:
            self._write()
            self._pause = self._clock.callLater(self._interval, self._resume)

    def _write(self) -> None:
        summaries, self._summaries = self._summaries, {}
        for (app, state, reason), summary in summaries.items():
            examples = shown(summary.examples, self._tokens)
            self.log.emit(
                LogLevel.warn if state in BAD_NEWS else LogLevel.info,
                "{app}: {count} {state}{because}{such_as}",
                app=app,
                state=str(state),
                reason=reason,
                count=summary.count,
                tokens=examples,
                sink=self._name,
                because=reason and f", {reason}",
                such_as=f", such as {' '.join(examples)}" if examples else "",
            )


def shown(tokens: Sequence[bytes], how: Tokens) -> list[str]:
    """Tokens as the log has them: their beginning, the hash that the records have, or nothing."""
    if how is Tokens.NONE:
        return []
    if how is Tokens.HASH:
        return [hash_token(token) for token in tokens]
    return [f"{token.hex()[: min(8, len(token))]}…" for token in tokens]


def _sink(name: str, config: LogTable, _: IGateway, context: Context) -> LogSink:
    return LogSink(name, config.tokens, config.interval, context.reactor)


plug_in = LogTable, _sink
