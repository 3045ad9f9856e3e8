"""The table of an app on Push Kit: its credential says which version it is, and each fault has one line."""

from pathlib import Path
from typing import Any

import pytest

from pushgate.model.errors import CannotStart
from pushgate.protocols.hms.rules import HARMONY_RULES, HMS_RULES
from pushgate.service.config.reader import config_from
from pushgate.service.plugin_registry import find
from pushgate.upstreams.hms.settings import HmsTable

ANDROID = {"app_id": "100000001", "app_secret_file": "/x/hms.secret"}
HARMONY = {"service_account_file": "/x/account.json"}
EITHER = "must have either app_id and app_secret_file (Android) or service_account_file (HarmonyOS), not both"
REGISTRY = find()


def read(**keys: Any) -> HmsTable:
    """The table of the app `news` in a configuration."""
    tree = {"gateway": {"state_dir": "memory"}, "apps": {"news": {"upstream": "hms", **keys}}}
    _, found = config_from(tree, "f", REGISTRY).apps["news"]
    assert isinstance(found, HmsTable)
    return found


def test_android() -> None:
    """An id and a secret are version 1; a reload looks at the secret."""
    found = read(**ANDROID)
    assert found.notification_rules() is HMS_RULES
    assert found.files() == {"app_secret_file": Path("/x/hms.secret")}


def test_harmony() -> None:
    """A service account is version 3; a reload looks at its file."""
    found = read(**HARMONY, trust="/x/ca.pem")
    assert found.notification_rules() is HARMONY_RULES
    assert found.files() == {
        "service_account_file": Path("/x/account.json"), "trust": Path("/x/ca.pem"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("keys", "lines"),
    [
        ({}, [f"apps.news: a table; {EITHER}"]),
        ({**ANDROID, **HARMONY}, [f"apps.news: a table; {EITHER}"]),
        ({"app_id": "1", **HARMONY}, [f"apps.news: a table; {EITHER}"]),
        ({"app_id": "1"}, ["apps.news: a table; must have app_secret_file, as app_id and app_secret_file go together"]),
        (
            {"app_secret_file": "/x"},
            ["apps.news: a table; must have app_id, as app_id and app_secret_file go together"],
        ),
        (
            {**HARMONY, "token_url": "https://localhost/"},
            ["apps.news: a table; must not have token_url beside service_account_file: nothing is asked for tokens"],
        ),
        ({**HARMONY, "max_payload": 4097}, ["apps.news.max_payload: 4097; must be at most 4096"]),
        (
            {**ANDROID, "token_url": "http://localhost/", "connections": 0},
            [
                "apps.news.connections: 0; must be at least 1",
                'apps.news.token_url: a string of length 17; must be an address that begins with https://, without a user and a fragment',
            ],
        ),
    ],
)  # fmt: skip
def test_faults(keys: dict[str, Any], lines: list[str]) -> None:
    """A line for each, and no other."""
    with pytest.raises(CannotStart) as failure:
        read(**keys)
    assert failure.value.faults == [f"f: {line}" for line in lines]
