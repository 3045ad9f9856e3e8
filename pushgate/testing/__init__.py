"""Fakes for people who write plug-ins: each provides its interface and keeps what it was told."""

from pushgate.testing.batch import batch
from pushgate.testing.door import RecordingInput
from pushgate.testing.gateway import RecordingGateway
from pushgate.testing.network import MemoryNetwork
from pushgate.testing.setting import context, simulator, table
from pushgate.testing.sink import RecordingSink, outcome
from pushgate.testing.spool import RecordingSpool
from pushgate.testing.upstream import RecordingUpstream, RecordingUpstreams
from pushgate.testing.work import RecordingWork

__all__ = [
    "MemoryNetwork",
    "RecordingGateway",
    "RecordingInput",
    "RecordingSink",
    "RecordingSpool",
    "RecordingUpstream",
    "RecordingUpstreams",
    "RecordingWork",
    "batch",
    "context",
    "outcome",
    "simulator",
    "table",
]
