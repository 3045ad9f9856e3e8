"""Points in time as hubs and SDKs write them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.model.errors import Invalid
from pushgate.protocols.notification_hubs.times import NEVER, parse, parse_end, written

NOON = datetime(2026, 11, 29, 12, 0, tzinfo=UTC).timestamp()
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", [
    "2026-11-29T12:00:00.000Z", "2026-11-29T12:00:00", "2026-11-29'T'12:00:00", "2026-11-29t12:00:00z",
    "2026-11-29 12:00", "2026-11-29T13:30:00.0000000+01:30", "2026-11-29T07:00:00-0500", " 2026-11-29T12:00:00Z ",
    "11/29/2026 12:00:00", "11/29/2026 12:00:00 PM", "11/29/2026 12:00 pm",
])  # fmt: skip
def test_forms(text):
    """All that SDKs write mean the same moment, in UTC where nothing is said."""
    assert parse("t", text) == NOON


@pytest.mark.parametrize(
    ("text", "hour"), [("1/2/2026 12:05:00 AM", 0), ("1/2/2026 1:05:00 PM", 13), ("1/2/2026 9:05:00", 9)]
)
def test_halves_of_the_day(text, hour):
    """With AM or PM an hour is one of twelve."""
    assert parse("t", text) == datetime(2026, 1, 2, hour, 5, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("text", [
    "", "soon", "2026-02-29", "2026-13-01", "2026-00-01", "2026-11-00", "2026-11-31", "2026-11-29T24:00:00", "2026-11-29T12:60",
    "2026-11-29T12:00:61", "13/01/2026", "1700000000", "2026-11-29T12:00:00Q", "\u0662026-11-29",
])  # fmt: skip
def test_what_is_no_time(text):
    """It is refused, and not repeated."""
    with pytest.raises(Invalid) as caught:
        parse("ScheduleTime", text)
    assert caught.value.field == "ScheduleTime"


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))
def test_there_and_back(moment):
    """What is written says the same as Python's own, and is read again."""
    moment = moment.replace(tzinfo=UTC, microsecond=moment.microsecond // 1000 * 1000)
    seconds = (moment - EPOCH) // timedelta(milliseconds=1) / 1000
    text = written(seconds)
    shown = datetime.fromisoformat(text)
    assert abs(shown - moment) <= timedelta(milliseconds=1)
    assert abs(parse("t", text) - seconds) < 0.002


def test_never():
    """The last day that there is stands for no end."""
    assert parse_end("t", NEVER) is None
    assert parse_end("t", "2026-11-29T12:00:00Z") == NOON
