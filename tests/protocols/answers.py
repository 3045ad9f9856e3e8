"""What the tests of many services need: a request that was sent, and answers of any kind."""

from hypothesis import strategies as st

from pushgate.model.dead_token import DeadReason
from pushgate.protocols.http_push.answers import Follows, Reply
from tests.samples import span

WALL = 1_700_000_000.0
STATUSES = st.integers(100, 599)
NAMES = st.sampled_from(
    [b"x-wns-status", b"x-wns-notificationstatus", b"x-wns-error-description", b"x-wns-msg-id", b"ms-cv", b"retry-after",
     b"x-notificationstatus", b"x-subscriptionstatus", b"x-amzn-requestid", b"x-messageid"]
)  # fmt: skip
HEADERS = st.lists(st.tuples(NAMES, st.binary(max_size=300)), max_size=6)


def sent(target=b"target", **terms):
    """A request for one notification without an answer."""
    return span(tokens=[target], **terms), 0, 0.0, 0


def is_sound(reply):
    """Whether a reply is one that can be acted on and shown."""
    assert isinstance(reply, Reply)
    row = reply.row
    assert (row.dead is not None) == (row.follows is Follows.DEAD)
    assert row.dead is None or isinstance(row.dead, DeadReason)
    assert bool(row.cause) or row.follows not in {Follows.HELD, Follows.RENEW_TOKEN}
    assert bool(row.reason) == (row.follows is not Follows.ACCEPTED)
    assert all(text.isprintable() and len(text) <= 600 for text in (row.reason, row.words, reply.unique_id))
    assert reply.retry_after is None or reply.retry_after >= 0
    return True
