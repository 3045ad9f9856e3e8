"""What the tests of the command share."""

import pytest
import trustme

from tests.cli.programs import RunningGateway


@pytest.fixture(scope="session")
def gateway(tmp_path_factory):
    """A running gateway with the apps `demo` and `other`."""
    running = RunningGateway(tmp_path_factory.mktemp("gateway"))
    yield running
    running.stop()


@pytest.fixture
def certificates(tmp_path):
    """Files of an authority, and of one that the gateway does not trust."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "gate.pem"))
    authority.issue_cert("client").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "client.pem"))
    return tmp_path
