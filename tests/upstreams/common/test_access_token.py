"""An access token: one request for it at a time, renewed early, and kept while a renewal fails."""

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import capturedLogs, formatEvent

from pushgate.upstreams.common.circuit_breaker import Cause
from pushgate.upstreams.common.http_push.access_token import (
    EARLY,
    PAUSE,
    AccessToken,
    NoAccessToken,
    TokenGrant,
)
from pushgate.upstreams.common.http_push.authorization import Unauthorized

HOUR = 3600.0
DOWN = Unauthorized(Cause.TOKEN_SERVICE, "oauth.example.org: connection refused")


class Upstream:
    def __init__(self):
        self.woken, self.refusals = 0, []

    def wake(self):
        self.woken += 1

    def unauthorized(self, refusal):
        self.refusals.append(refusal)


class Rig:
    """One with an upstream attached, and a token service that a test answers for.

    :ivar asked: requests for a token, each answered by a test.
    """

    def __init__(self):
        self.wall, self.asked, self.upstream = 1_700_000_000.0, [], Upstream()
        self.token = AccessToken("news", self.fetch, lambda: self.wall)
        self.token.attach(self.upstream)

    def fetch(self):
        asked = Deferred()
        self.asked.append(asked)
        return asked

    def headers(self):
        found = self.token.headers(self.wall)
        return None if found is None else (found[0][0][1], found[1])

    def granted(self, text=b"one", lifetime=HOUR):
        self.headers()
        self.asked[-1].callback(TokenGrant(text.decode(), lifetime))


@pytest.fixture
def rig():
    return Rig()


def test_the_first(rig):
    """Nothing is written before it is there; then the upstream is woken. It is asked for once."""
    assert rig.headers() is None
    assert rig.headers() is None
    assert len(rig.asked) == 1
    rig.granted()
    assert rig.upstream.woken == 1
    assert rig.headers() == (b"Bearer one", 1)


def test_renewed_early(rig):
    """Before it ends another is asked for; until that is there the old one is used."""
    rig.granted()
    rig.wall += HOUR - EARLY - 1
    assert rig.headers() == (b"Bearer one", 1)
    assert len(rig.asked) == 1
    rig.wall += 1
    assert rig.headers() == (b"Bearer one", 1)
    rig.granted(b"two")
    assert rig.headers() == (b"Bearer two", 2)
    assert len(rig.asked) == 2


def test_a_short_life(rig):
    """One that lives for a minute is renewed after four fifths of it."""
    rig.granted(lifetime=60.0)
    rig.wall += 47
    rig.headers()
    assert len(rig.asked) == 1
    rig.wall += 1
    rig.headers()
    assert len(rig.asked) == 2


def test_a_renewal_that_fails(rig):
    """The last token is used until its end, and it is tried again after a pause; then there is none."""
    rig.granted()
    rig.wall += HOUR - EARLY
    rig.headers()
    with capturedLogs() as logs:
        rig.asked[-1].errback(NoAccessToken(DOWN))
    assert [formatEvent(each) for each in logs] == [
        "news: the access token could not be renewed: oauth.example.org: connection refused"
    ]
    assert rig.headers() == (b"Bearer one", 1)
    assert len(rig.asked) == 2
    rig.wall += PAUSE
    rig.headers()
    assert len(rig.asked) == 3
    rig.wall += EARLY
    rig.asked[-1].errback(NoAccessToken(DOWN))
    assert rig.upstream.refusals == [DOWN]
    assert rig.headers() is None


def test_a_token_that_the_service_refuses(rig):
    """One that was good is fetched anew; all that were made with it before say no more."""
    rig.granted()
    rig.token.accepted()
    assert rig.token.refused(1, "UNAUTHENTICATED", rig.wall) is None
    assert rig.headers() is None
    assert rig.token.refused(1, "UNAUTHENTICATED", rig.wall) is None
    rig.granted(b"two")
    assert rig.token.refused(1, "UNAUTHENTICATED", rig.wall) is None
    assert rig.headers() == (b"Bearer two", 2)


def test_a_new_token_that_the_service_refuses(rig):
    """No other one will do: the credential is refused. The next attempt has another one nevertheless."""
    rig.granted()
    refusal = rig.token.refused(1, "UNAUTHENTICATED", rig.wall)
    assert refusal == Unauthorized(
        Cause.CREDENTIAL_REJECTED, "UNAUTHENTICATED: of an access token that is new"
    )
    assert rig.headers() is None
    rig.granted(b"two")
    assert rig.headers() == (b"Bearer two", 2)


def test_renewed_too_often(rig):
    """The service has seen too many: none is asked for, for a while."""
    rig.granted()
    rig.wall += HOUR - EARLY
    rig.token.renewed_too_often(rig.wall)
    rig.headers()
    assert len(rig.asked) == 1


def test_upstreams_that_share_it(rig):
    """All of them are woken. When the last one is gone nothing is asked any more."""
    other = Upstream()
    rig.token.attach(other)
    rig.granted()
    assert (rig.upstream.woken, other.woken) == (1, 1)
    rig.wall += HOUR
    rig.headers()
    rig.token.detach(rig.upstream)
    rig.token.detach(rig.upstream)
    assert not rig.asked[-1].called
    rig.token.detach(other)
    assert rig.asked[-1].called
    assert other.refusals == []


def test_a_bug(rig):
    """A failure that is none of the token service's is logged once, and there is no token."""
    rig.token = AccessToken("news", lambda: fail(ZeroDivisionError("x")), lambda: rig.wall)
    rig.token.attach(rig.upstream)
    with capturedLogs() as logs:
        assert rig.headers() is None
    assert [each["log_failure"].type for each in logs] == [ZeroDivisionError]
    assert [each.cause for each in rig.upstream.refusals] == [Cause.TOKEN_SERVICE]


def test_an_answer_at_once(rig):
    """A fetch that is done in the same turn will do."""
    rig.token = AccessToken("news", lambda: succeed(TokenGrant("x", HOUR)), lambda: rig.wall)
    assert rig.headers() == (b"Bearer x", 1)
