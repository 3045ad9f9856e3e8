"""How long a notification may be kept."""

import pytest
from msgspec.structs import replace

from pushgate.model.history import Event, Step
from pushgate.protocols.http_push.ttl import FOUR_WEEKS, seconds_left
from tests.samples import span

ACCEPTED_AT = 1_700_000_000


@pytest.mark.parametrize(
    ("expiration", "seconds"),
    [(None, None), (0, 0), (ACCEPTED_AT - 5, 0), (ACCEPTED_AT + 5, 5), (ACCEPTED_AT + 10**8, FOUR_WEEKS)],
)
def test_what_is_left(expiration, seconds):
    """Whole seconds within bounds."""
    assert seconds_left(span(expiration=expiration)) == seconds


def test_it_counts_from_the_last_writing():
    """Whatever was before."""
    steps = (Step(Event.WRITTEN, ACCEPTED_AT + 1.0, 1), Step(Event.WRITTEN, ACCEPTED_AT + 3.5, 1))
    assert seconds_left(replace(span(expiration=ACCEPTED_AT + 60), past=steps), longest=56) == 56
    assert seconds_left(replace(span(expiration=ACCEPTED_AT + 60), past=steps), longest=100) == 56
