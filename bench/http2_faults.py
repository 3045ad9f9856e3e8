"""The audit of faults over HTTP/2: each one Apple's service may have, alone and in random sequences.

    python -m bench.http2_faults [--seed N] [--examples K] [NAME …]

As `bench.faults`: nothing may be lost; twice may come only what was accepted and not answered, and nothing
under at-most-once; each has exactly one outcome, the right one. Else the exit status is 1.
"""

from typing import Any, Final

from hypothesis import strategies as st
from msgspec.structs import replace

from bench.fault_stand import Program
from bench.faults import POISON, main
from bench.http2_stand import REQUEST_TIMEOUT, HTTP2Stand
from pushgate.model.notification import Delivery

LATE: Final = f"{2 * REQUEST_TIMEOUT:g}s"


def one(act: str, **rule: Any) -> Program:
    """A program with one rule, which fires twice unless it says otherwise."""
    return Program(({"act": act, "times": 2, **rule},))


def answered(reason: str, **rule: Any) -> Program:
    """A program in which the service answers so."""
    return one("answer", reason=reason, **({"request": 30} | rule))


FAULTS: Final = {
    "none": Program(),
    "dead tokens": Program(dead=20),
    "refused": answered("BadPriority"),
    "too large": answered("PayloadTooLarge"),
    "an unknown reason": one("answer", status=400, reason="NewReason", request=30),
    "an answer that is no JSON": one("answer", status=502, body="<html>", request=30),
    "too many for a device": answered("TooManyRequests", times=6, request=None, every=20),
    "provider token expired": answered("ExpiredProviderToken", times=1),
    "provider token expired for good": answered("ExpiredProviderToken", times=8),
    "provider token renewed too often": answered("TooManyProviderTokenUpdates", times=1),
    "provider token refused": answered("InvalidProviderToken", times=3),
    "key of the other environment": answered("BadEnvironmentKeyInToken", times=1),
    "key unrelated": answered("UnrelatedKeyIdInToken"),
    "topic not allowed": answered("TopicDisallowed", times=1),
    "idle timeout": answered("IdleTimeout"),
    "server shuts down": answered("Shutdown"),
    "trouble now and then": answered("InternalServerError", times=6, request=None, every=25),
    "a storm of trouble": answered("ServiceUnavailable", times=7, request=None, every=1),
    "GOAWAY": one("goaway", request=30),
    "GOAWAY with a reason": one("goaway", request=30, reason="Shutdown"),
    "GOAWAY before the request": one("goaway", request=30, accepted=False),
    "GOAWAY at once": one("goaway", request=0, times=4),
    "GOAWAY again and again": one("goaway", every=17, times=9),
    "GOAWAY below what is answered": one("goaway", request=30, last_stream=1),
    "fewer streams": one("settings", request=20, streams=1),
    "fewer streams, then more": Program((
        {"act": "settings", "request": 20, "streams": 1, "times": 1},
        {"act": "settings", "request": 40, "streams": 100, "times": 1},
    )),
    "stream refused": one("rst-stream", code="REFUSED_STREAM", every=10, times=12),
    "stream reset": one("rst-stream", code="INTERNAL_ERROR", every=20, times=6),
    "stream reset after it was accepted": one("rst-stream", code="CANCEL", accepted=True, every=20, times=6),
    "one silent stream": one("silence", request=30),
    "one silent stream that was accepted": one("silence", request=30, accepted=True),
    "a silent connection": one("silence", every=1, times=4),
    "slow answers": one("slow", delay="100ms", every=3, times=50),
    "an answer too late": one("slow", delay=LATE, request=30),
    "connection closed": one("drop", request=30),
    "connection closed after it was accepted": one("drop", request=30, accepted=True),
    "connection reset": one("drop", request=30, end="reset"),
    "connection closed at once": one("drop", request=0, times=4),
    "never answered": replace(one("silence", token=POISON, times=0), batches=(70, 20)),
    "poison": replace(one("drop", token=POISON, times=0), batches=(70, 20)),
    "stops reading for a time": one("stop-reading", request=30, duration="1s"),
    "stops reading for longer than an answer takes": one("stop-reading", request=30, duration=LATE),
    "TLS alert: certificate revoked": one("tls-alert", service="http2"),
    "TLS alert: handshake failure": one("tls-alert", service="http2", alert=40),
    "connection refused": one("refuse", service="http2", duration="3s"),
    "one stream": Program(window=1),
}  # fmt: skip
"""Each fault alone, under at-least-once; `main` runs it under at-most-once too."""

_TEMPORARY: Final = (
    "ExpiredProviderToken", "IdleTimeout", "InternalServerError", "InvalidProviderToken",
    "ServiceUnavailable", "Shutdown", "TooManyRequests", "UnrelatedKeyIdInToken",
)  # fmt: skip


def _rules() -> "st.SearchStrategy[dict[str, Any]]":
    """Any rule that ends in finite time and tells no lies."""
    when: st.SearchStrategy[dict[str, Any]] = st.one_of(
        st.fixed_dictionaries({"request": st.integers(1, 60), "times": st.integers(1, 3)}),
        st.fixed_dictionaries({"connection": st.integers(1, 4), "request": st.integers(1, 60)}),
        st.fixed_dictionaries({"every": st.integers(1, 40), "times": st.integers(1, 4)}),
        st.fixed_dictionaries({"probability": st.sampled_from([0.01, 0.03]), "times": st.integers(1, 4)}),
    )
    reasons = st.sampled_from(["BadPriority", "PayloadTooLarge", "Unregistered", *_TEMPORARY])
    either, few = st.booleans(), st.integers(1, 2)
    codes = st.sampled_from(["REFUSED_STREAM", "INTERNAL_ERROR", "CANCEL", "ENHANCE_YOUR_CALM"])
    ends, delays = st.sampled_from(["close", "reset"]), st.sampled_from(["0s", "50ms", "300ms"])
    return st.one_of(
        st.builds(lambda w, r, d: {"act": "answer", "reason": r, "delay": d, **w}, when, reasons, delays),
        st.builds(
            lambda w, a, r: {"act": "goaway", "accepted": a, **w, **({"reason": "Shutdown"} if r else {})},
            when, either, either,
        ),
        st.builds(lambda w, n: {"act": "settings", "streams": n, **w}, when, st.integers(1, 50)),
        st.builds(
            lambda w, c, a: {"act": "rst-stream", "code": c, "accepted": a and c != "REFUSED_STREAM", **w},
            when, codes, either,
        ),
        st.builds(lambda w, a: {"act": "silence", "accepted": a, **w}, when, either),
        st.builds(lambda w, d: {"act": "slow", "delay": d, **w}, when, st.sampled_from(["50ms", "400ms"])),
        st.builds(lambda w, a, e: {"act": "drop", "accepted": a, "end": e, **w}, when, either, ends),
        st.builds(lambda w: {"act": "stop-reading", "duration": "200ms", **w}, when),
        st.builds(lambda n: {"act": "tls-alert", "service": "http2", "times": n}, few),
        st.builds(lambda n: {"act": "refuse", "service": "http2", "times": n, "duration": "2s"}, few),
    )  # fmt: skip


def programs() -> "st.SearchStrategy[Program]":
    """Random sequences of faults."""
    return st.builds(
        Program,
        script=st.lists(_rules(), min_size=1, max_size=5).map(tuple),
        delivery=st.sampled_from(Delivery),
        batches=st.lists(st.integers(1, 80), min_size=1, max_size=4).map(tuple),
        connections=st.integers(1, 3),
        window=st.sampled_from([0, 1, 7, 50]),
        dead=st.sampled_from([0, 11, 30]),
    )


if __name__ == "__main__":
    main(FAULTS, programs(), HTTP2Stand)
