"""One step of an import: some lines are applied together with how far the job is."""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from pushgate.database.interface import Session
from pushgate.hub.jobs.lines import Chunk, result
from pushgate.hub.jobs.registrar import Registrar
from pushgate.hub.store.jobs import KeptJob, advance
from pushgate.model.errors import Refusal
from pushgate.model.hub.registration import Registration
from pushgate.model.store_down import StoreDown

LINES: Final = 500
"""Lines that are applied at a time."""


def apply_chunk(
    session: Session, registrar: Registrar, kept: KeptJob, chunk: Chunk, owner: str, lease: float
) -> tuple[KeptJob, Sequence[Registration]]:
    """Apply lines in one transaction with the position behind them, so that a crash does none twice.

    Returns the job as it is kept then, and the registrations that were applied.

    :raises LostJob: it is another gateway's by now; nothing was done.
    """
    output, failed, applied = [], [], []
    for line in chunk.lines:
        if isinstance(line.found, str):
            failed.append(result(line.number, line.found))
            continue
        try:
            output.append(result(line.number, registrar.apply(session, kept.job.request.type, line.found)))
            applied.append(line.found)
        except StoreDown:
            raise
        except Refusal as error:
            failed.append(result(line.number, str(error)))
    position = replace(
        kept.position.settled(),
        line=chunk.line,
        offset=chunk.offset,
        output="".join(output),
        failed="".join(failed),
    )
    progress = 100.0 * chunk.offset / chunk.size if chunk.size else 100.0
    job = replace(kept.job, progress=round(min(progress, 100.0), 2))
    return advance(session, KeptJob(job, position), owner, lease), applied
