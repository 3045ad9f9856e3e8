"""Fakes for tests of plug-ins: each provides its interface and records its calls."""

from pushgate.testing.batch import batch
from pushgate.testing.channels import MemoryChannels
from pushgate.testing.context import context, simulator, table
from pushgate.testing.enrolments import MemoryEnrolments
from pushgate.testing.gateway import RecordingGateway
from pushgate.testing.hub import FakeHub
from pushgate.testing.input import RecordingInput
from pushgate.testing.network import MemoryNetwork
from pushgate.testing.queue import RecordingQueue
from pushgate.testing.sink import RecordingSink, outcome
from pushgate.testing.spool import RecordingSpool
from pushgate.testing.upstream import RecordingUpstream, RecordingUpstreams

__all__ = [
    "FakeHub",
    "MemoryChannels",
    "MemoryEnrolments",
    "MemoryNetwork",
    "RecordingGateway",
    "RecordingInput",
    "RecordingQueue",
    "RecordingSink",
    "RecordingSpool",
    "RecordingUpstream",
    "RecordingUpstreams",
    "batch",
    "context",
    "outcome",
    "simulator",
    "table",
]
