"""What may be broadcast: the checks at the input that stand for Apple's own."""

import pytest

from pushgate.model.errors import Invalid, TooLarge
from pushgate.model.notification import Terms
from pushgate.protocols.apns_http2.requests import RequestRules
from pushgate.upstreams.apns_http2.combination import Combination
from tests.samples import CHANNEL

RULES = RequestRules("api.push.apple.com", "com.example.news", 86400.0)
WITH_KEY = Combination(RULES, frozenset(), has_key=True)


def payload(event):
    """What a Live Activity is given."""
    return b'{"aps":{"event":"%b","content-state":{}}}' % event.encode()


@pytest.mark.parametrize("event", ["update", "end"])
def test_a_broadcast(event):
    """Updates a Live Activity, or ends it."""
    WITH_KEY(Terms(channel=CHANNEL), payload(event))
    WITH_KEY(Terms(channel=CHANNEL, push_type="liveactivity"), payload(event))


@pytest.mark.parametrize(
    ("terms", "event", "field"),
    [
        ({}, "start", "payload"),
        ({"channel": "not base64!"}, "update", "channel"),
        ({"push_type": "alert"}, "update", "push_type"),
        ({"topic": "com.example.news"}, "update", "topic"),
        ({"collapse_id": "c"}, "update", "collapse_id"),
    ],
)
def test_no_broadcast(terms, event, field):
    """What Apple would refuse is refused here, with the rule: an activity is started on each device by itself."""
    with pytest.raises(Invalid, match=rf"^{field}: "):
        WITH_KEY(Terms(**{"channel": CHANNEL} | terms), payload(event))


def test_the_size_of_a_broadcast():
    """5,120 bytes."""
    with pytest.raises(TooLarge):
        WITH_KEY(Terms(channel=CHANNEL), b"x" * 5121)


def test_a_broadcast_with_a_certificate():
    """Live Activities need a provider key."""
    with pytest.raises(Invalid, match=r"^channel: with a certificate"):
        Combination(RULES, frozenset(), has_key=False)(Terms(channel=CHANNEL), payload("update"))
