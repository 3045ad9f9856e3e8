"""A gateway that is killed at any moment: nothing it answered for is lost."""

import os
import random

import pytest

from bench.crash import POLICIES, audit, report

TIMES = int(os.environ.get("PUSHGATE_CRASHES", "3"))
"""How often it is killed."""


@pytest.mark.timeout(120 + 40 * TIMES)
@pytest.mark.parametrize("delivery", POLICIES)
def test_killed_again_and_again(delivery):
    """What was answered is lost never; it comes twice only from what was in flight, and never at most once."""
    found = audit(TIMES, delivery, random.Random())
    report(delivery, found)
    assert found.submitted > 0
    assert found.good(delivery), found


@pytest.mark.timeout(240)
def test_killed_over_another_service():
    """The same over FCM, with access tokens."""
    found = audit(2, POLICIES[0], random.Random(), "fcm")
    report(POLICIES[0], found)
    assert found.submitted > 0
    assert found.good(POLICIES[0]), found
