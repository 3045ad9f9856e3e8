"""Where the state is kept: made when it can be, refused in one line when not."""

from pathlib import Path

import pytest

from pushgate.model.errors import CannotStart
from pushgate.service.tap import _make_state_dir


def test_its_parents_are_made(tmp_path):
    """A directory that is not there is made with all above it, for nobody else to read."""
    _make_state_dir(tmp_path / "a" / "b" / "state")
    assert (tmp_path / "a" / "b" / "state").stat().st_mode & 0o777 == 0o700


def test_below_a_file(tmp_path):
    """Below a file no directory can be made; the file is left as it is."""
    file = tmp_path / "precious"
    file.write_text("1")
    for directory in (file, file / "state"):
        with pytest.raises(CannotStart) as caught:
            _make_state_dir(directory)
        [line] = caught.value.faults
        assert line.startswith(f"gateway.state_dir: {directory}: ")
        assert line.endswith('; must be a directory that can be made and written, or "memory"')
    assert file.read_text() == "1"


def test_in_a_place_where_nothing_can_be_made():
    """The system's own reason is given."""
    with pytest.raises(CannotStart, match=r"gateway.state_dir: /proc/no/such: .*; must be a directory"):
        _make_state_dir(Path("/proc/no/such"))
