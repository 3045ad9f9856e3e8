"""The table of the answers of Web Push."""

import pytest

from pushgate.model.dead_token import DOUBTFUL
from pushgate.protocols.http_push.answers import Follows
from pushgate.protocols.webpush.reasons import ANSWERS, answer
from pushgate.upstreams.common.circuit_breaker import Cause


@pytest.mark.parametrize("row", ANSWERS, ids=lambda row: str(row.status))
def test_rows(row):
    """Every row has words unless it is success, and names cause and death where these follow."""
    assert bool(row.words) == (row.follows is not Follows.ACCEPTED)
    assert (row.dead is not None) == (row.follows is Follows.DEAD)
    assert bool(row.cause) == (row.follows is Follows.HELD)
    assert not row.cause or Cause(row.cause)


def test_there_is_one_row_for_each():
    """No status stands twice."""
    assert len({row.status for row in ANSWERS}) == len(ANSWERS)


@pytest.mark.parametrize(
    ("status", "follows"),
    [
        (300, Follows.REJECTED), (301, Follows.REJECTED), (302, Follows.REJECTED), (303, Follows.REJECTED),
        (304, Follows.REJECTED), (307, Follows.REJECTED), (308, Follows.REJECTED), (400, Follows.REJECTED),
        (401, Follows.HELD), (403, Follows.HELD), (404, Follows.DEAD), (405, Follows.REJECTED),
        (406, Follows.LATER), (408, Follows.LATER), (410, Follows.DEAD), (413, Follows.REJECTED),
        (429, Follows.DEVICE_LATER), (500, Follows.LATER), (502, Follows.LATER), (503, Follows.LATER),
        (504, Follows.LATER), (599, Follows.LATER),
    ],
)  # fmt: skip
def test_statuses(status, follows):
    """The status alone decides; what the service says is the reason of the record."""
    row = answer(status, "103 Expired")
    assert (row.status, row.follows, row.reason) == (status, follows, "103 Expired")
    assert answer(status, "").reason == f"HTTP{status}"


@pytest.mark.parametrize("status", [400, 401, 403])
def test_another_key(status):
    """That is about the one subscription, and in doubt."""
    row = answer(status, "VapidPkHashMismatch", of_another_key=True)
    assert (row.follows, row.reason) == (Follows.DEAD, "VapidPkHashMismatch")
    assert row.dead in DOUBTFUL
    assert answer(status + 100, "mismatch", of_another_key=True).follows is not Follows.DEAD
