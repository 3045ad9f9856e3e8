"""Answers that mean what a code in their body says."""

import pytest

from pushgate.protocols.http_push.answers import Answer, AnswerTable, Follows
from pushgate.protocols.http_push.code_table import CodeTable

ROW = Answer(200, "7", Follows.REJECTED, "it is wrong")
TABLE = CodeTable([ROW], "0", AnswerTable([Answer(401, "HTTP401", Follows.RENEW_TOKEN)]))


@pytest.mark.parametrize(
    ("status", "code", "reason", "follows"),
    [
        (200, "0", "", Follows.ACCEPTED), (201, "0", "", Follows.ACCEPTED), (500, "0", "0", Follows.LATER),
        (200, "7", "7", Follows.REJECTED), (503, "7", "7", Follows.REJECTED),
        (200, "8", "8", Follows.REJECTED), (503, "8", "8", Follows.LATER), (400, "8", "8", Follows.REJECTED),
        (200, "", "HTTP200", Follows.LATER), (401, "", "HTTP401", Follows.RENEW_TOKEN), (401, "8", "8", Follows.RENEW_TOKEN), (503, "", "HTTP503", Follows.LATER),
    ],
)  # fmt: skip
def test_the_code_goes_before_the_status(status, code, reason, follows):
    """Success needs both; a code that is not known is no success."""
    row = TABLE.answer(status, code)
    assert (row.status, row.reason, row.follows) == (status, reason, follows)


def test_without_a_code_of_success():
    """A service whose success has no code is asked about before."""
    assert CodeTable([ROW], "", AnswerTable([])).answer(200, "").follows is Follows.LATER
    assert TABLE.answer(200, "7") is ROW
