"""Two configurations compared."""

from typing import Any

from pushgate.plugin.settings import AppTable, InputTable, SinkTable
from pushgate.service.config.diff import Changes, compare
from pushgate.service.config.reader import Config, GatewayTable
from pushgate.testing import RecordingUpstreams
from pushgate.upstreams.apns_binary.settings import ApnsStreamTable

STREAM = {"upstream": "apns-stream", "certificate": "/a.pem"}


def config(
    gateway: dict[str, Any] | None = None,
    apps: dict[str, AppTable] | None = None,
    inputs: dict[str, InputTable] | None = None,
    sinks: dict[str, SinkTable] | None = None,
) -> Config:
    """A configuration; the factories do not matter."""
    factory: Any = RecordingUpstreams()
    return Config(
        GatewayTable.model_validate({"state_dir": "memory", **(gateway or {})}),
        *({name: (factory, table) for name, table in (section or {}).items()} for section in (apps, inputs, sinks)),
    )  # fmt: skip


def stream(**keys: Any) -> AppTable:
    return ApnsStreamTable.model_validate({**STREAM, **keys})


def between(old: AppTable, new: AppTable) -> Changes:
    return compare(config(apps={"news": old}), config(apps={"news": new}))


def test_nothing() -> None:
    """Equal configurations, also when they were read twice, have no difference."""
    changes = between(stream(), stream())
    assert (changes.lines(), changes.faults(), changes.replaced, changes.adjusted) == ([], [], [], [])


def test_what_comes_and_goes() -> None:
    """Each table that is new or gone has its line, with names written as TOML does."""
    old = config(
        apps={"a": stream()}, inputs={"x": InputTable(type="amp")}, sinks={"s": SinkTable(type="log")}
    )
    new = config(
        apps={"b.c": stream()}, inputs={"y": InputTable(type="amp")}, sinks={"t": SinkTable(type="log")}
    )
    changes = compare(old, new)
    assert changes.faults() == []
    assert changes.lines() == [
        'apps."b.c": added', "apps.a: removed",
        "inputs.y: added", "inputs.x: removed",
        "sinks.t: added", "sinks.s: removed",
    ]  # fmt: skip


def test_what_the_upstream_does_not_look_at() -> None:
    """A change of rate, delivery or payload limit needs no other upstream."""
    changes = between(stream(), stream(rate=1.0, delivery="at-most-once", max_payload=100))
    assert (changes.adjusted, changes.replaced) == (["news"], [])
    assert changes.lines() == [
        "apps.news.delivery: changed", "apps.news.max_payload: changed", "apps.news.rate: changed",
    ]  # fmt: skip


def test_what_it_looks_at() -> None:
    """Any other key does; lines name keys and never values."""
    changes = between(stream(), stream(certificate="/secret.pem", rate=1.0, window=5))
    assert (changes.adjusted, changes.replaced) == ([], ["news"])
    assert "secret" not in "".join(changes.lines())


def test_another_kind_of_upstream() -> None:
    """With another kind of upstream, the keys that only one of them has count as changed."""
    changes = between(stream(), AppTable(upstream="dry-run"))
    assert changes.replaced == ["news"]
    assert {"upstream", "certificate", "window"} <= set(changes.apps.changed["news"])


def test_the_gateway() -> None:
    """The gateway's limits may change, its directory may not."""
    changes = compare(config(), config({"expiry": "1h", "queue_limit": 5, "drain_timeout": "1s"}))
    assert changes.faults() == []
    assert set(changes.gateway) == {"expiry", "queue_limit", "drain_timeout"}
    changed = {"state_dir": "/x", "expiry": "1h", "plugins": ["/"]}
    first, second = compare(config(), config(changed)).faults()
    assert first.startswith("gateway.state_dir: ")
    assert second.startswith("gateway.plugins: ")
    assert "restart" in first
    assert "restart" in second


def test_inputs_and_sinks() -> None:
    """An input or a sink that is changed needs a restart, or another name: each key has its line."""
    old = config(inputs={"x": InputTable(type="amp")}, sinks={"s": SinkTable(type="log")})
    new = config(inputs={"x": InputTable(type="line")}, sinks={"s": SinkTable(type="log", buffer=5)})
    faults = compare(old, new).faults()
    assert [line.partition(":")[0] for line in faults] == ["inputs.x.type", "sinks.s.buffer"]
    assert all("restart" in line and "name" in line for line in faults)


def test_files() -> None:
    """What an upstream is made from are the files that its table names."""
    assert AppTable(upstream="x").files() == {}
    assert list(stream().files()) == ["certificate"]
    files = stream(private_key="/k", trust="/t", password_file="/p").files()
    assert list(files) == ["certificate", "private_key", "password_file", "trust"]
