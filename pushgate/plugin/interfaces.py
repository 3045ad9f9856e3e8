"""The contracts with plug-ins: the provider, the caller, when each method is called, and what it raises.

Everything runs in the reactor's thread.
"""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.defer import Deferred, maybeDeferred
from zope.interface import Attribute, Interface

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.channel import Channel, StoragePolicy
from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from pushgate.model.errors import Refusal
from pushgate.model.finding import Finding
from pushgate.model.metrics import Metrics
from pushgate.model.notification import Batch, Submission
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.outcome import Outcome, Report, Verdict
from pushgate.model.principals import Principals
from pushgate.model.send_test import SendTestResult
from pushgate.model.trace import NotificationTrace
from pushgate.plugin.hub_interface import IHub
from pushgate.plugin.mdm_interface import IEnrolments, IManagedDevices
from pushgate.plugin.settings import AppTable, InputTable, SinkTable, Table

Settled = Callable[[Sequence[Outcome]], None]
"""Called with outcomes of one batch."""
InThread = Callable[..., Deferred[Any]]
"""Calls a function with arguments; fires with what it returns, or fails with what it raises."""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """The surroundings of a plug-in, which it uses instead of globals.

    :param reactor: the clock and the network; provides IReactorTime, IReactorTCP and the like.
    :param wall: Unix seconds.
    :param jitter: a number from 0 to 1, new at each call.
    :param state_dir: the directory for files; None when nothing outlives the process.
    :param principals: the permissions of callers; by default everything is permitted.
    :param files_scarce: whether so many files are open that an input must refuse further connections.
    :param hubs: the hubs of the configuration, by name.
    :param in_thread: calls what waits for a disk, in another thread than the reactor's; by default at once.
    :param managed_devices: the enrolments of apps that are for MDM.
    """

    reactor: Any
    wall: Callable[[], float]
    jitter: Callable[[], float]
    metrics: Metrics
    state_dir: Path | None = None
    principals: Principals = msgspec.field(default_factory=Principals)
    files_scarce: Callable[[], bool] = bool
    hubs: dict[str, IHub] = {}
    in_thread: InThread = maybeDeferred
    managed_devices: IManagedDevices | None = None


class Examination(msgspec.Struct, frozen=True, kw_only=True):
    """The surroundings of checks, which they use instead of globals; see `IDiagnosable`.

    :param context: as plug-ins have it. No gateway is running in this process, and its metrics are shown
        nowhere.
    :param timeout: seconds for each step on the network: a name, a connection, a handshake, an answer.
    :param offline: nothing may use the network.
    """

    context: Context
    timeout: float = 10.0
    offline: bool = False

    @property
    def reactor(self) -> Any:
        """The clock and the network."""
        return self.context.reactor

    @property
    def wall(self) -> Callable[[], float]:
        """Unix seconds."""
        return self.context.wall


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
        """Begin to keep a sample of the outcomes, for those who look on, until it is closed.

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

        The rest is requeued. Called at the end, and when a reload puts another upstream of the
        same app in its place, which is at work by then. Not bounded in time: the gateway calls `abort` when
        it has waited long enough.
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


class IOutcomeSampler(Interface):
    """A sample of the outcomes. Provided by the gateway, called by who asked for it."""

    def take() -> list[Report]:
        """The first reports of each app and state since the last call; some are cut to fit."""

    def close() -> None:
        """Keep nothing more. Harmless when it is closed."""


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


class IReadsFiles(Interface):
    """Optional for inputs and sinks: they use the `files` of their table, which may be renewed."""

    def read_files() -> Callable[[], None]:
        """Read the files again, at a reload that finds one of them changed.

        Returns what has them used from now on; until it is called the old ones are. Raises `CannotStart` when
        one of them cannot be used: then the reload is refused.
        """


class IInput(Interface):
    """Receives notifications. Provided by input plug-ins, called when the gateway starts and stops."""

    def start() -> "Deferred[None]":
        """Begin listening; fires when it does, fails when it cannot."""

    def stop() -> "Deferred[None]":
        """Take nothing new, answer the submissions under way, close."""

    def addresses() -> list[str]:
        """The addresses on which it listens, for operators: ``["tcp 127.0.0.1:7215"]``."""


class IAddressed(Interface):
    """Optional for sinks and upstreams: they have addresses, for the list at the start."""

    def addresses() -> list[str]:
        """The addresses, once it is started: ``["http://127.0.0.1:7217/metrics"]``."""


class IPlugInFactory(Interface):
    """The attributes of all three kinds of plug-in factory."""

    name = Attribute("Its name in the configuration: the value of `type`, or of an app's `upstream`.")
    description = Attribute("One line for `pushgate plugins`.")
    config = Attribute(
        "Its table in the configuration: a class derived from `InputTable`, `SinkTable` or `AppTable`."
    )


class IDiagnosable(Interface):
    """Optional for factories of all kinds: their plug-in can be examined, for `pushgate doctor`.

    A factory that is made by `InputFactory`, `SinkFactory` or `UpstreamFactory` provides it.
    """

    def diagnose(name: str, config: Table, examination: Examination) -> AsyncIterator[Finding]:
        """The findings about one table of the configuration, in the order in which things are used.

        Nothing is started, and nothing may reach a device or take what a gateway needs. No finding may hold a
        secret. An exception becomes a finding, and ends the checks of this table; see `guarded`.

        :param name: of the table: of an app, sink or input.
        """


class IInputFactory(IPlugInFactory):
    """Makes inputs."""

    def input(name: str, config: InputTable, gateway: IGateway, context: Context) -> IInput:
        """An input called `name`, not yet listening. Raises `CannotStart` when its configuration is wrong."""


class IOutcomeSinkFactory(IPlugInFactory):
    """Makes sinks."""

    def sink(name: str, config: SinkTable, gateway: IGateway, context: Context) -> IOutcomeSink:
        """A sink called `name`, not yet open. Raises `CannotStart` when its configuration is wrong."""


class IUpstreamFactory(IPlugInFactory):
    """Makes upstreams."""

    rules = Attribute(
        "The `NotificationRules` of the push service: targets, push types, priorities, payloads."
    )

    def upstream(app: str, config: AppTable, work: IWork, context: Context) -> IUpstream:
        """An upstream for `app`, not yet started. Raises `CannotStart` when its configuration is wrong."""
