"""Upstreams, and an app's queue as they see it. Everything runs in the reactor's thread."""

from collections.abc import Sequence

import msgspec
from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.channel import Channel, StoragePolicy
from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from pushgate.model.notification import Batch
from pushgate.model.outcome import Verdict


class RouteState(msgspec.Struct, frozen=True):
    """The state of one origin of a push service that failed last.

    :param circuit: the cause.
    :param circuit_open: whether no connection to it counts as usable now.
    """

    circuit: str
    circuit_open: bool = False


class UpstreamState(msgspec.Struct, frozen=True, kw_only=True):
    """The state of an upstream, for operators.

    :param connections: their number by state: connecting, ready, spare, draining.
    :param window: notifications written and not settled.
    :param delayed: notifications that wait to be sent again: their device or the service had too many.
    :param circuit: the cause of the last failure since the service was last of use, "" without one.
    :param circuit_open: whether no connection counts as usable now.
    :param certificate_expires: Unix seconds.
    :param routes: of a push service with many origins, those that failed last.
    :param response_timeout: seconds after which silence counts as acceptance; None where the service answers.
    """

    connections: dict[str, int]
    window: int
    delayed: int = 0
    circuit: str = ""
    circuit_open: bool = False
    certificate_expires: float | None = None
    routes: dict[str, RouteState] = {}
    response_timeout: float | None = None


class IWork(Interface):
    """One app's queue, as its upstream sees it. Provided by the gateway, called by the upstream."""

    def take(limit: int, idle: bool) -> list[BatchSlice]:
        """Take at most `limit` notifications to write now; empty when none may go now: `wake` follows.

        They are screened: what expired meanwhile or goes to a dead token gets its outcome and is left out.
        A span that must be alone is returned only when `idle` says that nothing is in flight, and then alone.
        """

    def depth() -> int:
        """Notifications waiting."""

    def has_suspects() -> bool:
        """Whether spans wait that must travel alone: one connection should fall idle for them."""

    def settle(verdicts: Sequence[Verdict]) -> None:
        """Report what became of spans that were taken."""

    def requeue(spans: Sequence[BatchSlice]) -> None:
        """Give back spans that were taken and have no verdict; they go to their old places in the queue."""

    def expire(spans: Sequence[BatchSlice], down_since: float | None) -> list[BatchSlice]:
        """Settle those of spans that were taken which should not be written any more; return the rest.

        For an upstream with a queue of its own for a part of its service, after they have waited there.

        :param down_since: monotonic seconds since when that part is of no use; None while it is.
        """

    def tokens_died(deaths: Sequence[DeadTokenEntry]) -> "Deferred[None]":
        """Report tokens that the feedback service lists as dead; once for all that came at a time.

        Fires once they are as safe as the spool makes them, however long it takes, and were acted on; never
        fails.
        """

    def token_rejected(
        token: bytes, first: bool, reason: DeadReason = DeadReason.INVALID_TOKEN, since: int | None = None
    ) -> bool:
        """Note that the push service rejected this token as dead, before later spans are requeued.

        :param first: nothing was accepted before it on the same connection, or that is not known.
        :param since: Unix seconds of the death, as the service says; None: now.

        Returns True when so many in a row were, that the environment is suspect rather than the tokens.
        """

    def reachable(yes: bool) -> None:
        """Say whether the push service is of use; while it is not, what waits too long expires."""


class IUpstream(Interface):
    """Sends one app's notifications. Provided by upstream plug-ins, called by the gateway."""

    def start() -> None:
        """Begin connecting; called once, before any work is there."""

    def wake() -> None:
        """Note that there is work to take. Called once per accepted batch, so it must cost little."""

    def stop() -> "Deferred[None]":
        """Take no more, settle what is in flight as far as possible, close; fires when all is closed.

        The rest is requeued. Called at the end, without a `start` before it when the gateway's start was cut
        short, and when a reload puts another upstream of the same app in its place, which is at work by
        then. Not bounded in time: the gateway calls `abort` when it has waited long enough.
        """

    def abort() -> None:
        """Close at once; slices in flight get verdicts or are requeued. Harmless when all is closed."""

    def state() -> UpstreamState:
        """Its state; called at each scrape of the metrics."""


class IProving(Interface):
    """Optional for upstreams: the push service can be made to prove what it accepted, at a price."""

    def prove() -> "Deferred[int] | None":
        """Prove the notifications written up to now, and report them to `IWork.settle` as accepted.

        Those that were reported as presumed are reported again, with `recalled` set. Fires with the number
        of notifications proven, when no more can be, in bounded time; None when nothing is in doubt. Not
        called again before that. Raises `Invalid` when the configuration does not allow it.
        """


class IDeclaresRules(Interface):
    """Optional for upstreams: what they take depends on their configuration, not only on their kind."""

    rules = Attribute("The `NotificationRules` that hold in place of the factory's.")


class IChannels(Interface):
    """The channels of one app at its push service, to which broadcasts go.

    Each method fails with `NotFound` when there is no such channel, `Invalid` or `TooLarge` for what the
    service will not do, `Overloaded` when it was asked for too much, and `ServiceFailed` when it could not be
    reached, refused the app's credential or gave no answer: the texts have the service's own reason.
    """

    def create_channel(policy: StoragePolicy) -> "Deferred[str]":
        """Make a channel; fires with its id."""

    def list_channels() -> "Deferred[list[str]]":
        """The ids of all channels, in their order as text."""

    def read_channel(channel: str) -> "Deferred[Channel]":
        """The channel with this id."""

    def delete_channel(channel: str) -> "Deferred[None]":
        """Delete the channel with this id: nothing can be sent to it any more."""


class IHasChannels(Interface):
    """Optional for upstreams: their push service has channels, which can be made and deleted."""

    channels = Attribute("Provides `IChannels`. May be used from the start of the upstream to its stop.")


class IInFlight(Interface):
    """Optional for upstreams: the slices in flight can be looked up, for `Status` and `NotificationTrace`."""

    def find(batch: Batch, index: int) -> BatchSlice | None:
        """The slice in flight that holds this member of the batch; None when there is none."""
