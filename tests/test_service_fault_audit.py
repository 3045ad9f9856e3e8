"""A gateway before each push service but Apple's, with its faults: nothing is lost, what is reported is true."""

import os

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from msgspec.structs import replace

from bench.fault_stand import run
from bench.service_apps import SERVICE_APPS
from bench.service_faults import HTTP2, SIGNED, TOKENS, programs_of, random_ones
from bench.service_stand import stand_of
from pushgate.model.notification import Delivery

EXAMPLES = int(os.environ.get("PUSHGATE_FAULTS", "4")) // 4
"""How many random sequences are run over each service."""
ANY = ("connection closed after it was accepted",)
"""That which is run here over each; `python -m bench.service_faults` has all."""
CASES = [
    (kind, name)
    for kind in SERVICE_APPS
    for name in (
        *ANY,
        *(["dead targets", "no answer"] if kind in {"fcm", "wns"} else []),
        *(["GOAWAY before the request", "stream reset"] if kind in HTTP2 else []),
        *(["access token refused in the middle"] if kind in TOKENS | SIGNED else []),
        *(["token service in trouble"] if kind in TOKENS else []),
    )
]


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return tmp_path_factory.mktemp("certificates")


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_each_fault_alone(kind, name, certificates):
    """Each fault, under one of the two policies in turn."""
    delivery = list(Delivery)[CASES.index((kind, name)) % 2]
    found = run(replace(programs_of(kind)[name], delivery=delivery), certificates, stand_of(kind))
    assert found.good, found


@pytest.mark.timeout(60 + 20 * EXAMPLES)
@pytest.mark.parametrize("kind", ["fcm", "wns"])
def test_random_sequences(kind, certificates):
    """Whatever happens in whatever order: none is lost, and each has the outcome that it had in truth."""

    @settings(
        max_examples=EXAMPLES, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(random_ones(kind))
    def check(program):
        found = run(program, certificates, stand_of(kind))
        assert found.good, found

    check()
