"""Room on a disk."""

import pytest

from pushgate.model.disk_room import room

TB, GB, MB = 10**12, 10**9, 10**6


@pytest.mark.parametrize(
    ("free", "total", "level"),
    [
        (5 * GB, TB, "ok"), (5 * GB - 1, TB, "warning"), (200 * MB - 1, TB, "failure"),
        (5 * MB, 100 * MB, "ok"), (4 * MB, 100 * MB, "warning"), (MB - 1, 100 * MB, "failure"), (0, 0, "ok"),
    ],
)  # fmt: skip
def test_room(free, total, level):
    """A large disk is full by bytes, a small one by its share; one that has no size at all is not judged."""
    assert room(free, total) == level
