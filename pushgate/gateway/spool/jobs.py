"""What the reactor's thread asks of the spool's."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec
from twisted.internet.defer import Deferred

from pushgate.gateway.spool import batches, idempotency_keys
from pushgate.gateway.spool.dead_tokens import Burial
from pushgate.model.notification import Batch


class Append(msgspec.Struct, gc=False):
    """Keep a batch; what was kept under the same key before is reported in its place."""

    batch: Batch
    key: str | None
    digest: bytes
    done: "Deferred[int]"

    @property
    def app_key(self) -> idempotency_keys.AppKey | None:
        """What its idempotency key is looked up by."""
        return None if self.key is None else (self.batch.app, self.key)


class Intend(msgspec.Struct, gc=False):
    """Note ranges that are about to be written, which may not be written twice."""

    ranges: list[batches.Range]
    done: "Deferred[None]"


class Settle(msgspec.Struct, gc=False):
    """Note that ranges have an outcome, and keep the report until every sink has it.

    :param done: None once it has fired: when the commit failed this is owed, and nothing waits for it.
    """

    ranges: list[batches.Range]
    number: int
    body: bytes
    done: "Deferred[None] | None"


class Delivered(msgspec.Struct, gc=False):
    """Forget reports that every sink has, and batches of which nothing is left."""

    numbers: Sequence[int]
    finished: Sequence[int]


class Taken(msgspec.Struct, gc=False):
    """Note up to which number each sink has taken the reports."""

    numbers: Mapping[str, int]


class Forgo(msgspec.Struct, gc=False):
    """Take back an intention: nothing of these ranges was written."""

    ranges: list[batches.Range]


class Read(msgspec.Struct, gc=False):
    """Look something up, as of the last commit."""

    read: Callable[[batches.View], Any]
    done: "Deferred[Any]"


class Close(msgspec.Struct, gc=False):
    """Close the file after everything that came before."""

    done: "Deferred[None]"


Owed = Settle | Delivered | Taken | Intend | Forgo
"""What cannot be refused: it is owed until it is on the disk."""
Job = Append | Owed | Read | Close | Burial
URGENT: Final = (Append, Intend, Read, Close)
"""What is committed at once: an answer to a caller, a write, a start or a stop waits for it."""
Results = list[tuple["Deferred[Any]", Any]]

_T = TypeVar("_T")


def only(kind: type[_T], jobs: Sequence[Job]) -> list[_T]:
    """The jobs of one kind, in order."""
    return [job for job in jobs if isinstance(job, kind)]
