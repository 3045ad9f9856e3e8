"""Each test with a rig runs with both of the libraries below the client's codec, and logs no failure."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from twisted.logger import LogEvent, capturedLogs, formatEvent

from pushgate.net.http import http2
from pushgate.net.http.http2_client_h2 import H2Client
from pushgate.net.http.http2_client_ngh2 import Ngh2Client
from tests.apns_http2_upstream_rig import HTTP2Rig


@pytest.fixture(params=[H2Client, Ngh2Client], ids=["h2", "ngh2"])
def client(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The codec of every connection."""
    monkeypatch.setattr(http2, "_best_client", lambda: request.param)


@pytest.fixture
def events() -> Iterator[list[LogEvent]]:
    """What was logged since the test began."""
    with capturedLogs() as captured:
        yield captured
    assert [formatEvent(event) for event in captured if "log_failure" in event] == []


@pytest.fixture
def make_rig(client: None, events: list[LogEvent]) -> Callable[..., HTTP2Rig]:
    """Makes a rig from settings of its app."""

    def make(**app: Any) -> HTTP2Rig:
        return HTTP2Rig(**app)

    return make


@pytest.fixture
def rig(make_rig: Callable[..., HTTP2Rig]) -> HTTP2Rig:
    """A rig with one connection and a provider key."""
    return make_rig()


@pytest.fixture
def lines(events: list[LogEvent]) -> Callable[[], list[str]]:
    """What was logged about the service since the last call."""
    seen = 0

    def new() -> list[str]:
        nonlocal seen
        found = [
            formatEvent(event) or ""
            for event in events[seen:]
            if event["log_namespace"].endswith("ServiceHealth")
        ]
        seen = len(events)
        return found

    return new
