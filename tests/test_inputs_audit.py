"""One gateway with all of its inputs, as a process: whatever comes in, by whichever input, goes out exactly once."""

import pytest

from bench.input_programs import missing
from bench.inputs import audit, report


@pytest.mark.timeout(240)
def test_one_audit_over_all(broker):
    """Nine programs push at a time to a binary service: each notification goes out once; all reports agree."""
    if why := missing():
        pytest.skip(why)
    found = audit(broker, 200)
    assert report(found)
    assert sum(getattr(each, "accepted", 0) for each in found) == 7 * 197 + 193 + 18
    assert len(found) == 9 + 4
