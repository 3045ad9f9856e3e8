"""Work of `IDatabase.write_together` that is done for one call alone."""

from collections.abc import Callable, Sequence
from typing import Any

from pushgate.database.interface import Session


def alone(session: Session, work: Callable[[Session, Sequence[Any]], Sequence[Any]], argument: Any) -> Any:
    """Do the work of one call; return what it fires with, or raise what it fails with."""
    [result] = work(session, [argument])
    if isinstance(result, Exception):
        raise result
    return result
