"""A hub's gateway that is killed in the middle of a broadcast: every device gets it, and each is counted once."""

import random

import pytest

from bench.crash import POLICIES
from bench.hub_crash import audit, report


@pytest.mark.timeout(240)
@pytest.mark.parametrize("delivery", POLICIES)
def test_killed_in_the_middle_of_a_broadcast(delivery):
    """Twice comes only what was in flight, and never at most once; the telemetry has as many as devices."""
    found = audit(1, 10_000, delivery, random.Random())
    report(delivery, found)
    assert found.kills > 0
    assert found.received > 0
    assert found.good(delivery), found
