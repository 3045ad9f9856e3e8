"""Sinks. Everything runs in the reactor's thread."""

from collections.abc import Callable, Sequence

import msgspec
from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from pushgate.model.outcome import Outcome, Report


class ReplayPage(msgspec.Struct, frozen=True):
    """A part of what a sink keeps, in the order of positions.

    :param after: the position behind which it begins.
    :param end: the position behind which the next page begins.
    :param reports: each with the position of its first notification; the others have the numbers that follow.
    :param missing: some that were kept behind `after` are gone, or `after` is no position that was given.
    """

    after: int
    end: int
    reports: tuple[tuple[int, Report], ...] = ()
    missing: bool = False


class IOutcomeSink(Interface):
    """Takes the outcomes of notifications. Provided by sink plug-ins, called by the gateway."""

    def start() -> None:
        """Open what is needed; called once, before the first report. An exception stops the start."""

    def emit(reports: Sequence[Report]) -> "Deferred[None] | None":
        """Take the reports since the last call. Not called again before the returned Deferred fired.

        When it fails with `SinkDown` or OSError the same reports are given again, after a pause that grows to
        a minute, or is as long as the `SinkDown` asks for. Any other failure is logged and counted, and the
        reports are not given again.
        After a crash a sink of the configuration is given those it had not taken, and may see one twice.
        """

    def reopen() -> None:
        """Reopen files, which logrotate or an operator moved (SIGHUP)."""

    def stop() -> "Deferred[None] | None":
        """Flush and close; called once, after the last report."""


class IHistory(Interface):
    """Optional for sinks: they keep outcomes, and the gateway may ask for those it has forgotten."""

    def outcomes(number: int) -> "Deferred[list[Outcome]]":
        """Those of the notification with this id, in the order of `emit`; [] when none is known.

        Each has a slice of one member, over a batch that needs only its id, app, input, the time of its
        acceptance, and the token at its place: as the sink keeps it, or b"".
        """


class IReplays(Interface):
    """Optional for sinks: they give each notification that is reported a position, and can replay from any.

    Positions are whole numbers from 1 that only grow, over restarts too; some may be left out.
    """

    epoch = Attribute(
        "1 to 32 letters and digits that name this sequence of positions, once it is started."
        " Positions of another one mean nothing here."
    )

    def replay(after: int | None) -> "Deferred[ReplayPage]":
        """What is kept behind a position, as much as is read at once; no reports when nothing is.

        :param after: 0 for all that is kept; None for nothing but the position of the last that is.
        """

    def follow(kept: Callable[[ReplayPage | None], None]) -> Callable[[], None]:
        """Call `kept` with each page that is kept from now on, and with None when the sink stops.

        Until the returned callable is called. A page may leave out what was kept just before it: then its
        `after` shows that.
        """
