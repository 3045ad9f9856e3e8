"""WNS and MPNS as the simulator speaks them, in memory."""

from typing import Any

import pytest

from pushgate.simulator.services.directory import APPS
from tests.simulator.service_calls import Caller, Said

LIVE = {"grant_type": "client_credentials", "scope": "notify.windows.com",
        "client_id": APPS["wns"].client_id, "client_secret": APPS["wns"].client_secret}  # fmt: skip
ENTRA = {**LIVE, "scope": "https://wns.windows.com/.default"}
TOAST = b"<toast><visual/></toast>"


@pytest.fixture
def caller() -> Caller:
    return Caller(dead_handles=["dead*"])


def token(caller: Caller) -> str:
    return f"Bearer {caller.form('/accesstoken.srf', LIVE).json['access_token']}"


def pushed(
    caller: Caller, body: bytes = TOAST, path: str = "/wns/a?b", chunked: bool = False, **headers: Any
) -> Said:
    given = {"x_wns_type": "wns/toast", "content_type": "text/xml", "authorization": token(caller), **headers}
    return caller("POST", path, body, chunked, **given)


def test_tokens(caller: Caller) -> None:
    """Both endpoints give one, each for its own scope; errors are OAuth's."""
    assert caller.form("/accesstoken.srf", LIVE).json["token_type"] == "bearer"
    assert caller.form("/a-tenant/oauth2/v2.0/token", ENTRA).json["expires_in"] == 3600
    for changes, status, error in (
        ({"client_id": "x"}, 400, "invalid_client"),
        ({"client_secret": "x"}, 400, "invalid_client"),
        ({"scope": "x"}, 400, "invalid_scope"),
        ({"grant_type": "x"}, 400, "unsupported_grant_type"),
    ):
        said = caller.form("/accesstoken.srf", {**LIVE, **changes})
        assert (said.status, said.json["error"]) == (status, error)
    assert caller.form("/t/oauth2/v2.0/token", {**ENTRA, "client_secret": "x"}).status == 401
    assert caller.json("/accesstoken.srf", LIVE).json["error"] == "invalid_request"
    assert caller.summary["services"]["wns"]["calls"] == {"token 200": 2, "token 400": 5, "token 401": 1}


def test_a_token_service_that_refuses(caller: Caller) -> None:
    """A rule has the token endpoint refuse."""
    caller.follow({"act": "answer", "service": "wns", "call": "token", "status": 503})
    assert caller.form("/accesstoken.srf", LIVE).json["error"] == "temporarily_unavailable"


def test_a_notification(caller: Caller) -> None:
    """It is received, says so in headers, and is recorded with those of the request."""
    said = pushed(caller, x_wns_ttl="60", x_wns_tag="score")
    assert (said.status, said.headers["x-wns-status"]) == (200, "received")
    assert {"x-wns-msg-id", "x-wns-debug-trace", "ms-cv"} <= said.headers.keys()
    [record] = caller.received
    assert (record.service, record.handle, record.payload) == ("wns", "a", TOAST)
    assert record.headers == {
        "x-wns-type": "wns/toast", "x-wns-ttl": "60", "x-wns-tag": "score", "content-type": "text/xml",
    }  # fmt: skip


def test_kinds(caller: Caller) -> None:
    """Tiles, badges and what is raw; the state of the device when it is asked for."""
    assert pushed(caller, b"<tile/>", x_wns_type="wns/tile").status == 200
    assert pushed(caller, b"<badge value='1'/>", x_wns_type="wns/badge").status == 200
    raw = {
        "x_wns_type": "wns/raw",
        "content_type": "application/octet-stream",
        "x_wns_requestforstatus": "true",
    }
    said = pushed(caller, b"\0\xff", **raw)
    assert (said.status, said.headers["x-wns-deviceconnectionstatus"]) == (200, "connected")


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"authorization": None}, 401),
        ({"authorization": "Bearer x"}, 401),
        ({"path": "/wns/dead1"}, 410),
        ({"chunked": True}, 400),
        ({"x_wns_type": None}, 400),
        ({"x_wns_type": "wns/other"}, 400),
        ({"content_type": "application/json"}, 400),
        ({"x_wns_type": "wns/raw"}, 400),
        ({"x_wns_cache_policy": "x"}, 400),
        ({"x_wns_ttl": "-1"}, 400),
        ({"x_wns_tag": "x" * 17}, 400),
        ({"x_wns_group": ""}, 400),
        ({"body": b"x" * 5001}, 413),
        ({"body": b"<toast>"}, 400),
        ({"body": b""}, 400),
        ({"body": b"<tile/>"}, 400),
        ({"body": b"<!DOCTYPE t [<!ENTITY a 'b'>]><toast>&a;</toast>"}, 400),
    ],
)
def test_what_is_refused(caller: Caller, changes: dict[str, Any], status: int) -> None:
    """Each with its status, and a header that says why."""
    said = pushed(caller, **changes)
    assert said.status == status
    assert said.headers["x-wns-error-description"]
    assert caller.summary["services"]["wns"]["rejected"] == {str(status): 1}


def test_methods(caller: Caller) -> None:
    """Only POST."""
    assert caller("GET", "/wns/a").status == 405


@pytest.mark.parametrize("word", ["dropped", "channelthrottled"])
def test_not_received(caller: Caller, word: str) -> None:
    """Status 200 is no success with another word than received."""
    caller.follow({"act": "answer", "service": "wns", "reason": word})
    said = pushed(caller)
    assert (said.status, said.headers["x-wns-status"]) == (200, word)
    assert (caller.received, caller.summary["reasons"]) == ([], {word: 1})


@pytest.mark.parametrize("status", [400, 401, 403, 404, 406, 410, 413, 500, 503])
def test_scripted(caller: Caller, status: int) -> None:
    """A rule has any status, with words of its own."""
    caller.follow({"act": "answer", "service": "wns", "status": status, "times": 1},
                  {"act": "answer", "service": "wns", "status": status, "message": "The domain is blocked"})  # fmt: skip
    assert pushed(caller).headers["x-wns-error-description"]
    assert pushed(caller).headers["x-wns-error-description"] == "The domain is blocked"


# MPNS

RAW = {"x_notificationclass": "3"}
PHONE = b'<?xml version="1.0" encoding="utf-8"?><wp:Notification xmlns:wp="WPNotification"><wp:Toast/></wp:Notification>'
AS_TOAST = {"x_notificationclass": "2", "x_windowsphone_target": "toast", "content_type": "text/xml"}


def states(said: Said) -> tuple[str | None, ...]:
    names = ("x-notificationstatus", "x-deviceconnectionstatus", "x-subscriptionstatus")
    return tuple(said.headers.get(name) for name in names)


def test_a_phone(caller: Caller) -> None:
    """Raw, toast and tile are received, each with its classes."""
    assert caller("POST", "/mpns/a/b", b"x", **RAW).status == 200
    said = caller("POST", "/mpns/a/b", PHONE, **AS_TOAST)
    assert (said.status, states(said)) == (200, ("Received", "Connected", "Active"))
    tile = {**AS_TOAST, "x_windowsphone_target": "token", "x_notificationclass": "11"}
    assert caller("POST", "/mpns/a/b", PHONE, **tile, x_messageid="an-id").status == 200
    assert [each.id for each in caller.received][-1] == "an-id"
    assert (caller.received[0].handle, caller.received[0].headers) == ("a/b", {"x-notificationclass": "3"})


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        (PHONE, {"x_notificationclass": "1"}),
        (PHONE, {"x_notificationclass": None}),
        (PHONE, {"x_windowsphone_target": "other"}),
        (PHONE, {"content_type": "text/plain"}),
        (b"", {}),
        (b"<a/>", {}),
        (b"<a>", {}),
        (b"x" * 3073, {}),
    ],
)
def test_a_bad_request_of_mpns(caller: Caller, body: bytes, changes: dict[str, Any]) -> None:
    """It is 400, without the headers of the state."""
    said = caller("POST", "/mpns/a", body, **{**AS_TOAST, **changes})
    assert (said.status, states(said)) == (400, (None, None, None))


@pytest.mark.parametrize(
    ("rule", "status", "expected"),
    [
        ({"reason": "QueueFull"}, 200, ("QueueFull", "Disconnected", "Active")),
        ({"reason": "Suppressed"}, 200, ("Suppressed", "Connected", "Active")),
        ({"status": 404}, 404, ("Dropped", "Connected", "Expired")),
        ({"status": 406}, 406, ("Dropped", "Connected", "Active")),
        ({"status": 412}, 412, ("Dropped", "Inactive", "N/A")),
        ({"status": 401}, 401, (None, None, None)),
        ({"status": 503}, 503, (None, None, None)),
    ],
)
def test_states_of_mpns(
    caller: Caller, rule: dict[str, Any], status: int, expected: tuple[str | None, ...]
) -> None:
    """A rule has each state, none of which is a success."""
    caller.follow({"act": "answer", "service": "mpns", **rule})
    said = caller("POST", "/mpns/a", b"x", **RAW)
    assert (said.status, states(said)) == (status, expected)
    assert caller.summary["services"]["mpns"]["rejected"] == {str(status): 1}


def test_a_dead_channel_of_mpns(caller: Caller) -> None:
    """Its subscription has expired."""
    said = caller("POST", "/mpns/dead", b"x", **RAW)
    assert (said.status, states(said)[2]) == (404, "Expired")
    assert caller("GET", "/mpns/a").status == 405
