"""All that a plug-in imports of pushgate: ``from pushgate.plugin import SinkFactory, SinkTable, …``.

* An input: `InputFactory`, `InputTable` (`ListeningTable` for one with a port) and `IInput`. It submits a
  `Submission` of `Packed` tokens under `Terms` to `IGateway`, and asks `Context.principals` about callers.
  An `IHub` of `Context.hubs` takes sends to tags.
* A sink: `SinkFactory`, `SinkTable`, and `Sink` to derive from or `IOutcomeSink` to implement; `IHistory`
  when it remembers, `IReplays` with `ReplayPage` when it can replay. It is given `Outcome` and `DeadToken`;
  `ndjson` writes them as records.
* An upstream: `UpstreamFactory`, `AppTable`, `IUpstream`; `IProving`, `IInFlight` and
  `IHasChannels` are optional. It takes each `BatchSlice` from `IWork` and settles it with a `Verdict`; `Step`
  and `Event` report its way.
* Any of them with heavy imports: `LazyInput`, `LazySink`, `LazyUpstream`.
* Checks for `pushgate doctor`: `IDiagnosable`, which yields each `Finding` of a `Level`, and is given an
  `Examination`; `ok`, `warning` and `failure` make findings, `guarded` keeps checks apart.
* Configuration: `Duration`, `FilePath`, `HostName`, `Port`, `ServerEndpoint`, `AppName`, `PrincipalName`,
  `Table`. A mistake in it is a `CannotStart`; one in a caller's request is a `Refusal`.

The fakes for tests are in `pushgate.testing`. Everything else may change from release to release.
"""

from pushgate.model.batch_slice import BatchSlice
from pushgate.model.channel import Channel, StoragePolicy
from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from pushgate.model.errors import (
    CannotStart,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    NotLoggedIn,
    Overloaded,
    PushgateError,
    Refusal,
    ServiceFailed,
    ShuttingDown,
    SinkDown,
    TooFast,
    TooLarge,
    TooOften,
    UnknownApp,
)
from pushgate.model.finding import Finding, Level, failure, ok, warning
from pushgate.model.history import Event, Step
from pushgate.model.metrics import Metrics
from pushgate.model.notification import Batch, Delivery, Priority, Submission, Terms, parse_id
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.outcome import DeadToken, Outcome, Report, State, Verdict
from pushgate.model.outcome_record import Tokens, id_text, ndjson
from pushgate.model.packed import Packed
from pushgate.model.principals import Operation, Principal, Principals
from pushgate.model.send_test import SendTestResult, TriedDevice
from pushgate.model.target import TargetForm
from pushgate.model.trace import NotificationTrace
from pushgate.plugin.checks import guarded
from pushgate.plugin.context import Context
from pushgate.plugin.examination import Examination, IDiagnosable
from pushgate.plugin.factories import (
    InputFactory,
    LazyInput,
    LazySink,
    LazyUpstream,
    Sink,
    SinkFactory,
    UpstreamFactory,
)
from pushgate.plugin.factory_interfaces import IInputFactory, IOutcomeSinkFactory, IUpstreamFactory
from pushgate.plugin.gateway_interface import IGateway, Receipt, Settled
from pushgate.plugin.hub_interface import IHub
from pushgate.plugin.input_interface import IInput
from pushgate.plugin.mdm_interface import IEnrolments, IManagedDevices, IWakesDevices
from pushgate.plugin.optional_interfaces import IAddressed, IReadsFiles
from pushgate.plugin.settings import (
    AppName,
    AppTable,
    Duration,
    FilePath,
    HostName,
    InputTable,
    ListeningTable,
    Port,
    PrincipalName,
    ServerEndpoint,
    SinkTable,
    Table,
)
from pushgate.plugin.sink_interface import IHistory, IOutcomeSink, IReplays, ReplayPage
from pushgate.plugin.upstream_interface import (
    IChannels,
    IDeclaresRules,
    IHasChannels,
    IInFlight,
    IProving,
    IUpstream,
    IWork,
    RouteState,
    UpstreamState,
)

__all__ = [
    "AppName", "AppTable", "Batch", "BatchSlice", "CannotStart", "Channel", "Conflict", "Context",
    "DeadReason", "DeadToken", "DeadTokenEntry", "Delivery", "Duration", "Event", "Examination",
    "FilePath", "Finding", "Forbidden", "HostName", "IAddressed", "IChannels", "IDeclaresRules",
    "IDiagnosable", "IEnrolments", "IGateway", "IHasChannels", "IHistory", "IHub", "IInFlight",
    "IInput", "IInputFactory", "IManagedDevices", "IOutcomeSink", "IOutcomeSinkFactory", "IProving",
    "IReadsFiles", "IReplays", "IUpstream", "IUpstreamFactory", "IWakesDevices", "IWork",
    "InputFactory", "InputTable", "Invalid", "LazyInput", "LazySink", "LazyUpstream", "Level",
    "ListeningTable", "Metrics", "NotFound", "NotLoggedIn", "NotificationRules", "NotificationTrace",
    "Operation", "Outcome", "Overloaded", "Packed", "Port", "Principal", "PrincipalName", "Principals",
    "Priority", "PushgateError", "Receipt", "Refusal", "ReplayPage", "Report", "RouteState",
    "SendTestResult", "ServerEndpoint", "ServiceFailed", "Settled", "ShuttingDown", "Sink", "SinkDown",
    "SinkFactory", "SinkTable", "State", "Step", "StoragePolicy", "Submission", "Table", "TargetForm",
    "Terms", "Tokens", "TooFast", "TooLarge", "TooOften", "TriedDevice", "UnknownApp",
    "UpstreamFactory", "UpstreamState", "Verdict", "failure", "guarded", "id_text", "ndjson", "ok",
    "parse_id", "warning",
]  # fmt: skip
