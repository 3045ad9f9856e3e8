"""The screen of `top`."""

import io

from msgspec import convert
from rich.console import Console

from pushgate.cli.top.samples import Samples
from pushgate.cli.top.screen import TROUBLES, screen
from pushgate.model.gateway_stats import GatewayStats
from pushgate.model.health.judgement import troubles
from tests.cli.status.test_judgement import HEALTHY, NOW, OURS, SOUND
from tests.cli.status.test_view import LONG


def shown(stats, size=None, lost="", looks=(0, 10, 30)):
    """The lines, in a pipe or on a terminal of some size."""
    samples, text = Samples(), io.StringIO()
    for second, settled in enumerate(looks):
        outcomes = {name: {"accepted": settled} for name in stats["apps"]}
        read = convert(stats | {"outcomes": outcomes}, GatewayStats)
        samples.add(read, float(second))
    console = Console(file=text, width=size[0] if size else 80, highlight=False)
    console.print(screen(read, samples, "there", troubles(read, OURS, NOW), size, lost))
    return [line.rstrip() for line in text.getvalue().splitlines()]


def with_apps(count, **changed):
    busy = {"recent": {"seconds": 60.0}}
    return HEALTHY | {"apps": {f"app-{number:02}": SOUND | busy | changed for number in range(count)}}


def test_a_look():
    """The heading of `status`, current rates, a bar for each look, and the lag of sinks."""
    assert shown(HEALTHY) == [
        "pushgate 1.0 at there, up 1m40s",
        "40 of 1,000 files, disk 100.0 GB free (10 %)",
        "last 0 s: 0 submitted; outcomes: none",
        "",
        "app   circuit  queue  oldest  window  in/s  out/s  out, by look",
        "news  closed      10    2.0s       0     -   15.0  ▅█",
        "",
        "sinks behind: log 3",
    ]


def test_it_fits_a_terminal():
    """The screen fits 80 columns and 24 lines; apps with problems are first, and the rest is counted."""
    stats = with_apps(40)
    stats["apps"]["app-33"] = SOUND | {"circuit": {"open": True, "cause": "refused"}}
    stats["apps"]["app-07"] = SOUND | {"recent": {"seconds": 60.0, "outcomes": {"accepted": 5}}}
    stats["apps"][LONG] = SOUND | {"queue": 999_999, "queue_limit": 10**7, "window": 99_999, "queue_age": 59.0,
                                   "recent": {"outcomes": {"accepted": 4}}}  # fmt: skip
    lines = shown(stats, (80, 24), looks=[400_000 * second for second in range(30)])
    assert len(lines) == 24
    assert max(map(len, lines)) <= 80
    at = next(number for number, line in enumerate(lines) if line.startswith("app "))
    names = [line.split()[0] for line in lines[at + 1 : at + 5]]
    assert names == ["app-33", "app-07", "alerts-for-cu…", "app-00"]
    assert "and 26 more apps" in lines
    assert lines[-1] == "failure: apps.app-33: open: refused"
    assert lines[at + 3].split()[2:6] == ["999,999", "59s", "99,999", "-"]


def test_a_narrow_terminal():
    """Columns are left out; the names of apps, the circuits and the queues never are."""
    stats = with_apps(3)
    stats["apps"][LONG] = SOUND
    for width, least in (
        (73, ["oldest", "window", "in/s", "out/s"]),
        (60, ["in/s", "out/s"]),
        (40, ["out/s"]),
    ):
        lines = shown(stats, (width, 24))
        assert max(map(len, lines)) <= width
        [head] = [line.split() for line in lines if line.startswith("app ")]
        assert head[:3] == ["app", "circuit", "queue"]
        assert {*least} <= {*head}
        assert sum(line.startswith("app-0") for line in lines) == 3
        assert sum(line.startswith(LONG[:7]) for line in lines) == 1


def test_a_pipe_has_all():
    """A pipe gets all apps with whole names, and all problems."""
    stats = with_apps(30, pressed=True)
    stats["apps"][LONG] = SOUND
    lines = shown(stats)
    assert sum(line.startswith("app-") for line in lines) == 30
    assert sum(line.startswith("failure: apps.app-") for line in lines) == 30
    assert max(map(len, lines)) <= 80


def test_a_pipe_has_whole_sentences():
    """What a terminal would cut short goes on in the next line."""
    sinks = {f"sink-{number}": {"lag": 300_000 + number} for number in range(9)}
    text = " ".join(shown(HEALTHY | {"sinks": sinks}))
    assert "…" not in text
    assert "sink-0 300,000" in text
    failing = {"backend": {"lag": 300_015, "reports": 1, "age": 1423.0, "failing": True}}
    text = " ".join(shown(HEALTHY | {"sinks": failing}))
    assert "its last call failed; 300,015 notifications behind, for 23m43s" in text


def test_many_troubles():
    """Problems take a few lines at most; the last one refers to `status`."""
    lines = shown(with_apps(30, pressed=True), (80, 24))
    assert len(lines) == 24
    assert lines[-1] == f"and {30 - TROUBLES + 1} more: pushgate status"


def test_a_tiny_terminal():
    """One app is shown on the smallest terminal."""
    assert sum(line.startswith("app-") for line in shown(with_apps(5), (80, 3))) == 1


def test_no_answer():
    """The last look stays, below the reason of the missing answer."""
    lines = shown(HEALTHY, (80, 24), lost="no answer came within 10 s")
    assert lines[0] == "no answer: no answer came within 10 s"
    assert any(line.startswith("news ") for line in lines)


def test_sinks():
    """The worst sink is first; watchers are left out."""
    sinks = {
        "a": {"lag": 1},
        "b": {"lag": 5},
        "c": {"lag": 0, "failing": True},
        "w": {"lag": 99, "watches": True},
        "x": {"lag": 0},
    }
    assert "sinks behind: c failing, 0, b 5, a 1" in shown(HEALTHY | {"sinks": sinks})
    assert "sinks behind: none" in shown(HEALTHY | {"sinks": {"a": {"lag": 0}}})
    assert "sinks behind: -" in shown(HEALTHY | {"sinks": {}})
