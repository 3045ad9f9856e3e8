"""What reports of the gateway say, kept in one transaction."""

from collections.abc import Mapping, Sequence

from pushgate.database.interface import Session
from pushgate.hub.store import feedback, outcomes, pruning
from pushgate.hub.store.feedback import Entry
from pushgate.hub.store.outcomes import Reported
from pushgate.hub.store.pruning import Death
from pushgate.model.hub.platform import Platform


def keep(
    session: Session,
    reported: Sequence[Reported],
    entries: Sequence[Entry],
    deaths: Sequence[Death],
    replaced: Sequence[tuple[Platform, bytes, bytes]],
) -> tuple[Mapping[tuple[Platform, str], int], int]:
    """Keep them; return the outcomes that are new, and how many registrations were deleted."""
    counted = outcomes.record(session, reported)
    feedback.keep(session, entries)
    for platform, old, new in replaced:
        pruning.replace_handle(session, platform, old, new)
    return counted, pruning.prune(session, deaths)
