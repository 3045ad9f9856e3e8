"""The keys for provider tokens."""

import pytest

from pushgate.model.errors import CannotStart
from pushgate.simulator.provider_keys import KEY_ID, TEAM_ID, ThrowAwayKey, read_keys


def test_a_key_is_made_once(tmp_path):
    """The file is named as Apple names it, private, and kept; one that cannot be read is replaced."""
    key = ThrowAwayKey.in_directory(tmp_path)
    assert (key.file, key.key_id, key.team_id) == (tmp_path / f"AuthKey_{KEY_ID}.p8", KEY_ID, TEAM_ID)
    assert key.file.stat().st_mode & 0o777 == 0o600
    content = key.file.read_bytes()
    again = ThrowAwayKey.in_directory(tmp_path)
    assert again.public.public_numbers() == key.public.public_numbers()
    assert key.file.read_bytes() == content
    key.file.write_text("nonsense")
    assert ThrowAwayKey.in_directory(tmp_path).file.read_bytes() != content


def test_a_directory_that_cannot_be_written(tmp_path):
    """It is reported in one line, with the file."""
    with pytest.raises(CannotStart, match=r"simulator\.state_dir: .*AuthKey.*; must be a writable directory"):
        ThrowAwayKey.in_directory(tmp_path / "missing")


def test_a_directory_of_keys(tmp_path):
    """Each file is a key by its name, public or private; other files are left alone."""
    key = ThrowAwayKey.in_directory(tmp_path)
    (tmp_path / "ABC123DEFG.pem").write_bytes(key.file.read_bytes())
    (tmp_path / "README").write_text("nothing")
    keys = read_keys(tmp_path)
    assert list(keys) == ["ABC123DEFG"]
    assert keys["ABC123DEFG"].team is None


def test_keys_that_cannot_be_read(tmp_path):
    """Every file that is no key is named; so is a directory that is not there."""
    (tmp_path / "A.pem").write_text("nonsense")
    (tmp_path / "B.pem").mkdir()
    with pytest.raises(CannotStart) as caught:
        read_keys(tmp_path)
    first, second = caught.value.faults
    assert f"{tmp_path}/A.pem: not a key" in first
    assert f"{tmp_path}/B.pem: Is a directory" in second
    with pytest.raises(CannotStart, match="No such file"):
        read_keys(tmp_path / "missing")
