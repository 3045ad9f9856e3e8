"""The table of Apple's answers."""

import pytest

from pushgate.model.dead_token import DeadReason
from pushgate.protocols.apns_http2.reasons import ANSWERS, answer
from pushgate.protocols.http_push.answers import LONGEST_REASON, Follows

DEATHS = {"BadDeviceToken", "DeviceTokenNotForTopic", "ExpiredToken", "Unregistered"}


@pytest.mark.parametrize("row", ANSWERS, ids=lambda row: row.reason or "200")
def test_rows(row):
    """Every row is found, has words unless it is success, and names cause and death where these follow."""
    assert answer(row.status, row.reason) is row
    assert bool(row.words) == bool(row.reason)
    assert (row.dead is not None) == (row.follows is Follows.DEAD) == (row.reason in DEATHS)
    assert row.dead is None or row.dead == DeadReason(row.reason)
    assert bool(row.cause) == (row.follows in {Follows.HELD, Follows.RENEW_TOKEN})


def test_there_is_one_row_for_each():
    """No reason stands twice."""
    assert len({(row.status, row.reason) for row in ANSWERS}) == len(ANSWERS)


@pytest.mark.parametrize(
    ("status", "follows"),
    [
        (400, Follows.REJECTED), (403, Follows.HELD), (404, Follows.REJECTED), (410, Follows.DEAD),
        (418, Follows.REJECTED), (429, Follows.DEVICE_LATER), (500, Follows.LATER), (599, Follows.LATER),
    ],
)  # fmt: skip
def test_reasons_of_tomorrow(status, follows):
    """A reason that is not known means what its status' class means, and is kept as it came, within bounds."""
    row = answer(status, "NewReason")
    assert (row.status, row.reason, row.follows) == (status, "NewReason", follows)
    assert answer(status, "").reason == f"HTTP{status}"
    assert len(answer(status, "x" * 1000).reason) == LONGEST_REASON
