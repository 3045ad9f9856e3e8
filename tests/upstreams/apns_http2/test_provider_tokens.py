"""Provider tokens on real connections: shared, renewed in time, and once more when the service calls one old."""

from collections.abc import Callable

from pushgate.model.outcome import State
from pushgate.protocols.apns_http2.provider_token import RENEW_AFTER
from tests.apns_http2_upstream_rig import HTTP2Rig, accepts, says
from tests.samples import token

ACCEPTED = (State.ACCEPTED, "")


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
