"""Gateways on one queue, one of which is killed: nothing is lost."""

import random

import pytest

from bench.amqp import QUEUE, audit, report
from bench.crash import POLICIES


@pytest.mark.timeout(240)
@pytest.mark.parametrize("delivery", POLICIES)
def test_three_gateways_one_killed(broker, delivery):
    """All that was published is accepted or, at most once, reported to be unknown; and that comes once at most."""
    with broker.channel() as channel:
        for name in (QUEUE, "pushgate.dead"):
            channel.queue_delete(name)
    found = audit(broker, 3, 400, 1, delivery, random.Random())
    report(delivery, found)
    assert found.published == 2300
    assert found.good(delivery), found
