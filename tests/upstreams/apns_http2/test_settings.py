"""An app's table in a configuration: each fault in one line, with its key, what is wrong and what to do."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pushgate.model.errors import CannotStart
from pushgate.service.config.reader import config_from
from pushgate.service.plugin_registry import find
from pushgate.upstreams.apns_http2.settings import HOSTS, MANAGE, ApnsHTTP2Table

KEY = {"key_file": "/x/AuthKey_ABC123DEFG.p8", "team_id": "DEF123GHIJ", "topic": "com.example.app"}
IDENTIFIER = "must be 10 characters, A to Z and 0 to 9, as Apple's developer site shows it"
REGISTRY = find()


def read(**keys: Any) -> ApnsHTTP2Table:
    """The table of the app `news` in a configuration; keys that are None are left out."""
    table = {"upstream": "apns-http2", **{key: value for key, value in keys.items() if value is not None}}
    config = config_from({"gateway": {"state_dir": "memory"}, "apps": {"news": table}}, "f", REGISTRY)
    _, found = config.apps["news"]
    assert isinstance(found, ApnsHTTP2Table)
    return found


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ({}, "apps.news: a table; must have either key_file or certificate, not both"),
        (
            {**KEY, "certificate": "/x/a.pem"},
            "apps.news: a table; must have either key_file or certificate, not both",
        ),
        (
            {**KEY, "key_file": "/x/mine.p8"},
            "apps.news: a table; must have key_id: the file's name is not AuthKey_KEYID.p8",
        ),
        (
            {**KEY, "key_file": "/x/AuthKey_abc123defg.p8"},
            "apps.news: a table; must have key_id: the file's name is not AuthKey_KEYID.p8",
        ),
        (
            {**KEY, "mdm": True},
            "apps.news: a table; must have certificate, an MDM push certificate, beside mdm",
        ),
        ({**KEY, "team_id": None}, "apps.news: a table; must have team_id beside key_file"),
        ({**KEY, "topic": None}, "apps.news: a table; must have topic, the bundle id, beside key_file"),
        ({**KEY, "topic": ""}, "apps.news.topic: an empty string; must be a bundle id: ASCII without blanks"),
        (
            {**KEY, "topic": "com example"},
            "apps.news.topic: a string of length 11; must be a bundle id: ASCII without blanks",
        ),
        ({**KEY, "key_id": "abc"}, f"apps.news.key_id: a string of length 3; {IDENTIFIER}"),
        ({**KEY, "key_id": "abc123defg"}, f"apps.news.key_id: a string of length 10; {IDENTIFIER}"),
        ({**KEY, "team_id": "DEF123GHIJK"}, f"apps.news.team_id: a string of length 11; {IDENTIFIER}"),
        ({**KEY, "key_file": 5}, "apps.news.key_file: a whole number; must be a path, written as a string"),
        (
            {**KEY, "environment": "development"},
            'apps.news.environment: "development"; must be "production" or "sandbox"',
        ),
        (
            {**KEY, "environment": 1},
            'apps.news.environment: a whole number; must be "production" or "sandbox"',
        ),
        ({**KEY, "streams": -1}, "apps.news.streams: -1; must be at least 0"),
        ({**KEY, "connections": 65}, "apps.news.connections: 65; must be at most 64"),
        (
            {**KEY, "retry_delay": 900},
            "apps.news.retry_delay: a whole number; must be a number with its unit: 250ms, 5s, 30m, 1h, 1d",
        ),
        (
            {**KEY, "keyid": "ABC123DEFG"},
            'apps.news.keyid: unknown key; did you mean "key_id"?',
        ),
    ],
)
def test_a_fault(keys: dict[str, Any], line: str) -> None:
    """One line and no other."""
    with pytest.raises(CannotStart) as failure:
        read(**keys)
    assert failure.value.faults == [f"f: {line}"]


def test_several_faults() -> None:
    """They are found together."""
    with pytest.raises(CannotStart) as failure:
        read(**{**KEY, "key_id": "?", "team_id": "?", "push_types": ["alert", "alarm"]})
    assert [line.split(": ")[1] for line in failure.value.faults] == [
        "apps.news.key_id", "apps.news.team_id", "apps.news.push_types[1]",
    ]  # fmt: skip


@pytest.mark.parametrize("environment", sorted(HOSTS))
def test_hosts(environment: str) -> None:
    """The environment chooses where notifications go and where channels are managed."""
    found = read(**KEY, environment=environment)
    assert (found.host, found.port) == (HOSTS[environment], 443)
    assert (found.manage_host, found.manage_port) == MANAGE[environment]


def test_another_host() -> None:
    """One that is not Apple's is used for both; a port of Apple's own hosts for notifications alone."""
    found = read(**KEY, host="push.example.com", port=2197)
    assert (found.host, found.port) == ("push.example.com", 2197)
    assert (found.manage_host, found.manage_port) == ("push.example.com", 2197)
    found = read(**KEY, port=2197)
    assert (found.port, found.manage_port) == (2197, MANAGE["production"][1])


def test_the_key_id() -> None:
    """It stands in the name that Apple gives the file; one that is written in the table comes first."""
    assert read(**KEY).key_id == "ABC123DEFG"
    assert read(**KEY, key_id="ZZZ123DEFG").key_id == "ZZZ123DEFG"
    assert read(**{**KEY, "key_file": "/x/mine.p8"}, key_id="ZZZ123DEFG").key_id == "ZZZ123DEFG"


def test_a_certificate() -> None:
    """It needs nothing else: topic, team and key id are in it, or of a key."""
    found = read(certificate="/x/a.pem")
    assert (found.topic, found.team_id, found.key_id) == (None, None, None)


def test_its_files() -> None:
    """Those that it names, by key, as a reload needs them."""
    assert read(**KEY).files() == {"key_file": Path(KEY["key_file"])}
    assert read(certificate="/x/a.pem", trust="/x/ca.pem").files() == {
        "certificate": Path("/x/a.pem"), "trust": Path("/x/ca.pem"),
    }  # fmt: skip


def test_what_is_no_table() -> None:
    """It is refused as such, before any key is looked for."""
    with pytest.raises(ValidationError, match="valid dictionary"):
        ApnsHTTP2Table.model_validate("news")
