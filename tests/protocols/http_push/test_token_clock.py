"""When there is a new token, by the times of Apple's."""

from hypothesis import given
from hypothesis import strategies as st

from pushgate.protocols.apns_http2.provider_token import AGES, LONGEST, RENEW_AFTER, SHORTEST
from pushgate.protocols.http_push.token_clock import TokenClock

HOUR = 3600.0


class Signs:
    """Stands for the signature; remembers when tokens were issued."""

    def __init__(self):
        self.times = []
        self.clock = TokenClock(self, AGES)

    def __call__(self, issued_at):
        self.times.append(issued_at)
        return f"token-{issued_at}"


class TestClock:
    def test_a_token_is_made_when_it_is_needed_and_kept(self):
        """All requests of 50 minutes share one."""
        signs = Signs()
        assert signs.times == []
        assert signs.clock.authorization(1000.9) == b"bearer token-1000"
        assert signs.clock.authorization(1000.9 + RENEW_AFTER - 1) == b"bearer token-1000"
        assert signs.clock.serial == 1
        assert signs.clock.authorization(1001 + RENEW_AFTER) == b"bearer token-%d" % (1001 + RENEW_AFTER)
        assert signs.clock.serial == 2

    def test_a_token_that_the_service_calls_expired_is_renewed_once(self):
        """The clocks may differ; if the next one is expired as well, a new one would not help."""
        signs = Signs()
        signs.clock.authorization(0.0)
        assert signs.clock.expired(1, 10.0)
        assert signs.clock.authorization(11.0) == b"bearer token-10"
        assert signs.clock.expired(1, 12.0)
        assert not signs.clock.expired(2, 13.0)
        assert signs.times == [0, 10]

    def test_acceptance_by_one_server_does_not_make_another_one_right(self):
        """The one that calls the early token expired has a wrong clock; the next token may be early again."""
        signs = Signs()
        signs.clock.authorization(0.0)
        signs.clock.expired(1, 10.0)
        signs.clock.accepted()
        assert not signs.clock.expired(2, 20.0)
        signs.clock.authorization(10 + RENEW_AFTER)
        assert signs.clock.expired(3, 20 + RENEW_AFTER)
        assert len(signs.times) == 4

    def test_an_old_token_is_renewed_whatever_was_before(self):
        """After 20 minutes nothing forbids it."""
        signs = Signs()
        signs.clock.authorization(0.0)
        signs.clock.expired(1, 10.0)
        assert signs.clock.expired(2, 10 + SHORTEST)
        assert not signs.clock.expired(3, 11 + SHORTEST)

    def test_too_many_updates_keep_the_token(self):
        """For 20 minutes, but not beyond its hour."""
        signs = Signs()
        signs.clock.authorization(0.0)
        signs.clock.renewed_too_often(RENEW_AFTER - SHORTEST + 60)
        signs.clock.authorization(RENEW_AFTER)
        assert signs.times == [0]
        signs.clock.authorization(RENEW_AFTER + 60)
        assert len(signs.times) == 2
        signs.clock.renewed_too_often(2 * RENEW_AFTER)
        signs.clock.authorization(2 * RENEW_AFTER + 60 + LONGEST - RENEW_AFTER - 1)
        assert len(signs.times) == 2
        signs.clock.authorization(2 * RENEW_AFTER + 60 + LONGEST - RENEW_AFTER)
        assert len(signs.times) == 3

    def test_a_clock_that_is_set_back(self):
        """By a little: the token is kept. By much: it would be of the future, and another one is made."""
        signs = Signs()
        signs.clock.authorization(10_000.0)
        signs.clock.renewed_too_often(10_000.0)
        signs.clock.authorization(10_000.0 - SHORTEST)
        assert signs.times == [10_000]
        signs.clock.authorization(5_000.0)
        assert signs.times == [10_000, 5_000]
        signs.clock.authorization(5_000.0 + LONGEST)
        assert len(signs.times) == 3

    @given(
        st.lists(
            st.tuples(
                st.floats(0, 2 * HOUR) | st.floats(0, 60),
                st.sampled_from(["ask", "expired", "old", "accepted", "often"]),
            ),
            max_size=60,
        )
    )
    def test_whatever_the_service_says(self, doings):
        """In 20 minutes there are two tokens at most, the second an early one; none is used for an hour."""
        signs, wall = Signs(), 0.0
        clock = signs.clock
        for after, what in doings:
            wall += after
            assert clock.authorization(wall) == b"bearer token-%d" % signs.times[-1]
            assert wall - signs.times[-1] < HOUR
            if what == "expired":
                clock.expired(clock.serial, wall)
            elif what == "old":
                assert clock.expired(clock.serial - 1, wall)
            elif what == "accepted":
                clock.accepted()
            elif what == "often":
                clock.renewed_too_often(wall)
            assert len(signs.times) == clock.serial
        for first, third in zip(signs.times, signs.times[2:], strict=False):
            assert third - first >= SHORTEST - 1

    @given(st.lists(st.floats(-5 * HOUR, 5 * HOUR), max_size=40))
    def test_whatever_the_clock_does(self, steps):
        """A token is never older than an hour, nor more than 20 minutes in the future."""
        signs, wall = Signs(), 0.0
        for step in steps:
            wall += step
            signs.clock.authorization(wall)
            assert -SHORTEST - 1 <= wall - signs.times[-1] < HOUR

    def test_the_scheme(self):
        """It is spelled as the service has it."""
        clock = TokenClock(lambda at: f"token-{at}", AGES, "Bearer")
        assert clock.authorization(1000.9) == b"Bearer token-1000"
