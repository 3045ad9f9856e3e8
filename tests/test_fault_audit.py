"""A gateway before a push service with every fault there is: nothing is lost, and what is reported is true."""

import os

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from msgspec.structs import replace

from bench.fault_stand import Program, run
from bench.faults import FAULTS, POISON, programs
from pushgate.model.notification import Delivery

EXAMPLES = int(os.environ.get("PUSHGATE_FAULTS", "5"))
"""How many random sequences are run."""


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return tmp_path_factory.mktemp("certificates")


@pytest.mark.parametrize(
    ("name", "delivery"),
    [(name, list(Delivery)[index % 2]) for index, name in enumerate(FAULTS)],
    ids=FAULTS,
)
def test_each_fault_alone(name, delivery, certificates):
    """Each fault, under one of the two policies in turn; `python -m bench.faults` has all."""
    found = run(replace(FAULTS[name], delivery=delivery), certificates)
    assert found.good, found


def test_a_silent_close_under_both_policies(certificates):
    """At least once: all are there, some twice. At most once: none is there twice, those in doubt are unknown."""
    again = run(FAULTS["silent close"], certificates)
    assert (again.accepted, again.unknown) == (again.submitted, 0)
    assert again.duplicated > 0
    never = run(replace(FAULTS["silent close"], delivery=Delivery.AT_MOST_ONCE), certificates)
    assert (never.good, never.duplicated) == (True, 0)
    assert never.unknown >= never.submitted - never.accepted > 0


def test_the_poison_alone_fails(certificates):
    """What closes each connection it is sent on is given up; its neighbours get through."""
    found = run(FAULTS["poison"], certificates)
    assert found.states == {"failed": 1, "presumed": found.submitted - 1}
    assert bytes.fromhex(POISON) in FAULTS["poison"].tokens()[0]


def test_a_silent_close_later_than_the_response_timeout(certificates):
    """The one loss that cannot be noticed: it was presumed by then, and is never called accepted."""
    rule = {"act": "close", "frame": 30, "times": 1, "delay": "2s"}
    found = run(Program((rule,), tail=4.0), certificates)
    assert found.lost > 0
    assert found.lost == found.presumed_lost
    assert not found.wrong + found.twice + found.unreported


def test_a_loss_is_found(certificates):
    """The audit notices what is wrong: here a service that refuses one and names another, later one."""
    rule = {"act": "reject", "status": 8, "frame": 30, "times": 1, "identifier": 60}
    found = run(Program((rule,), connections=1), certificates)
    assert not found.good
    assert found.lost > 0


@pytest.mark.timeout(120 + EXAMPLES)
def test_random_sequences(certificates):
    """Several faults at once, in any order, with any window and number of connections."""

    @settings(
        max_examples=EXAMPLES, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(programs())
    def check(program):
        found = run(program, certificates)
        assert found.good, found

    check()
