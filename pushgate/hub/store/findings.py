"""What reports of the gateway say, kept in one transaction."""

from collections.abc import Sequence

from pushgate.hub.store import feedback, outcomes, pruning
from pushgate.hub.store.feedback import Entry
from pushgate.hub.store.interface import Session
from pushgate.hub.store.outcomes import Reported
from pushgate.hub.store.pruning import Death
from pushgate.model.hub.platform import Platform


def keep(
    session: Session,
    reported: Sequence[Reported],
    entries: Sequence[Entry],
    deaths: Sequence[Death],
    replaced: Sequence[tuple[Platform, bytes, bytes]],
) -> tuple[list[str], int]:
    """Keep them; return the sends that ended with it, and how many registrations were deleted."""
    ended = outcomes.record(session, reported)
    feedback.keep(session, entries)
    for platform, old, new in replaced:
        pruning.replace_handle(session, platform, old, new)
    return ended, pruning.prune(session, deaths)
