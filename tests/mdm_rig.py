"""A gateway with an app for MDM, a device, and an MDM server, all on a clock that tests move."""

from itertools import count

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater
from zope.interface import implementer

from pushgate.gateway.gateway import Gateway
from pushgate.gateway.limits import Limits
from pushgate.gateway.spool.memory import MemorySpool
from pushgate.mdm.enrolments import of_token
from pushgate.mdm.managed_devices import ManagedDevices
from pushgate.mdm.push_outcomes import INPUT_NAME
from pushgate.mdm.tables import MDM_SCHEMA
from pushgate.model.enrolment import EnrolmentRequest
from pushgate.model.metrics import Metrics
from pushgate.model.outcome import State
from pushgate.plugin.context import Context
from pushgate.plugin.mdm_interface import IWakesDevices
from pushgate.plugin.settings import AppTable
from pushgate.simulator.managed_device import ManagedDevice, Reaction
from pushgate.testing import RecordingUpstream, RecordingUpstreams
from tests.gateway_rig import EPOCH
from tests.hub_rig import MemoryDatabase
from tests.samples import TOKEN

TOPIC = "com.apple.mgmt.External.1"


@implementer(IWakesDevices)
class MdmUpstream(RecordingUpstream):
    """Hands each push to the device at once; the push service accepts it."""

    mdm_topic = TOPIC
    rig: "MdmRig"

    def wake(self) -> None:
        if self.rig.is_reachable:
            for span in self.take():
                for token, payload in zip(span.tokens(), span.payloads(), strict=True):
                    self.rig.deliver(span.batch.terms.topic or TOPIC, token, payload)
                self.settle(self.rig.answer[0], span, status=self.rig.answer[1], reason=self.rig.answer[2])


class SlowSpool(MemorySpool):
    """Takes `delay` seconds to keep a batch."""

    delay = 0.0

    def append(self, batch, key):
        return (
            deferLater(self._clock, self.delay, super().append, batch, key)
            if self.delay
            else super().append(batch, key)
        )


class MdmUpstreams(RecordingUpstreams):
    def __init__(self, rig: "MdmRig") -> None:
        super().__init__()
        self.rig = rig

    def upstream(self, app, config, work, context):
        made = self.made[app] = MdmUpstream(work)
        made.rig = self.rig
        return made


class MdmRig:
    """See the module.

    :ivar reactions: what the device did, and how many seconds after the start.
    :ivar answer: of the push service to every push.
    :ivar is_reachable: whether the push service takes pushes.
    """

    def __init__(
        self, database: MemoryDatabase | None = None, clock: Clock | None = None, is_reachable: bool = True
    ) -> None:
        self.clock = clock or Clock()
        self.spool = SlowSpool(self.clock)
        self.database = database or MemoryDatabase(self.wall, MDM_SCHEMA.steps)
        self.context = Context(reactor=self.clock, wall=self.wall, jitter=lambda: 0.0, metrics=Metrics())
        self.devices = ManagedDevices(self.context, self.database)
        self.reactions: list[tuple[float, Reaction]] = []
        self.answer = (State.ACCEPTED, 200, "")
        self.is_reachable = is_reachable
        self.device = ManagedDevice(topic=TOPIC, token=TOKEN, push_magic="right", enrolled_at=self.wall())
        self.gateway = Gateway(
            replace(self.context, managed_devices=self.devices),
            self.spool, Limits(), count(1).__next__,
        )  # fmt: skip
        self.gateway.add_app("devices", AppTable(upstream="recording"), MdmUpstreams(self))
        self.devices.serve(self.gateway, lambda sink: self.gateway.add_sink(INPUT_NAME, sink, 1000))
        self.devices.open()
        started: Deferred[None] = self.gateway.start()
        assert started.called
        self.devices.start()
        self.begun = self.clock.seconds()

    def wall(self) -> float:
        """Unix seconds."""
        return EPOCH + self.clock.seconds()

    def deliver(self, topic: str, token: bytes, payload: bytes) -> None:
        """A push reaches the device, which may call its MDM server; that reports it."""
        self.device, reaction = self.device.pushed(topic, token, payload, self.wall())
        self.reactions.append((round(self.clock.seconds() - self.begun, 1), reaction))
        if reaction is Reaction.TOKEN_UPDATE:
            self.clock.callLater(0.2, self.enrol, self.device.push_magic)
        if reaction in {Reaction.CHECK_IN, Reaction.TOKEN_UPDATE}:
            self.clock.callLater(0.3, self.check_in)

    def enrol(self, push_magic: str = "right", **fields):
        """The MDM server reports a TokenUpdate; return what it was answered."""
        request = EnrolmentRequest(token=TOKEN, push_magic=push_magic, **fields)
        return self.result(self.gateway.enrolments("devices").enrol(request))

    def check_in(self) -> bool:
        """The MDM server reports that the device called."""
        return self.result(self.gateway.enrolments("devices").check_in(TOKEN))

    def check_out(self, push_magic: str | None = None) -> bool:
        """The MDM server reports that the device left management."""
        return self.result(self.gateway.enrolments("devices").check_out(TOKEN, push_magic))

    def unenrol(self, is_lost: bool = False) -> None:
        """The device leaves management; the MDM server reports its CheckOut, unless that is lost."""
        self.device, reaction = self.device.unenrolled()
        if reaction is Reaction.CHECK_OUT and not is_lost:
            assert self.check_out()

    def enrolments(self):
        """What is kept of the device's token, the newest first."""
        return self.result(self.database.read(of_token, "devices", TOKEN))

    def diagnose(self):
        """The verdict of each cause that is not ruled out."""
        said = self.result(self.gateway.enrolments("devices").diagnose(TOKEN))
        return {each["cause"]: each["verdict"] for each in said["causes"] if each["verdict"] != "ruled out"}

    def result(self, asked):
        """What a Deferred has fired with; let the spool and the sinks do their turns."""
        results: list[object] = []
        asked.addBoth(results.append)
        self.run(0.0)
        [found] = results
        if hasattr(found, "raiseException"):
            found.raiseException()
        return found

    def run(self, seconds: float, step: float = 0.1) -> None:
        """Let time pass."""
        self.clock.pump([0.0] * 5 + [step] * round(seconds / step))
