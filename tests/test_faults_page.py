"""docs/faults.md: each row names what shows it, and that exists."""

import re
from pathlib import Path

import pytest

from bench.faults import FAULTS
from tests.test_docs import DOCS, coded, rows

ROOT = Path(__file__).parents[1]
ROWS = rows((DOCS / "faults.md").read_text())


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_each_row_is_shown_by_something_that_exists(row):
    """A fault of the audit, a program in bench/, or a test."""
    shown = coded(row[-1])
    assert len(row) == 4
    assert shown
    for word in shown:
        if "::" in word:
            file, _, name = word.partition("::")
            assert re.search(rf"def {name}\(", (ROOT / "tests" / file).read_text()), word
        elif word.startswith("bench."):
            assert (ROOT / f"{word.replace('.', '/')}.py").exists(), word
        else:
            assert word in FAULTS, word


def test_each_fault_of_the_audit_has_its_row():
    """None is tried without a row."""
    reported = {word for row in ROWS for word in coded(row[-1])}
    assert set(FAULTS) - {"none"} <= reported
