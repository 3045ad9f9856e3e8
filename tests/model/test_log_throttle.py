"""Trouble that comes again and again."""

from pushgate.model.log_throttle import LOG_INTERVAL, LogThrottle


def test_a_line_at_once_then_one_a_minute():
    """A line tells what came since the last one, and nothing is left out of the sum."""
    trouble = LogThrottle()
    assert trouble.happened(5.0) == 1
    assert [trouble.happened(5.0 + seconds, 10) for seconds in (0.0, 1.0, LOG_INTERVAL - 0.1)] == [0, 0, 0]
    assert trouble.happened(5.0 + LOG_INTERVAL) == 31
    assert trouble.total == 32
