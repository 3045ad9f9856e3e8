"""What a hub makes of the gateway's reports: counts, entries of feedback, deaths, new handles. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from pushgate.hub.outcomes.names import HEALTHY
from pushgate.hub.store.feedback import Entry
from pushgate.hub.store.outcomes import Reported
from pushgate.model.dead_token import DeadTokenEntry
from pushgate.model.hub.platform import Platform
from pushgate.model.outcome import DeadToken, Outcome, Report, State
from pushgate.protocols.telemetry_names import OutcomeName, outcome_name

_REFUSED: Final = frozenset({State.REJECTED, State.SUPPRESSED})
"""States after which the handle may be known to be dead."""
FindDead = Callable[[str, bytes], DeadTokenEntry | None]
"""The entry of a target in the index of an app, as `IGateway.dead_token`."""


class Findings(msgspec.Struct):
    """What is to be kept.

    :ivar reported: of notifications of the hub.
    :ivar deaths: handles that are dead, with the Unix seconds since when.
    :ivar doubted: how many were refused that may be alive.
    :ivar replaced: platform, handle, and the one that takes its place.
    :ivar feedback: entries about no notification of the hub.
    """

    reported: list[Reported] = []
    deaths: list[tuple[Platform, bytes, float]] = []
    doubted: int = 0
    replaced: list[tuple[Platform, bytes, bytes]] = []
    feedback: list[Entry] = []

    def __bool__(self) -> bool:
        return bool(self.reported or self.deaths or self.replaced or self.feedback)


def find(
    reports: Sequence[Report], input_name: str, platforms: Mapping[str, Sequence[Platform]], dead: FindDead
) -> Findings:
    """Find what reports say.

    :param input_name: of notifications of the hub.
    :param platforms: those that send through each app.
    """
    found = Findings()
    for report in reports:
        of_app = platforms.get(report.app, ())
        if isinstance(report, DeadToken):
            _found_dead(found, report, of_app)
            continue
        if (
            report.span.batch.origin == input_name
        ):  # also when a reload has taken the app from the hub meanwhile
            found.reported.append(_reported(report, of_app[0] if of_app else None))
        if not of_app:
            continue
        if report.state in _REFUSED:
            _look_up(found, report, of_app, dead)
        elif report.state is State.REPLACED and report.replacement:
            old = report.span.tokens()[0]
            found.replaced += [(platform, old, report.replacement) for platform in of_app]
    return found


def name_of(outcome: Outcome) -> str:
    """The name of an outcome."""
    return str(outcome_name(outcome.upstream, outcome.state, outcome.status, outcome.reason))


def _reported(outcome: Outcome, platform: Platform | None) -> Reported:
    span, name = outcome.span, name_of(outcome)
    batch = f"{span.batch.id:032x}"
    entries: tuple[Entry, ...] = ()
    if platform is not None and (name not in HEALTHY or outcome.replacement):
        entries = tuple([
            Entry(
                at=outcome.at,
                platform=platform,
                handle=handle,
                name=str(OutcomeName.EXPIRED_CHANNEL) if outcome.replacement else name,
                batch=batch,
                new_handle=outcome.replacement,
            )
            for handle in span.tokens()
        ])  # fmt: skip
    return Reported(batch, span.start, span.recalled, name, len(span), platform, entries)


def _found_dead(found: Findings, report: DeadToken, platforms: Sequence[Platform]) -> None:
    name = str(OutcomeName.EXPIRED_CHANNEL)
    for platform in platforms:
        found.deaths.append((platform, report.token, float(report.since)))
        found.feedback.append(Entry(at=report.at, platform=platform, handle=report.token, name=name))


def _look_up(found: Findings, outcome: Outcome, platforms: Sequence[Platform], dead: FindDead) -> None:
    for token in outcome.span.tokens():
        entry = dead(outcome.app, token)
        if entry is not None and entry.doubted:
            found.doubted += 1
        elif entry is not None:
            since = _since(entry, outcome)
            found.deaths += [(platform, token, since) for platform in platforms]


def _since(entry: DeadTokenEntry, outcome: Outcome) -> float:
    """Unix seconds of a death. Its entry has them whole; a refusal in the same second says more exactly when.

    Otherwise a device that registered and was refused within one second would count as registered again.
    """
    refused = outcome.state is State.REJECTED and int(outcome.at) == entry.since
    return outcome.at if refused else float(entry.since)
