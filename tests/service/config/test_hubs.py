"""Hubs in the configuration: what is read, what is refused, and what a reload takes up."""

from typing import Any

import pytest

from pushgate.model.errors import CannotStart
from pushgate.model.hub.access import Right
from pushgate.model.hub.platform import Platform
from pushgate.service.config.diff import compare
from pushgate.service.config.reader import Config, config_from
from pushgate.service.plugin_registry import find

APPS: dict[str, Any] = {
    "news": {"upstream": "apns-http2", "topic": "com.example.news", "key_file": "/k/AuthKey_ABC123DEFG.p8",
             "team_id": "DEF123GHIJ"},
    "web": {"upstream": "webpush", "vapid_key_file": "/k/vapid.pem", "subject": "mailto:a@example.com"},
}  # fmt: skip
RULES = {"Full": {"rights": ["listen", "send", "manage"], "key_file": "/k/full.key"}}


def read(hubs: Any, **gateway: Any) -> Config:
    tree = {"gateway": gateway, "apps": APPS, "inputs": {}, "hubs": hubs}
    return config_from(tree, "x.toml", find())


def faults(hubs: Any, **gateway: Any) -> list[str]:
    with pytest.raises(CannotStart) as caught:
        read(hubs, **gateway)
    return caught.value.faults


def test_a_hub_is_read() -> None:
    """Platforms name apps, rules name rights and key files, and everything else has a default."""
    hub = read({"main": {"apns": "news", "browser": "web", "rules": RULES}}).hubs["main"]
    assert hub.apps() == {Platform.APNS: "news", Platform.BROWSER: "web"}
    assert (hub.store, hub.expiry, hub.max_body) == ("sqlite", 1800.0, 65536)
    assert hub.rules["Full"].rights == list(Right)
    assert {key: str(path) for key, path in hub.files().items()} == {"rules.Full.key_file": "/k/full.key"}


def test_wrong_names_and_values() -> None:
    """Each fault has a line with its key path; values are not shown."""
    found = faults({"main": {"apns": "nws", "fcm": "news", "rules": {"Full": {"rights": []}}}})
    assert len(found) == 4
    text = "\n".join(found)
    assert "hubs.main.apns" in text
    assert "hubs.main.fcm: unknown key" in text
    assert "hubs.main.rules.Full.rights" in text
    assert "hubs.main.rules.Full.key_file" in text


def test_an_app_of_another_kind_of_device() -> None:
    """The app of a platform takes targets in the form in which the platform's handles are written."""
    (line,) = faults({"main": {"apns": "web"}})
    assert line == (
        "x.toml: hubs.main.apns: the targets of app web are written as text, those of this platform as hex; "
        "must be an app for apns"
    )


def test_sqlite_needs_a_directory() -> None:
    """A hub in SQLite would be gone with the process if nothing of its state were kept."""
    (line,) = faults({"main": {"apns": "news"}}, state_dir="memory")
    assert line.startswith("x.toml: hubs.main.store: sqlite is kept in gateway.state_dir")


def test_what_a_reload_takes_up() -> None:
    """Rules, apps and limits change while it runs; a hub comes and goes, and moves, by a restart."""
    old = read({"main": {"apns": "news", "rules": RULES}})
    live = compare(old, read({"main": {"browser": "web", "max_tags": 5, "rules": {}}}))
    assert live.faults() == []
    assert live.lines() == [
        "hubs.main.apns: changed",
        "hubs.main.browser: changed",
        "hubs.main.rules: changed",
        "hubs.main.max_tags: changed",
    ]
    assert compare(
        old, read({"main": {"apns": "news", "rules": RULES, "store": "postgresql://h/d"}})
    ).faults() == ["hubs.main.store: cannot be changed while it runs; needs a restart"]
    assert compare(old, read({"other": {"apns": "news"}})).faults() == [
        "hubs.other: cannot be changed while it runs; needs a restart",
        "hubs.main: cannot be changed while it runs; needs a restart",
    ]


def test_a_name_too_long_for_postgresql() -> None:
    """Two hubs whose names begin alike would share a schema."""
    (line,) = faults({"h" * 55: {"apns": "news", "store": "postgresql://u@h/d"}})
    assert line.endswith(
        "a name of length 55; at most 54 with a store in PostgreSQL, whose schema has this name"
    )


def test_a_database_there_is_not() -> None:
    """Another kind of database is found before anything is opened, and its address, with a password, is not shown."""
    (line,) = faults({"main": {"apns": "news", "store": "mysql://root:secret@host/db"}})
    assert line.startswith("x.toml: hubs.main.store: ")
    assert line.endswith('must be "sqlite" or an address such as postgresql://user@host/database')
    assert "secret" not in line


@pytest.mark.parametrize("address", [
    "postgresql://hub:secret@host/db", "postgres://hub:secret@one,two:5433/db", "postgresql://hub@host/db?password=secret",
    "postgresql://hub@host/db?sslmode=require&pass%77ord=secret",
])  # fmt: skip
def test_a_password_in_the_address_of_a_database(address: str) -> None:
    """It has a file of its own; here it would stand in everything that shows the configuration."""
    (line,) = faults({"main": {"apns": "news", "store": address}})
    assert "password_file" in line
    assert "secret" not in line


@pytest.mark.parametrize("address", [
    "postgresql://hub@host:5432/db", "postgresql://host:5432/a@b", "postgresql://[::1]:5432/db", "postgresql:///db?host=/run/x",
])  # fmt: skip
def test_addresses_of_databases(address: str) -> None:
    """Ports are no passwords."""
    assert read({"main": {"apns": "news", "store": address}}).hubs["main"].store == address
