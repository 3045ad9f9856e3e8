"""docs/faults.md: each row names what shows it, and that exists."""

import re
from pathlib import Path

import pytest

from bench.faults import FAULTS
from bench.http2_faults import FAULTS as HTTP2_FAULTS
from tests.test_docs import DOCS, coded, rows, section

ROOT = Path(__file__).parents[1]
PAGE = (DOCS / "faults.md").read_text()
ROWS = rows(PAGE)
OVER_HTTP2 = rows(section(PAGE, "Apple's HTTP/2 service"))


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
            assert word in (HTTP2_FAULTS if row in OVER_HTTP2 else FAULTS), word


def test_each_fault_of_the_audit_has_its_row():
    """None is tried without a row."""
    for faults, found in (
        (FAULTS, [row for row in ROWS if row not in OVER_HTTP2]),
        (HTTP2_FAULTS, OVER_HTTP2),
    ):
        assert set(faults) - {"none"} <= {word for row in found for word in coded(row[-1])}
