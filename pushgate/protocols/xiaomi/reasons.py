"""Mi Push's answers, a row for each code; none has been seen on the wire here."""

from typing import Any, Final

from pushgate.model.dead_token import DeadReason
from pushgate.protocols.http_push.answers import Answer, AnswerTable, Follows
from pushgate.protocols.http_push.code_table import CodeTable
from pushgate.protocols.http_push.json_body import word

ACCEPTED, INVALID_TARGET = "0", "20301"
_F = Follows
ANSWERS: Final = (
    Answer(200, "10001", _F.LATER, "the service has an error of its own"),
    Answer(200, "10002", _F.LATER, "the service is paused"),
    Answer(200, "10003", _F.LATER, "the service could not reach a part of itself"),
    Answer(200, "10004", _F.HELD, "the gateway's address may not use the service", "credential-rejected"),
    Answer(200, "10005", _F.HELD, "the app may not do this", "credential-rejected"),
    Answer(200, "10008", _F.REJECTED, "a parameter is wrong"),
    Answer(200, "10009", _F.LATER, "the service is busy"),
    Answer(200, "10012", _F.REJECTED, "the request cannot be one"),
    Answer(200, "10013", _F.HELD, "the account is not valid", "credential-rejected"),
    Answer(200, "10014", _F.HELD, "the app's access is restricted", "credential-rejected"),
    Answer(200, "10016", _F.REJECTED, "a parameter is missing"),
    Answer(200, "10017", _F.REJECTED, "the value of a parameter is wrong"),
    Answer(200, "10018", _F.REJECTED, "the request is too long"),
    Answer(200, "10022", _F.LATER, "too many requests from the gateway's address"),
    Answer(200, "10023", _F.LATER, "the account sends too much"),
    Answer(200, "10024", _F.LATER, "too much is asked of this interface"),
    Answer(200, "10026", _F.HELD, "the app may not use this interface", "credential-rejected"),
    Answer(200, "10027", _F.LATER, "the app sends too much"),
    Answer(200, INVALID_TARGET, _F.DEAD, "the regid is not valid", dead=DeadReason.INVALID_REGISTRATION),
    Answer(200, "21301", _F.HELD, "the secret is not this app's", "credential-rejected"),
    Answer(200, "22000", _F.HELD, "the app cannot be one", "credential-rejected"),
    Answer(200, "22001", _F.HELD, "there is no such app", "credential-rejected"),
    Answer(200, "22022", _F.REJECTED, "the package name is not this app's"),
    Answer(200, "65015", _F.REJECTED, "extra is over 2048 bytes"),
    Answer(200, "200001", _F.HELD, "the app's quota is used up for the day", "service-error"),
)
"""The codes that are known but success."""
_TABLE: Final = CodeTable(ANSWERS, ACCEPTED, AnswerTable(()))


def answer(status: int, found: dict[str, Any] | None, target: str) -> Answer:
    """The row of an answer.

    :param found: its body, None when that is no object.
    :param target: the regid that was sent to.
    """
    row = _TABLE.answer(status, word(found, "code"))
    if row.follows is Follows.ACCEPTED and target in bad_regids(found):
        return _TABLE.answer(status, INVALID_TARGET)  # accepted for the others, of which there are none
    return row


def bad_regids(found: dict[str, Any] | None) -> list[str]:
    """The regids that an answer calls wrong, in ``data.bad_regids``."""
    data = (found or {}).get("data")
    said = data.get("bad_regids", data.get("bad_regIds")) if isinstance(data, dict) else None
    return said.split(",") if isinstance(said, str) else []
