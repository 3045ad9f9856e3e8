"""The gateway, as inputs see it. Everything runs in the reactor's thread."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from zope.interface import Interface

from pushgate.model.dead_token import DeadTokenEntry
from pushgate.model.errors import Refusal
from pushgate.model.notification import Submission
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.outcome import Outcome, Report
from pushgate.model.send_test import SendTestResult
from pushgate.model.trace import NotificationTrace
from pushgate.plugin.mdm_interface import IEnrolments
from pushgate.plugin.sink_interface import IOutcomeSink, IReplays
from pushgate.plugin.upstream_interface import IChannels

Settled = Callable[[Sequence[Outcome]], None]
"""Called with outcomes of one batch."""


class Receipt(msgspec.Struct, frozen=True):
    """The answer to a submission that was accepted at least in part.

    :param id: of the batch; member *i* has `id` + *i*.
    :param count: notifications submitted.
    :param refused: those not taken, by index, ascending, each with the reason.
    :param repeated: the same was accepted before under the same idempotency key; nothing is sent again.
    """

    id: int
    count: int
    refused: tuple[tuple[int, Refusal], ...] = ()
    repeated: bool = False


class IGateway(Interface):
    """The gateway as inputs see it. Provided by the gateway, called by inputs."""

    def submit(
        submission: Submission, input_name: str, settled: Settled | None = None
    ) -> "Deferred[Receipt]":
        """Accept notifications; fires once they are as safe as the spool makes them.

        Fails with a `Refusal` when the submission as a whole is refused; a receipt may refuse every member,
        each for its own reason.

        :param input_name: for the metrics.
        :param settled: called each time some of these notifications got their outcome, once the spool has it;
            possibly before the receipt is there. Each accepted one is among the outcomes once; corrections
            of `presumed` are not reported. Not called when the same key was used before, nor after a restart
            for notifications that are found in the spool.
        """

    def test_send(submission: Submission, input_name: str, patience: float) -> "Deferred[SendTestResult]":
        """Submit for at most ten devices, and wait for what becomes of each.

        Fires when all have their outcome or the time is over; what has none by then is still on its way.
        Fails as `submit` does, with `TooLarge` for more devices, and with `TooOften` when the app had ten
        test sends in the last minute, through whichever input.

        :param patience: seconds to wait, 30 at most.
        """

    def status(number: int) -> "Outcome | Deferred[Outcome]":
        """The last outcome of the notification with this id, over a slice of one member.

        Its state is QUEUED or WRITTEN while the notification is on its way. Raises `NotFound`, or returns a
        Deferred that fails with it: only the spool or a history may know.
        """

    def trace(number: int) -> "Deferred[NotificationTrace]":
        """The outcomes of the notification with this id, and what happened to it step by step.

        Fails with `NotFound`.
        """

    def cancel(number: int) -> "bool | Deferred[bool]":
        """Withdraw a notification; False when it was written already or is done.

        Raises `NotFound`, or returns a Deferred that fails with it.
        """

    def flush(number: int) -> "Deferred[int]":
        """Prove what the app of this notification or batch has written; fires with how many were accepted.

        Outcomes that were `presumed` are corrected. Fails with `NotFound`, with `Invalid` when the app cannot
        or may not do this, and with `Overloaded` when it was done only just now: it costs connections.
        """

    def withdraw(numbers: Collection[int]) -> None:
        """Cancel what was not written yet of the batches with these ids.

        Their outcome is `cancelled`, which callbacks and sinks get as any other. Batches that only the spool
        has are not withdrawn.
        """

    def caught_up() -> "Deferred[None]":
        """Fires when the sinks of the configuration have taken the reports until now, or are down.

        For an input whose caller keeps its messages until they are answered.
        """

    def attach(name: str, sink: "IOutcomeSink", buffer: int) -> Callable[[], None]:
        """Report every later outcome to `sink` too, until the returned callable is called.

        :param buffer: reports that may wait for it; others are dropped for this sink and counted.
        :raises ValueError: a sink of this name is attached already.
        """

    def sampler(limit: int) -> "IOutcomeSampler":
        """Begin to keep a sample of the outcomes, for pages that show them, until it is closed.

        It costs next to nothing however many there are, and nothing is counted as dropped.

        :param limit: notifications of each app that come to one state, from one `take` to the next.
        """

    def replays() -> "IReplays | None":
        """The sink of the configuration that can replay what it was given; None without one."""

    def dead_tokens(app: str, after: bytes, limit: int) -> list[DeadTokenEntry]:
        """At most `limit` dead tokens of an app in the order of the tokens, beginning behind `after`.

        Raises `UnknownApp`.
        """

    def dead_token(app: str, token: bytes) -> DeadTokenEntry | None:
        """The entry of one token; None when it is not known to be dead. Raises `UnknownApp`."""

    def bury(app: str, deaths: Sequence[DeadTokenEntry]) -> "Deferred[int]":
        """Enter dead tokens; fires once they are safe, with the number of those that were not known.

        Raises `UnknownApp`, `ShuttingDown`, and `TooLarge` when the app's index of dead tokens is full.
        """

    def forget(app: str, tokens: Sequence[bytes]) -> "Deferred[int]":
        """Remove dead tokens; fires once that is safe, with the number of those that were known.

        Raises `UnknownApp` and `ShuttingDown`.
        """

    def has_app(app: str) -> bool:
        """Return True if an app of this name is configured."""

    def reload() -> "Deferred[list[str]]":
        """Read the configuration again and apply it; fires with a line for each change.

        Fails with `CannotStart`, one line for each fault: then nothing has changed.
        """

    def pace_app(app: str, rate: float) -> None:
        """Have an app send at most `rate` notifications per second, 0 for no limit, until a restart.

        Raises `UnknownApp` or `Invalid`.
        """

    def pace_batch(number: int, rate: float) -> "bool | Deferred[bool]":
        """Set the rate of the batch that holds this id, and of those that share its pace, until a restart.

        False when all of the batch is done. Raises `Invalid` or `NotFound`, or returns a Deferred that fails
        with it.
        """

    def pressed(app: str, relieved: Callable[[], None]) -> Callable[[], None] | None:
        """Check, after a submission, whether the queue is nearly full: then its sender should pause.

        None when there is room, and for an app that is not configured. Else `relieved` is called once, in a
        turn of its own, when the queue has drained to four fifths of its limit or the gateway stops; the
        callable that is returned cancels that. See `pushgate.inputs.common.backpressure`.
        """

    def accepting() -> bool:
        """Return True until a stop begins: new submissions are accepted."""

    def rules(app: str) -> NotificationRules:
        """Return what the push service of this app takes. Raises `UnknownApp`."""

    def channels(app: str) -> "IChannels":
        """Return the channels of an app.

        Raises `UnknownApp`, `ShuttingDown`, and `Invalid` when its upstream has none.
        """

    def enrolments(app: str) -> IEnrolments:
        """Return the managed devices of an app.

        Raises `UnknownApp`, `ShuttingDown`, and `Invalid` when the app is not for MDM.
        """

    def max_payload(app: str) -> int:
        """The largest size of a payload of this app in bytes. Raises `UnknownApp`."""

    def stats() -> dict[str, Any]:
        """Queues, windows, connections, circuits and counts, ready for JSON."""


class IOutcomeSampler(Interface):
    """A sample of the outcomes. Provided by the gateway, called by who asked for it."""

    def take() -> list[Report]:
        """The first reports of each app and state since the last call; some are cut to fit."""

    def close() -> None:
        """Keep nothing more. Harmless when it is closed."""
