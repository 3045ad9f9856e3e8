"""Fakes for people who write plug-ins: each provides its interface and keeps what it was told."""

from pushgate.testing.door import RecordingInput
from pushgate.testing.gateway import RecordingGateway
from pushgate.testing.sink import RecordingSink, outcome
from pushgate.testing.spool import RecordingSpool
from pushgate.testing.upstream import RecordingUpstream, RecordingUpstreams

__all__ = [
    "RecordingGateway",
    "RecordingInput",
    "RecordingSink",
    "RecordingSpool",
    "RecordingUpstream",
    "RecordingUpstreams",
    "outcome",
]
