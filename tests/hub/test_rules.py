"""The access rules of a hub and the keys in their files."""

import pytest

from pushgate.hub.rules import read_password, read_rules
from pushgate.hub.sending.lease import owner_id
from pushgate.hub.settings import HubTable
from pushgate.model.errors import CannotStart
from pushgate.model.hub.access import AccessRule, Right

KEY = "0123456789abcdef"


def table(*files):
    """A hub with a rule for each file."""
    return HubTable.model_validate(
        {
            "rules": {
                f"rule{n}": {"rights": ["listen", "send"], "key_file": str(file)}
                for n, file in enumerate(files)
            }
        }
    )


def test_a_key_file_has_one_key_or_two(tmp_path):
    """A line each; either signs."""
    (tmp_path / "one").write_text(f"{KEY}\n")
    (tmp_path / "two").write_text(f"{KEY}\n\n{KEY}x\n")
    rights = frozenset({Right.LISTEN, Right.SEND})
    assert read_rules("main", table(tmp_path / "one", tmp_path / "two")) == {
        "rule0": AccessRule(rights, (KEY.encode(),)),
        "rule1": AccessRule(rights, (KEY.encode(), f"{KEY}x".encode())),
    }


def test_every_fault_of_key_files_has_a_line(tmp_path):
    """It names the rule and the file, and has nothing of the key."""
    faults = {"empty": "", "three": f"{KEY}\n" * 3, "short": "short", "letters": "ü" * 20, "long": "x" * 257}
    for name, text in faults.items():
        (tmp_path / name).write_text(text)
    files = [tmp_path / name for name in (*faults, "missing")]
    with pytest.raises(CannotStart) as caught:
        read_rules("main", table(*files))
    assert [line.partition(": ")[0] for line in caught.value.faults] == [
        f"hubs.main.rules.rule{number}.key_file" for number in range(6)
    ]
    assert all(str(file) in line for file, line in zip(files, caught.value.faults, strict=True))
    assert not any(KEY in line for line in caught.value.faults)


def test_a_password_is_read_from_its_file(tmp_path):
    """Without the end of the line; a file that is not there is a fault."""
    (tmp_path / "password").write_text("secret\n")
    assert read_password("main", tmp_path / "password") == "secret"
    assert read_password("main", None) == ""
    with pytest.raises(CannotStart, match=r"hubs\.main\.password_file"):
        read_password("main", tmp_path / "missing")


def test_a_gateway_keeps_its_id(tmp_path):
    """Over restarts; two directories have two, and without one each start has its own."""
    other = tmp_path / "other"
    other.mkdir()
    first = owner_id(tmp_path)
    assert owner_id(tmp_path) == first
    assert owner_id(other) != first
    assert owner_id(None) != owner_id(None)
    with pytest.raises(CannotStart):
        owner_id(tmp_path / "missing")
