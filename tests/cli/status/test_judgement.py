"""Findings about a gateway's state: each problem is found and distinguished from others."""

import pytest
from msgspec import convert

from pushgate.model.finding import Level
from pushgate.model.gateway_stats import GatewayStats
from pushgate.model.health.causes import CAUSES, words
from pushgate.model.health.judgement import DELAYED, GATEWAY, judge, troubles
from pushgate.upstreams.common.circuit_breaker import Cause

NOW = 1_700_000_000.0
OURS = {"pushgate": "1.0"}
SOUND = {
    "upstream": "apns-stream", "queue": 10, "queue_limit": 1000, "queue_age": 2.0, "connections": {"ready": 2},
    "circuit": {"open": False, "cause": ""}, "response_timeout": 5.0, "certificate_expires": NOW + 90 * 86_400,
    "counts": {"submitted": 1000, "rejected_as_dead": 2},
}  # fmt: skip
HEALTHY = {
    "at": NOW, "uptime": 100.0, "apps": {"news": SOUND}, "outcomes": {"news": {"accepted": 990, "rejected": 2}},
    "sinks": {"log": {"lag": 3, "reports": 1, "buffer": 100, "age": 0.5}, "amp.watch-1": {"lag": 9, "watches": True}},
    "versions": {"pushgate": "1.0", "twisted": "26.4.0"}, "disk": {"free": 10**11, "total": 10**12},
    "files": {"open": 40, "limit": 1000},
}  # fmt: skip


def found(stats):
    return list(judge(convert(stats, GatewayStats), OURS, NOW))


def trouble(**changed):
    """The only problem of a healthy gateway with these changes: part, level, check, text."""
    [(part, finding)] = troubles(convert(HEALTHY | changed, GatewayStats), OURS, NOW)
    return part, str(finding.level), finding.check, finding.what


def app_trouble(**changed):
    part, *rest = trouble(apps={"news": SOUND | changed})
    assert part == "apps.news"
    return tuple(rest)


def sink_trouble(**state):
    return trouble(sinks={"log": {"lag": 500, "reports": 10, "buffer": 100, "age": 3.0} | state})


def test_a_healthy_gateway():
    """All findings are ok; watchers are not sinks."""
    findings = found(HEALTHY)
    assert {finding.level for _, finding in findings} == {Level.OK}
    assert [(part, finding.check) for part, finding in findings] == [
        (GATEWAY, "gateway-version"), (GATEWAY, "disk"), (GATEWAY, "open-files"), ("apps.news", "circuit"),
        ("apps.news", "queue"), ("apps.news", "queue-age"), ("apps.news", "dead-tokens"), ("apps.news", "late-errors"),
        ("apps.news", "certificate-days"), ("sinks.log", "sink"),
    ]  # fmt: skip


def test_an_idle_gateway():
    """An idle gateway, and one that reports only apps, have no problems."""
    idle = {"news": {"upstream": "wns"}}
    assert {finding.level for _, finding in found({"apps": idle, "sinks": {"log": {}}})} == {Level.OK}
    assert found({}) == []


@pytest.mark.parametrize("cause", Cause)
def test_an_open_circuit(cause):
    """Each cause has its meaning and advice."""
    assert cause in CAUSES
    state = {"circuit": {"open": True, "cause": cause}}
    assert app_trouble(**state) == ("failure", "circuit", f"open: {cause}")
    [(_, finding)] = troubles(convert(HEALTHY | {"apps": {"news": SOUND | state}}, GatewayStats), OURS, NOW)
    assert finding.meaning == f"{CAUSES[cause].meaning}; nothing is sent"
    assert finding.advice == CAUSES[cause].advice


def test_causes():
    """There is a text for each cause of circuits; an unknown cause refers to the log."""
    assert set(CAUSES) == set(Cause)
    assert words("of tomorrow").advice == "the gateway's log has the reason"


def test_a_circuit_that_is_not_open_yet():
    """Failures before the circuit opens are found, and so is a missing connection."""
    assert app_trouble(circuit={"open": False, "cause": "refused"}) == (
        "warning", "circuit", "closed, but the last attempt failed: refused",
    )  # fmt: skip
    alone = app_trouble(connections={"ready": 0})
    assert alone == ("warning", "circuit", "closed, but there is no connection while notifications wait")
    held_back = SOUND | {"connections": {}, "paced": 10}
    assert troubles(convert(HEALTHY | {"apps": {"news": held_back}}, GatewayStats), OURS, NOW) == []


def test_routes():
    """Failing hosts are listed independently of the app's circuit."""
    routes = {
        "https://a": {"open": True, "cause": "refused"},
        "https://b": {"open": False, "cause": "network"},
    }
    findings = app_trouble(routes=routes)
    assert findings == ("warning", "routes", "1 of the service's hosts cannot be used")
    [(_, finding)] = troubles(
        convert(HEALTHY | {"apps": {"news": SOUND | {"routes": routes}}}, GatewayStats), OURS, NOW
    )
    assert finding.details == ("https://a: refused",)


@pytest.mark.parametrize(
    ("state", "level"),
    [({"queue": 500}, "warning"), ({"queue": 900}, "failure"), ({"queue": 10, "pressed": True}, "failure")],
)
def test_a_queue_near_its_limit(state, level):
    """A queue that is half full is a warning; one that pauses callers, or nearly so, is a failure."""
    assert app_trouble(**state)[:2] == (level, "queue")


@pytest.mark.parametrize(
    ("state", "level"),
    [
        ({"queue_age": 61.0}, "warning"),
        ({"queue_age": 700.0}, "failure"),
        ({"queue_age": 700.0, "rate": 5.0}, "warning"),
    ],
)
def test_an_old_queue(state, level):
    """Late notifications are a problem, unless the rate delays them."""
    assert app_trouble(**state)[:2] == (level, "queue-age")


def test_delayed():
    """Notifications that the push service delays are a problem."""
    assert app_trouble(delayed=DELAYED)[:2] == ("warning", "delayed")


@pytest.mark.parametrize(
    ("counts", "recent", "outcomes", "words"),
    [
        (30, {}, {"accepted": 70, "rejected": 30}, "30 % of the notifications written since the start"),
        (30, {"rejected_as_dead": 25, "outcomes": {"rejected": 25}}, {"accepted": 970, "rejected": 30},
         "100 % of the notifications written recently"),
    ],
)  # fmt: skip
def test_many_dead_tokens(counts, recent, outcomes, words):
    """A large share of dead tokens is a problem, also if only recent ones are dead."""
    changed = SOUND | {"counts": {"rejected_as_dead": counts}, "recent": recent}
    part, level, check, what = trouble(apps={"news": changed}, outcomes={"news": outcomes})
    assert (part, level, check) == ("apps.news", "warning", "dead-tokens")
    assert what == f"{words} were refused for their token"


@pytest.mark.parametrize(
    ("dead", "recent", "outcomes"),
    [
        (3, {}, {"accepted": 2, "rejected": 3}),
        (150, {}, {"accepted": 850, "rejected": 150, "suppressed": 9000}),
        (0, {"rejected_as_dead": 10, "outcomes": {"rejected": 10}}, {"accepted": 990, "rejected": 10}),
    ],
)
def test_few_dead_tokens(dead, recent, outcomes):
    """A small number or share is not a problem; suppressed notifications do not count."""
    changed = SOUND | {"counts": {"rejected_as_dead": dead}, "recent": recent}
    stats = HEALTHY | {"apps": {"news": changed}, "outcomes": {"news": outcomes}}
    assert troubles(convert(stats, GatewayStats), OURS, NOW) == []


def test_late_errors():
    """The advice names the key to change, with the value that was observed."""
    state = {"counts": {"late_errors": 12}, "response_timeout": 10.0}
    assert app_trouble(**state)[:2] == ("warning", "late-errors")
    [(_, finding)] = troubles(convert(HEALTHY | {"apps": {"news": SOUND | state}}, GatewayStats), OURS, NOW)
    assert finding.advice == 'set response_timeout = "10s" for the app'


@pytest.mark.parametrize(
    ("days", "level", "words"),
    [(13.5, "warning", "its certificate expires in 13 days"), (-1, "failure", "its certificate has expired")],
)
def test_a_certificate(days, level, words):
    """The days are counted by the gateway's clock."""
    assert app_trouble(certificate_expires=NOW + days * 86_400) == (level, "certificate-days", words)


def test_sinks():
    """A sink that drops is a failure; one that fails, lags, or is nearly full is a warning."""
    assert sink_trouble(dropped=7, failing=True) == (
        "sinks.log", "failure", "sink", "7 notifications were not reported to it; 500 notifications behind, for 3.0s",
    )  # fmt: skip
    assert sink_trouble(failing=True)[3].startswith("its last call failed; ")
    assert sink_trouble(age=90.0)[1:] == ("warning", "sink", "500 notifications behind, for 1m30s")
    assert sink_trouble(reports=80)[1:3] == ("warning", "sink")
    assert trouble(sinks={"hubs.main": {"failing": True}})[0] == "hubs.main"


@pytest.mark.parametrize(
    ("changed", "level", "check"),
    [
        ({"versions": {"pushgate": "0.9"}}, "warning", "gateway-version"),
        ({"accepting": False}, "warning", "accepting"),
        ({"disk": {"free": 10**8, "total": 10**12}}, "failure", "disk"),
        ({"disk": {"free": 10**9, "total": 10**12}}, "warning", "disk"),
        ({"disk": {"free": 4 * 10**6, "total": 10**8}}, "warning", "disk"),
        ({"files": {"open": 800, "limit": 1000}}, "warning", "open-files"),
        ({"files": {"open": 951, "limit": 1000}}, "failure", "open-files"),
        ({"at": NOW - 31}, "warning", "clock"),
        ({"at": NOW + 31}, "warning", "clock"),
    ],
)
def test_the_process(changed, level, check):
    """Problems of the gateway as a whole."""
    assert trouble(**changed)[:3] == (GATEWAY, level, check)


def test_the_worst_first():
    """Failures come before warnings."""
    stats = HEALTHY | {"accepting": False, "sinks": {"log": {"dropped": 1}}}
    assert [each.finding.level for each in troubles(convert(stats, GatewayStats), OURS, NOW)] == [
        "failure",
        "warning",
    ]
