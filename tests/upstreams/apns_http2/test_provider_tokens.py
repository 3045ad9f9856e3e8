"""Provider tokens on real connections: shared, renewed in time, and once more when the service calls one old."""

from collections.abc import Callable

from pushgate.model.outcome import State
from pushgate.protocols.apns_http2.provider_token import RENEW_AFTER
from tests.apns_http2_upstream_rig import HTTP2Rig, Request, accepts, says, silence
from tests.samples import token

ACCEPTED = (State.ACCEPTED, "")
MINUTES = 120
"""Of a campaign that lasts longer than two provider tokens."""


def issued(request: Request) -> int:
    """When its provider token was issued, Unix seconds."""
    return int(request.headers["authorization"].rpartition("-")[2])


def seen(rig: HTTP2Rig) -> list[str]:
    """The different provider tokens that came, in order."""
    return list(dict.fromkeys(request.headers["authorization"] for request in rig.service.received))


def test_one_for_all_connections(make_rig: Callable[..., HTTP2Rig]) -> None:
    """Two connections show the same one."""
    rig = make_rig(connections=2, streams=5)
    rig.submit(600)
    rig.run(20)
    assert len(rig.service.wires) == 2
    assert len(seen(rig)) == 1


def test_renewed_in_time(rig: HTTP2Rig) -> None:
    """Before the hour is over another is made, though nothing was refused."""
    rig.submit(1)
    rig.run(1)
    rig.run(RENEW_AFTER - 10, step=1)
    rig.submit([token(1)])
    rig.run(1)
    assert len(seen(rig)) == 1
    rig.run(10, step=1)
    rig.submit([token(2)])
    rig.run(1)
    assert len(seen(rig)) == 2
    assert set(rig.outcomes().values()) == {ACCEPTED}


def test_called_old(rig: HTTP2Rig) -> None:
    """Another one is made at once, and all that was refused is sent with it: a clock may be a little off."""
    rig.submit(1)
    rig.run(5)
    (old,) = seen(rig)
    rig.service.behaviour = lambda request: (
        says(403, "ExpiredProviderToken") if request.headers["authorization"] == old else accepts
    )(request)
    rig.submit([token(number) for number in range(10, 60)])
    rig.run(2)
    assert len(seen(rig)) == 2
    assert len(rig.outcomes()) == 51
    assert set(rig.outcomes().values()) == {ACCEPTED}
    assert not rig.circuit[0]


def test_called_old_again(rig: HTTP2Rig, lines: Callable[[], list[str]]) -> None:
    """A token that was just made cannot be: a clock is wrong, and that is said once, with what to do."""
    rig.submit(1)
    rig.run(5)
    rig.service.behaviour = says(403, "ExpiredProviderToken")
    rig.submit([token(number) for number in range(10, 30)])
    rig.run(0.6)
    assert rig.circuit == (True, "clock-wrong")
    assert "apps.news.key_file: ExpiredProviderToken for a new token: this machine's clock" in lines()[-1]
    assert len(seen(rig)) == 2
    rig.service.behaviour = accepts
    rig.run(10)
    assert set(rig.outcomes().values()) == {ACCEPTED}


def test_renewed_too_often(rig: HTTP2Rig) -> None:
    """The connection is left, the token is kept."""
    rig.prove()
    once = iter([1])
    rig.service.behaviour = lambda request: (
        says(429, "TooManyProviderTokenUpdates")(request) if next(once, 0) else accepts(request)
    )
    rig.submit(20)
    rig.run(2)
    assert len(rig.service.wires) == 2
    assert len(seen(rig)) == 1
    assert len(rig.outcomes()) == 20


def test_renewed_for_all_at_once(make_rig: Callable[..., HTTP2Rig]) -> None:
    """Every connection shows the new one from the same moment on; the old one is not seen again, nor a 403."""
    rig = make_rig(connections=2, streams=5)
    rig.submit(600)
    rig.run(20)
    for number in range(MINUTES):
        rig.submit([token(1000 + 20 * number + each) for each in range(20)])
        rig.run(60, step=2)
    shown = [request.headers["authorization"] for request in rig.service.received]
    assert len({id(request.wire) for request in rig.service.received}) == 2
    assert len(seen(rig)) == 3
    assert shown == sorted(shown)
    assert set(rig.outcomes().values()) == {ACCEPTED}
    assert len(rig.service.wires) == 2
    assert max(rig.epoch + each.at - issued(each) for each in rig.service.received) < 3600


def test_many_in_flight_with_an_old_one(rig: HTTP2Rig) -> None:
    """However many are refused because of it, one new token is made, and each is sent once more."""
    rig.prove()
    rig.run(5)
    rig.service.behaviour = silence
    rig.submit(100)
    rig.run(0.2)
    rig.service.behaviour = accepts
    for request in list(rig.service.received):
        request.answer(403, "ExpiredProviderToken")
        rig.run(0.05)
    rig.run(1)
    assert len(seen(rig)) == 2
    assert rig.outcomes() == dict.fromkeys([token(number) for number in range(100)], ACCEPTED)
    assert set(rig.service.counts().values()) == {2}
    assert len(rig.service.wires) == 1
    assert rig.circuit == (False, "")


def test_an_hour_after_it_was_renewed_too_often(rig: HTTP2Rig) -> None:
    """The token that is kept is kept no longer than the service takes it."""
    rig.prove()
    rig.run(RENEW_AFTER - 30, step=1)
    rig.service.by_token[token(0)] = lambda request: (
        accepts if len(rig.service.wires) > 1 else says(429, "TooManyProviderTokenUpdates")
    )(request)
    rig.submit(1)
    rig.run(600, step=1)
    rig.submit([token(1)])
    rig.run(1)
    assert len(seen(rig)) == 2
    assert rig.outcomes() == {token(0): ACCEPTED, token(1): ACCEPTED}


def test_none_with_a_certificate(make_rig: Callable[..., HTTP2Rig], lines: Callable[[], list[str]]) -> None:
    """A service that calls for another token where there is none is not asked again and again."""
    rig = make_rig(certificate="x.pem")
    rig.service.behaviour = says(403, "ExpiredProviderToken")
    rig.submit(3)
    rig.run(60)
    assert len(rig.service.received) < 20
    assert rig.circuit == (True, "credential-rejected")
    assert "apps.news.certificate: ExpiredProviderToken, where a certificate was shown" in lines()[-1]
