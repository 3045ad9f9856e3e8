"""Baidu's answers, a row for each code; none has been seen on the wire here."""

from typing import Any, Final

from pushgate.model.dead_token import DeadReason
from pushgate.protocols.http_push.answers import Answer, AnswerTable, Follows
from pushgate.protocols.http_push.code_table import CodeTable
from pushgate.protocols.http_push.json_body import word

ACCEPTED: Final = "0"
"""Stands for the code that an answer without an error has not."""
_F = Follows
ANSWERS: Final = (
    Answer(200, "30600", _F.LATER, "the service has an error of its own"),
    Answer(200, "30601", _F.REJECTED, "the method is not allowed"),
    Answer(200, "30602", _F.REJECTED, "a parameter is wrong"),
    Answer(200, "30603", _F.HELD, "api key and secret do not belong together", "credential-rejected"),
    Answer(200, "30604", _F.HELD, "the app's quota is used up for now", "service-error"),
    Answer(200, "30605", _F.REJECTED, "there is no such data"),
    Answer(200, "30606", _F.HELD, "the time of the request is too old", "clock-wrong"),
    Answer(200, "30607", _F.DEAD, "the channel has expired", dead=DeadReason.GONE),
    Answer(200, "30608", _F.DEAD, "the channel is not bound to the app", dead=DeadReason.NOT_FOUND),
    Answer(200, "30609", _F.REJECTED, "too many are bound"),
    Answer(200, "30610", _F.REJECTED, "it was done before"),
    Answer(200, "30611", _F.REJECTED, "there is no such group"),
    Answer(200, "30612", _F.HELD, "the app may not do this", "credential-rejected"),
    Answer(200, "30613", _F.HELD, "the app has to be set up first", "credential-rejected"),
    Answer(200, "30699", _F.LATER, "the app sends too much"),
)
"""Every code that Baidu documents."""
_TABLE: Final = CodeTable(ANSWERS, ACCEPTED, AnswerTable(()))


def answer(status: int, found: dict[str, Any] | None) -> Answer:
    """The row of an answer.

    :param found: its body, None when that is no object.
    """
    code = word(found, "error_code")
    if not code and found is not None and "request_id" in found and 200 <= status < 300:
        code = ACCEPTED
    return _TABLE.answer(status, code)
