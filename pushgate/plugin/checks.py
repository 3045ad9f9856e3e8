"""Running the checks of a plug-in: what bounds them, and what becomes of their own failures."""

import traceback
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as TimedOut

from pushgate.model.finding import Finding, failure, ok
from pushgate.plugin.examination import Examination

ITSELF: Final = "check-failed"
"""The check of a finding about a check that failed."""
PATIENCE: Final = 6.0
"""A finding has this many times the time-out of one step on the network."""


async def guarded(findings: AsyncIterator[Finding], examination: Examination) -> AsyncIterator[Finding]:
    """The findings of checks, and one more when they raise an exception or do not go on in time.

    For each of several checks that do not depend on one another, so that one that fails does not end the
    others.
    """
    while True:
        step: Deferred[Finding | None] = Deferred.fromCoroutine(_next(findings))
        try:
            found = await step.addTimeout(PATIENCE * examination.timeout, examination.reactor)
        except CancelledError:
            raise
        except TimedOut:
            yield _failed(f"no end after {PATIENCE * examination.timeout:g} s")
            return
        except Exception as error:  # noqa: BLE001 - a plug-in's code; it becomes a finding
            yield _failed(f"{type(error).__name__} in {_place(error)}")
            return
        if found is None:
            return
        yield found


async def without_checks(description: str) -> AsyncIterator[Finding]:
    """The one finding about a plug-in that has no checks.

    :param description: what it is: ``sink "pigeon"``.
    """
    yield ok("no-checks", f"{description} has no checks of its own")


async def _next(findings: AsyncIterator[Finding]) -> Finding | None:
    return await anext(findings, None)


def _failed(why: str) -> Finding:
    return failure(
        ITSELF,
        f"the check itself failed: {why}",
        "what it would have looked at is not known; nothing else is affected",
        "report it to the authors of the plug-in, with this line and the version",
    )


def _place(error: Exception) -> str:
    """The file and line an exception comes from. Its text may hold anything, and is not shown."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{'/'.join(Path(frame.filename).parts[-2:])}, line {frame.lineno}"
