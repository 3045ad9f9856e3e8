"""Two gateways that share a hub, as processes: what one of them was killed in the middle of, the other finishes."""

import random
from typing import Any

import pytest

from bench.crash import POLICIES
from bench.hub_crash import audit_two, report


@pytest.mark.timeout(120)
def test_the_other_one_takes_over(postgresql: Any) -> None:
    """A broadcast and a scheduled send get to every device once at most, and each has its outcome."""
    delivery = POLICIES[1]
    found = audit_two(1, 10_000, delivery, random.Random(), postgresql.url)
    report(delivery, found)
    assert found.kills == 1
    assert found.good(delivery), found
