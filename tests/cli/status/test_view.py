"""What `status` prints of a gateway's state."""

import io
from contextlib import suppress

import pytest
from msgspec import ValidationError, convert
from rich.console import Console

from pushgate.cli.status import rows
from pushgate.cli.status.view import WIDTH, show, table, whole
from pushgate.model.gateway_stats import AppStats, GatewayStats
from pushgate.model.health.judgement import troubles
from tests.cli.status.test_judgement import HEALTHY, NOW, OURS, SOUND

LONG = "alerts-for-customers-in-all-of-europe-and-elsewhere"
BUSY = HEALTHY | {
    "unsettled": 1_234_567,
    "hubs": {"main": {"sends_active": 1, "sends": {"native": 2, "direct": 3}, "outcomes": {"Success": 40}}},
    "apps": {
        "news": SOUND | {"recent": {"seconds": 50.0, "submitted": 100, "outcomes": {"accepted": 90, "rejected": 10}}},
        LONG: SOUND | {
            "queue": 999_999, "queue_limit": 10**7, "queue_age": 1e6, "window": 99_999, "rate": 1.0,
            "connections": {"ready": 64, "spare": 16, "connecting": 1}, "circuit": {"open": True, "cause": "refused"},
            "recent": {"seconds": 10.0, "submitted": 123_456, "outcomes": {"accepted": 123_456}},
        },
    },
}  # fmt: skip


def screen(stats, width=WIDTH):
    """The lines, as they are in a pipe, or on a terminal with so many columns."""
    output = io.StringIO()
    read = convert(stats, GatewayStats)
    Console(file=output, width=width, highlight=False).print(
        whole(read, "127.0.0.1:7215", NOW, troubles(read, OURS, NOW), width)
    )
    return [line.rstrip() for line in output.getvalue().splitlines()]


def test_the_whole():
    """A heading, tables of apps, sinks and hubs, and no problems."""
    quiet = BUSY | {"apps": {"news": BUSY["apps"]["news"]}}
    assert screen(quiet) == [
        "pushgate 1.0 at 127.0.0.1:7215, up 1m40s",
        "1.2M without an outcome, 40 of 1,000 files, disk 100.0 GB free (10 %)",
        "last 50 s: 100 submitted; outcomes: 90 accepted, 10 rejected",
        "",
        "app   circuit  queue  oldest  window  conns  in/s  out/s  cert",
        "news  closed      10    2.0s       0      2   2.0    2.0   90d",
        "",
        "sink  behind  oldest  dropped  errors  now",
        "log        3    0.5s        0       0  ok",
        "1 program watches outcomes, at most 9 behind",
        "",
        "hub   sending  sends  outcomes",
        "main        1      5        40",
        "",
        "nothing is wrong",
    ]


def test_the_width():
    """Large figures and long names fit into 80 columns."""
    lines = screen(BUSY)
    assert max(map(len, lines)) <= WIDTH
    [row] = [line for line in lines if "999,999" in line and "open" in line]
    assert row.split()[1:] == ["open", "999,999", "11d", "99,999", "64+16", "12,346", "12,346", "90d"]
    at = lines.index(row)
    name = "".join(line.split()[0] for line in lines[at : at + 4] if line and not line.startswith("news"))
    assert name.startswith(LONG[:40])


@pytest.mark.parametrize("width", [70, 60, 50, 40])
def test_a_narrow_terminal(width):
    """Columns are left out rather than names folded to a letter a line."""
    stats = BUSY | {"sinks": {"outcomes": {"lag": 300_015, "age": 99.0, "failing": True}}}
    lines = screen(stats, width)
    assert max(map(len, lines)) <= width
    at = next(number for number, line in enumerate(lines) if line.startswith("app "))
    assert lines[at].split()[:3] == ["app", "circuit", "queue"]
    assert any(line.startswith("news ") for line in lines)
    assert any(line.startswith("outcomes  300,015") and line.endswith("failing") for line in lines)


def test_what_is_wrong():
    """Each problem has its meaning and advice below it."""
    lines = screen(HEALTHY | {"apps": {"news": SOUND | {"circuit": {"open": True, "cause": "refused"}}}})
    at = lines.index("failure: apps.news: open: refused")
    assert lines[at + 1 : at + 3] == [
        "  nothing listens there; nothing is sent",
        "  to do: check host and port; is the service up? a firewall?",
    ]


def test_a_limited_principal():
    """A principal of some apps sees these, and no empty tables."""
    assert screen({"apps": {"news": {}}, "outcomes": {"news": {}}}) == [
        "the gateway at 127.0.0.1:7215",
        "last 0 s: 0 submitted; outcomes: none",
        "",
        "app   circuit  queue  oldest  window  conns  in/s  out/s  cert",
        "news  closed       0       -       0      0     -      -     -",
        "",
        "nothing is wrong",
    ]


def test_hostile_names():
    """Control characters and markup in a gateway's texts are escaped."""
    evil = "\x1b[2J[bold]x[/]"
    stats = {
        "apps": {evil: {"circuit": {"open": True, "cause": evil}}}, "sinks": {evil: {}}, "hubs": {evil: {}},
        "versions": {"pushgate": evil}, "outcomes": {},
    }  # fmt: skip
    text = "\n".join(screen(stats))
    assert "\x1b" not in text
    assert r"\x1b[2J[bold]x[/]" in text


def changed(value, figure):
    """States in which one figure is replaced, for each figure."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from ({**value, key: other} for other in changed(each, figure))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield figure


@pytest.mark.parametrize(
    "figure",
    [10**400, -(10**400), 1e308, float("inf"), float("nan"), 5e-324, -1, 10**18, -1e18],
    ids=lambda figure: str(figure)[:8],
)
def test_figures_of_any_size(figure):
    """Any figure is shown, or the state is refused as invalid."""
    for stats in changed(BUSY, figure):
        with suppress(ValidationError):
            assert screen(stats)


def test_words_of_rows():
    """A failing circuit, a stopping gateway, and the number of watchers have their words."""
    failing = convert({"circuit": {"open": False, "cause": "refused"}}, AppStats)
    assert rows.circuit(failing) == "failing"
    stopping = convert({"accepting": False, "uptime": 3.0, "files": {"open": 3}}, GatewayStats)
    assert rows.heading(stopping, "there")[:2] == ["the gateway at there, up 3.0s, stopping", "3 files"]
    watching = {"a": {"watches": True}, "b": {"watches": True, "lag": 4}}
    assert (
        rows.watchers(convert({"sinks": watching}, GatewayStats))
        == "2 programs watch outcomes, at most 4 behind"
    )
    assert (
        rows.sink_row("log", convert({"sinks": {"x": {"failing": True}}}, GatewayStats).sinks["x"])[-1]
        == "failing"
    )


def test_no_blanks_at_the_ends_of_lines(capsys):
    """In a pipe a line ends where its text ends, also where the last column of a table is wider than its word."""
    show(table(("sink", "now"), [("log", "ok"), ("outcomes", "failing")]))
    assert capsys.readouterr().out.splitlines() == ["sink      now", "log       ok", "outcomes  failing"]
