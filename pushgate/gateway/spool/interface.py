"""The contract of the spool, which keeps what was accepted until its outcome is reported."""

from collections.abc import Mapping, Sequence

import msgspec
from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.dead_token import DeadTokenEntry
from pushgate.model.notification import Batch
from pushgate.model.outcome import Report


class Kept(msgspec.Struct, frozen=True):
    """A batch that a spool kept.

    :param left: runs of members that are not settled.
    :param intended: runs that may have been written under at-most-once.
    :param restarted: it was accepted before this process began.
    """

    batch: Batch
    left: tuple[tuple[int, int], ...]
    intended: tuple[tuple[int, int], ...] = ()
    restarted: bool = False


class Page(msgspec.Struct, frozen=True):
    """The next batches of an app and priority that a spool kept.

    :param kept: those of which something is left.
    :param last: the order of the last batch that was looked at, whether something is left of it or not.
    :param more: whether more may come behind it.
    """

    kept: tuple[Kept, ...]
    last: int
    more: bool


class Undelivered(msgspec.Struct, frozen=True):
    """What a spool kept for the sinks.

    :param reports: by the number they were kept under, ascending.
    :param finished: orders of the batches of which nothing else is left.
    :param taken: the last number whose reports a sink has taken, with all before it, by the sink's name.
    """

    reports: tuple[tuple[int, tuple[Report, ...]], ...] = ()
    finished: tuple[int, ...] = ()
    taken: dict[str, int] = {}


class ISpool(Interface):
    """Keeps accepted batches until they are settled. Called by the gateway only."""

    pages = Attribute("Whether `page` gives back what was appended, so that it need not stay in memory.")

    def start() -> None:
        """Open what is needed; called once, before anything else. Raises `CannotStart`."""

    def append(batch: Batch, key: str | None) -> "Deferred[int]":
        """Keep a batch; fires with its id once it is as safe as this spool makes it.

        With an idempotency key that was used for the same app and content, keeps nothing and fires with the
        first id. Fails with `Conflict` when the content differs, with `Overloaded` when there is no room.
        """

    def settle(number: int, reports: Sequence[Report]) -> "Deferred[None]":
        """Keep reports until `delivered`, and note that the notifications they are about are done.

        Fires after the next commit; when that finds no room it fires too, and a later commit keeps them.

        :param number: of this call, larger than any before.
        """

    def delivered(numbers: Sequence[int], finished: Sequence[int]) -> None:
        """Forget the reports of these calls of `settle`, and the batches of these orders: all is done.

        With the next commit; when there is no room, with the first for which there is.
        """

    def note_taken(numbers: Mapping[str, int]) -> None:
        """Note up to which call of `settle` each sink has taken the reports, so that it gets them once only.

        :param numbers: by the sink's name; those of other sinks stay.
        """

    def intend(spans: Sequence[BatchSlice]) -> "Deferred[None]":
        """Note that these are about to be written and must not be written twice.

        Fires once that is safe, however long it takes; never fails.
        """

    def forgo(spans: Sequence[BatchSlice]) -> None:
        """Note that these were not written after all, whatever was intended."""

    def page(app: str, priority: int, after: int, limit: int) -> "Deferred[Page]":
        """The next batches of an app and priority after the one of order `after`, until they have `limit`
        bytes of tokens and payloads, those included of which nothing is left: a sink may not know yet what
        became of very many."""

    def find(number: int) -> "Deferred[Kept | None]":
        """The batch that holds the notification with this id, None when it is not kept."""

    def waiting() -> dict[tuple[str, int], int]:
        """At the start: how many notifications are kept and not settled, by app and priority."""

    def last_order() -> int:
        """At the start: the order of the batch accepted last, 0 when none is kept."""

    def undelivered() -> Undelivered:
        """At the start: the reports that the sinks have not taken."""

    def bury(app: str, deaths: Sequence[DeadTokenEntry]) -> "Deferred[None]":
        """Keep dead tokens of an app; of two times of one token the later stands.

        Fires once that is safe, however long it takes; never fails. So does `unbury`; what is asked for
        first is done first.
        """

    def unbury(app: str, tokens: Sequence[bytes]) -> "Deferred[None]":
        """Keep these tokens of an app no more."""

    def confirm(app: str) -> None:
        """Note that those dead tokens of an app which were in doubt are certain."""

    def dead(app: str, after: bytes, limit: int) -> "Deferred[list[DeadTokenEntry]]":
        """At most `limit` dead tokens of an app in the order of the tokens, beginning behind `after`."""

    def close() -> "Deferred[None]":
        """Write what is left and close."""
