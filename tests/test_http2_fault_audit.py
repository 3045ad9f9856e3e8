"""A gateway before Apple's HTTP/2 service with its faults: nothing is lost, and what is reported is true."""

import os

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from msgspec.structs import replace

from bench.fault_stand import Program, run
from bench.http2_faults import FAULTS, programs
from bench.http2_stand import HTTP2Stand
from pushgate.model.notification import Delivery

EXAMPLES = int(os.environ.get("PUSHGATE_FAULTS", "4"))
"""How many random sequences are run."""
HERE = (
    "dead tokens", "too many for a device", "provider token expired", "provider token refused",
    "a storm of trouble", "GOAWAY before the request", "GOAWAY again and again", "fewer streams, then more",
    "stream refused", "stream reset after it was accepted", "a silent connection", "connection reset",
    "connection closed after it was accepted", "poison", "one stream",
)  # fmt: skip
"""Those that are run here; `python -m bench.http2_faults` has all."""


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return tmp_path_factory.mktemp("certificates")


@pytest.mark.parametrize(
    ("name", "delivery"), [(name, list(Delivery)[index % 2]) for index, name in enumerate(HERE)], ids=HERE
)
def test_each_fault_alone(name, delivery, certificates):
    """Each fault, under one of the two policies in turn."""
    found = run(replace(FAULTS[name], delivery=delivery), certificates, HTTP2Stand)
    assert found.good, found


def test_what_is_proven_is_not_sent_twice(certificates):
    """GOAWAY and REFUSED_STREAM say what was not looked at: sent again, and nothing twice, under both policies."""
    for name in ("GOAWAY", "stream refused"):
        for delivery in Delivery:
            found = run(replace(FAULTS[name], delivery=delivery), certificates, HTTP2Stand)
            assert (found.accepted, found.duplicated, found.unknown) == (found.submitted, 0, 0)


def test_what_is_not_proven_follows_the_policy(certificates):
    """A stream that is reset after its notification was accepted: twice at least, or unknown at most."""
    fault = FAULTS["stream reset after it was accepted"]
    again = run(fault, certificates, HTTP2Stand)
    assert (again.accepted, again.duplicated, again.unknown) == (again.submitted, 6, 0)
    never = run(replace(fault, delivery=Delivery.AT_MOST_ONCE), certificates, HTTP2Stand)
    assert (never.accepted, never.duplicated, never.unknown) == (never.submitted, 0, 6)


def test_a_loss_is_found(certificates):
    """The audit notices what is wrong: here a service that says 200 and accepts nothing."""
    lie = Program(({"act": "answer", "status": 200, "accepted": False, "request": 5, "times": 1},))
    assert run(lie, certificates, HTTP2Stand).lost == 1


@settings(
    max_examples=EXAMPLES, database=None, deadline=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(programs())
def test_random_sequences(certificates, program):
    """Any sequence of faults."""
    found = run(program, certificates, HTTP2Stand)
    assert found.good, found
