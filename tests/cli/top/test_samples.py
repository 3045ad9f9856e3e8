"""Rates from counters, look by look."""

from msgspec import convert

from pushgate.cli.top.samples import HISTORY, Rates, Samples
from pushgate.model.gateway_stats import GatewayStats


def look(submitted, settled, uptime=100.0, app="news"):
    half = settled // 2
    return convert(
        {
            "uptime": uptime,
            "apps": {app: {"counts": {"submitted": submitted}}},
            "outcomes": {app: {"accepted": half, "rejected": settled - half}},
        },
        GatewayStats,
    )


def samples(*looks):
    """Samples of looks a second apart."""
    made = Samples()
    for second, each in enumerate(looks):
        made.add(each, float(second))
    return made


def test_one_look_is_no_rate():
    """After one look, and for an unknown app, rates are 0."""
    made = samples(look(50, 40))
    assert (made.rates("news"), made.history("news")) == (Rates(), [])
    assert samples(look(0, 0), look(1, 1)).rates("other") == Rates()


def test_rates_of_the_last_seconds():
    """Rates are those of the last five seconds; the history has each look."""
    made = samples(*(look(10 * second**2, 100 * second) for second in range(11)))
    assert made.rates("news") == Rates(submitted=(1000 - 250) / 5, settled=100.0)
    assert made.history("news") == [100.0] * 10


def test_seldom_looks():
    """If looks are more than five seconds apart, rates are those between the last two."""
    made = Samples()
    for second, settled in ((0.0, 0), (60.0, 600), (120.0, 1800)):
        made.add(look(0, settled), second)
    assert made.rates("news").settled == 20.0


def test_a_restart():
    """After a restart of the gateway the earlier looks are dropped."""
    made = samples(look(900, 900, 5000.0), look(3, 2, 1.0), look(13, 12, 2.0))
    assert made.rates("news") == Rates(10.0, 10.0)
    assert made.history("news") == [10.0]


def test_an_app_that_a_reload_adds():
    """The counts of its first look are not part of a rate."""
    made = samples(look(5, 5, app="other"), look(900, 900), look(901, 901))
    assert made.history("news") == [0.0, 1.0]
    assert made.history("other") == [0.0, 0.0]


def test_looks_at_one_time():
    """Two looks at the same time give no rate."""
    made = Samples()
    made.add(look(0, 0), 1.0)
    made.add(look(9, 9), 1.0)
    assert made.rates("news") == Rates()


def test_bounded():
    """Only the last `HISTORY` looks are kept."""
    made = samples(*(look(0, number) for number in range(500)))
    assert len(made.history("news")) == HISTORY - 1
