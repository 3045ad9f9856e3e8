"""What the tests of the command share."""

import pytest

from tests.cli.programs import RunningGateway


@pytest.fixture(scope="session")
def gateway(tmp_path_factory):
    """A running gateway with the apps `demo` and `other`."""
    running = RunningGateway(tmp_path_factory.mktemp("gateway"))
    yield running
    running.stop()
