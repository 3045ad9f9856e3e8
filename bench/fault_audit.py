"""The comparison that the audit of faults makes: outcomes a gateway reported, and what the service did."""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from pushgate.model.notification import Delivery
from pushgate.model.outcome import TAKEN, Outcome, State
from pushgate.protocols.apns_binary.status import ErrorStatus
from pushgate.simulator.accepted import Accepted


class Service(msgspec.Struct):
    """The record of the push service.

    :ivar accepted: by token, the connections on which it was accepted, in order.
    :ivar refused: by token, the statuses it was refused with.
    :ivar silent: connections that ended without giving the outcome of what was in flight.
    """

    accepted: dict[bytes, list[int]] = {}
    refused: dict[bytes, set[int]] = {}
    silent: set[int] = set()

    def record(self, entries: Sequence[Accepted]) -> None:
        """Add what was accepted."""
        for entry in entries:
            self.accepted.setdefault(entry.token, []).append(entry.connection)

    def is_silent(self, token: bytes) -> bool:
        """Whether the gateway may have missed what became of this one."""
        return bool(self.silent)

    def kills(self, refused: set[int]) -> bool:
        """Whether one of these statuses makes a token dead."""
        return not refused.isdisjoint({ErrorStatus.INVALID_TOKEN, 400, 410})

    def doubtful(self, token: bytes) -> bool:
        """Whether each connection that accepted it, the last excepted, ended silently."""
        return all(each in self.silent for each in self.accepted.get(token, ())[:-1])


class Reported(msgspec.Struct):
    """The outcomes that the gateway reported, by token.

    :ivar last: the last outcome of each.
    :ivar states: every state in its order, a correction marked.
    """

    last: dict[bytes, Outcome] = {}
    states: dict[bytes, list[tuple[State, bool]]] = {}

    def take(self, outcome: Outcome) -> None:
        """Add an outcome."""
        for token in outcome.span.tokens():
            self.last[token] = outcome
            self.states.setdefault(token, []).append((outcome.state, outcome.span.recalled))


class Verdict(msgspec.Struct):
    """The result of an audit.

    :param accepted: of the submitted, by the service.
    :param lost: reported as accepted or presumed, or not at all, and never accepted.
    :param presumed_lost: of the lost, those reported as presumed.
    :param duplicated: accepted more than once.
    :param inexcusable: of the duplicated, not after a silent close, or under at-most-once.
    :param wrong: reported otherwise than it was.
    :param twice: more than one outcome reported, corrections of a presumption left out.
    :param left: still in the spool at the end.
    :param reasons: of those that were rejected.
    :ivar dead: tokens in the register at the end.
    """

    submitted: int
    accepted: int
    lost: int
    presumed_lost: int
    duplicated: int
    inexcusable: int
    unknown: int
    unreported: int
    wrong: int
    twice: int
    left: int
    states: dict[str, int]
    reasons: dict[str, int] = {}
    dead: int = 0

    @property
    def good(self) -> bool:
        """Whether all was kept that is promised."""
        return not (self.lost + self.inexcusable + self.unreported + self.wrong + self.twice + self.left)

    def line(self) -> str:
        """Return the result as one line to be read."""
        return (
            f"submitted {self.submitted}, accepted by the service {self.accepted}, lost {self.lost},"
            f" duplicated {self.duplicated}, unknown {self.unknown}, unreported {self.unreported},"
            f" wrongly reported {self.wrong}"
        )


def compare(
    delivery: Delivery, tokens: Sequence[bytes], outcomes: Reported, service: Service, left: int
) -> Verdict:
    """Compare the records."""
    last, once = outcomes.last, delivery is Delivery.AT_MOST_ONCE
    lost = [each for each in tokens if each not in service.accepted and _claimed(last.get(each))]
    twice = [each for each in tokens if len(service.accepted.get(each, ())) > 1]
    states = Counter(str(outcome.state) for outcome in last.values())
    return Verdict(
        submitted=len(tokens),
        accepted=len(service.accepted),
        lost=len(lost),
        presumed_lost=sum(each in last and last[each].state is State.PRESUMED for each in lost),
        duplicated=len(twice),
        inexcusable=len(twice) if once else sum(not service.doubtful(each) for each in twice),
        unknown=states[State.UNKNOWN],
        unreported=sum(each not in last for each in tokens),
        wrong=sum(_wrong(each, outcome, service, once) for each, outcome in last.items()),
        twice=sum(not _once(each) for each in outcomes.states.values()),
        left=left,
        states=dict(states),
        reasons=dict(Counter(each.reason for each in last.values() if each.state is State.REJECTED)),
    )  # fmt: skip


def _claimed(outcome: Outcome | None) -> bool:
    return outcome is None or outcome.state in TAKEN


def _once(states: Sequence[tuple[State, bool]]) -> bool:
    """One terminal outcome; what follows are corrections of a presumption, one for each late error."""
    presumptions = all(state is State.PRESUMED for state, _ in states[:-1])
    return presumptions and [corrects for _, corrects in states] == [False] + [True] * (len(states) - 1)


def _wrong(token: bytes, outcome: Outcome, service: Service, once: bool) -> bool:
    """Whether this is not what happened; lost ones are counted as such."""
    state, took = outcome.state, token in service.accepted
    refused = service.refused.get(token, set())
    if state in TAKEN:
        return False
    if state is State.UNKNOWN:
        return not (once and service.is_silent(token))
    if took and not service.silent.intersection(service.accepted[token]):
        return True
    if state is State.REJECTED:
        return outcome.status not in refused
    if state is State.SUPPRESSED:
        return not service.kills(refused)
    return not (state is State.FAILED and (refused or service.silent))


def total(states: Mapping[str, int], *wanted: State) -> int:
    """How many ended in one of these states."""
    return sum(states.get(str(state), 0) for state in wanted)
