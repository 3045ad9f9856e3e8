"""Whether the files that a configuration names have changed."""

from itertools import pairwise
from pathlib import Path

from pushgate.plugin.settings import FilePath, Table
from pushgate.service.config.named_files import differences, digests


class KeysTable(Table):
    """A table that names a directory of files."""

    keys: FilePath

    def files(self) -> dict[str, Path]:
        return self.given("keys")


def test_a_directory_changes_with_its_files(tmp_path: Path) -> None:
    """A new file, another content, another name and a removal each are a change; anything below is none."""
    table = KeysTable(keys=tmp_path)
    states = [digests(table)]
    (tmp_path / "one.pem").write_text("one")
    states.append(digests(table))
    (tmp_path / "one.pem").write_text("two")
    states.append(digests(table))
    (tmp_path / "one.pem").rename(tmp_path / "two.pem")
    states.append(digests(table))
    (tmp_path / "two.pem").unlink()
    states.append(digests(table))
    assert [differences(old, new) for old, new in pairwise(states)] == [["keys"]] * 4
    assert states[0] == states[-1]
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "three.pem").write_text("three")
    assert digests(table) == states[0]


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    """It has no digest, as a file has none that cannot be read."""
    assert digests(KeysTable(keys=tmp_path / "missing")) == {"keys": None}
