"""Counting what becomes of the notifications of one measurement."""

from collections import Counter

from pushgate.cli.bench.tokens import BenchTokens
from pushgate.client import Record
from pushgate.model.outcome import State

OutcomeKind = tuple[str, int | None, str]
"""State, status and reason."""


class OutcomeTally:
    """The last outcome of each notification, counted by kind.

    :ivar total: how many notifications there are.
    :ivar settled: how many have an outcome.
    """

    def __init__(self, tokens: BenchTokens) -> None:
        self._tokens, self.total = tokens, tokens.count
        self._known = bytearray(tokens.count)
        self.kinds: Counter[OutcomeKind] = Counter()
        self.settled = 0

    def record(self, record: Record) -> bool:
        """Take a record; whether it is the first outcome of a notification of this measurement."""
        index = self._tokens.index(record.token)
        if index is None or record.id is None:  # of another sender; of a token, from the feedback service
            return False
        if self._known[index]:
            if record.corrects:
                self.kinds[State.PRESUMED, None, ""] -= 1
                self.kinds[_kind(record)] += 1
            return False
        self._known[index] = True
        self.settled += 1
        self.kinds[_kind(record)] += 1
        return True


def _kind(record: Record) -> OutcomeKind:
    return record.state, record.status, record.reason
