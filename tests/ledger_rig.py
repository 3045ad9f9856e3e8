"""The ledger sink in a directory of its own, in threads of its own."""

import sqlite3
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.history import Event, Step
from pushgate.model.metrics import Metrics
from pushgate.model.outcome import Outcome, State
from pushgate.plugin.context import Context
from pushgate.plugins.builtin import ledger as factory
from pushgate.sinks.ledger.sink import FILE, LedgerSink, LedgerTable
from tests.samples import ID, batch

WALL = 1_700_000_100.0
STEPS = (Step(Event.WRITTEN, WALL - 2, 3), Step(Event.LOST, WALL - 1, 3, "ConnectionLost"))


def reported(
    start: int = 0,
    stop: int = 3,
    state: State = State.ACCEPTED,
    at: float = WALL,
    order: int = 0,
    **past: Any,
) -> Outcome:
    """An outcome of members of a batch of 5."""
    span = BatchSlice(
        replace(batch(5, order=order), origin="amp"), start, stop, attempts=2, past=STEPS, **past
    )
    return Outcome(span, state, None, "", at, "apns-stream")


class LedgerCase(TestCase):
    """Makes ledgers over one file, whose time passes when a test says so."""

    timeout = 60

    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.directory.mkdir()
        self.wall = WALL

    def made(self, state_dir: Path | None = None, **options: Any) -> Any:
        config = LedgerTable.model_validate({"type": "ledger", **options})
        context = Context(
            reactor=reactor,
            wall=lambda: self.wall,
            jitter=lambda: 0.0,
            metrics=Metrics(),
            state_dir=state_dir or self.directory,
        )
        return factory.sink("history", config, None, context)  # type: ignore[arg-type]  # it does not look

    def started(self, **options: Any) -> LedgerSink:
        made = self.made(**options)
        assert isinstance(made, LedgerSink)
        made.start()
        return made

    async def states(self, ledger: LedgerSink, number: int = ID) -> list[State]:
        return [outcome.state for outcome in await ledger.outcomes(number)]

    def rows(self) -> int:
        connection = sqlite3.connect(self.directory / FILE)
        (count,) = connection.execute("SELECT count(*) FROM outcome").fetchone()
        connection.close()
        return int(count)
