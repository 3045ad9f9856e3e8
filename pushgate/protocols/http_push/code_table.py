"""Answers that mean what a code in their body says, whatever their HTTP status."""

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from pushgate.protocols.http_push.answers import Answer, AnswerTable, Follows


class CodeTable:
    """The rows of a service that answers failures with 200.

    A code goes before the status. A code without a row is a refusal when the status is a success, and what
    the status means otherwise. A success without any code is not the service's: sent again.

    :param rows: one for each code, which is the reason of the row; that of `accepted` has none.
    :param accepted: the code of success.
    :param statuses: what answers without a code mean.
    """

    def __init__(self, rows: Iterable[Answer], accepted: str, statuses: AnswerTable) -> None:
        self._by_code: Final = {row.reason: row for row in rows}
        self._accepted, self._statuses = accepted, statuses

    def answer(self, status: int, code: str) -> Answer:
        """The row of an answer.

        :param code: printable; "" when there was none.
        """
        ok = 200 <= status < 300
        if code and code == self._accepted and ok:
            return Answer(status, "", Follows.ACCEPTED)
        found = self._by_code.get(code) if code else None
        if found is not None:
            return found if found.status == status else replace(found, status=status)
        if not ok:
            return self._of_status(status, code)
        if code:
            return Answer(status, code, Follows.REJECTED, "a code that is not known")
        return Answer(status, f"HTTP{status}", Follows.LATER, "an answer that is not the service's")

    def _of_status(self, status: int, code: str) -> Answer:
        known = self._statuses.documented(status, f"HTTP{status}")
        if known is None:
            return self._statuses.answer(status, code or f"HTTP{status}")
        return replace(known, reason=code) if code else known
