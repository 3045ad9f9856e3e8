"""Push Kit's answers, a row for each code. Huawei's "Response codes" of v1 and v3.

Two codes say that tokens were refused, and mean a dead token only when they do not say that it is for the
app's sake: `refused_for`. Version 3 has the reasons one level deeper, as an answer in Huawei's FAQ shows.
"""

from typing import Any, Final

from msgspec.structs import replace

from pushgate.model.dead_token import DeadReason
from pushgate.protocols.http_push.answers import Answer, AnswerTable, Follows
from pushgate.protocols.http_push.code_table import CodeTable
from pushgate.protocols.http_push.json_body import read_object, word

ACCEPTED, PARTLY, NONE_VALID = "80000000", "80100000", "80300007"
TOO_OLD: Final = frozenset({"80200003", "80200005"})
"""What is said of a token that was signed too long ago, or by a clock that is wrong."""
NESTED: Final = "illegalTokens"
"""Where the refused tokens of version 3 stand by reason."""
_F = Follows
ANSWERS: Final = (
    Answer(200, PARTLY, _F.REJECTED, "tokens were refused, and it is not said which"),
    Answer(200, "80100001", _F.REJECTED, "a parameter is wrong"),
    Answer(200, "80100003", _F.REJECTED, "the message cannot be one"),
    Answer(200, "80100004", _F.REJECTED, "the ttl has passed"),
    Answer(200, "80100013", _F.REJECTED, "the collapse_key is wrong"),
    Answer(200, "80100016", _F.REJECTED, "the content is not allowed"),
    Answer(200, "80100018", _F.REJECTED, "the approval is of other content"),
    Answer(200, "80100022", _F.REJECTED, "a picture was not approved"),
    Answer(200, "80200001", _F.HELD, "the access token, or the signed one, is not this app's",
           "credential-rejected"),
    Answer(200, "80200003", _F.RENEW_TOKEN, "the access token, or the signed one, is too old",
           "credential-rejected"),
    Answer(200, "80200005", _F.RENEW_TOKEN, "the signed token is too old", "clock-wrong"),
    # Of these tokens: one of another app must not hold up the rest.
    Answer(200, "80300002", _F.REJECTED, "the app may not send to this token: it is another app's, or the "
           "push service is not enabled"),
    Answer(200, NONE_VALID, _F.DEAD, "the token is not valid", dead=DeadReason.INVALID_REGISTRATION),
    Answer(200, "80300008", _F.REJECTED, "the message is over 4096 bytes"),
    Answer(200, "80300010", _F.REJECTED, "there are too many tokens"),
    Answer(200, "80300011", _F.REJECTED, "the app may not send with a high priority"),
    Answer(200, "80300013", _F.REJECTED, "the address for receipts is wrong"),
    Answer(200, "80300029", _F.LATER, "too many test messages"),
    Answer(200, "80300030", _F.REJECTED, "there are too many tokens for a test message"),
    Answer(200, "80300036", _F.HELD, "the signed token is good for over a day",
           "credential-rejected"),
    Answer(200, "80300037", _F.HELD, "the app may not send: it broke a rule of Huawei's",
           "credential-rejected"),
    Answer(200, "80600003", _F.LATER, "the service could not have the access token checked"),
    Answer(200, "81000001", _F.LATER, "the service has an error of its own"),
)  # fmt: skip
"""Every code that Huawei documents but success."""
STATUSES: Final = (
    Answer(401, "HTTP401", _F.RENEW_TOKEN, "the access token is not valid", "credential-rejected"),
    Answer(404, "HTTP404", _F.HELD, "there is no such app", "credential-rejected"),
    Answer(500, "HTTP500", _F.LATER, "the service has an error of its own"),
    Answer(502, "HTTP502", _F.LATER, "the service is unavailable"),
    Answer(503, "HTTP503", _F.LATER, "the app sends too much at a time"),
)
"""Answers without a code."""
OF_THE_TOKEN: Final = {
    "illegal_tokens": DeadReason.INVALID_REGISTRATION,
    "tokenFormatError": DeadReason.INVALID_REGISTRATION,
    "tokenPlatformNotSupport": DeadReason.INVALID_REGISTRATION,
    "noRight": DeadReason.SENDER_ID_MISMATCH,
}
"""What a token is refused for that is its own fault."""
OF_THE_APP: Final = (
    "noRightToSendThisLiveNotificationEvent", "noPushTypeRight", "atomicUnableSendUnsubscribedMsg",
    "countryNotSupport", "disableSendHuaweiMsgBecauseOfPenalty", "differentImgVerifyPolicy", "appinfoError",
    "notSupportPlayVoice",
)  # fmt: skip
"""What it is refused for that is not: those that begin with another come before it."""
_TABLE: Final = CodeTable(ANSWERS, ACCEPTED, AnswerTable(STATUSES))


def answer(status: int, found: dict[str, Any] | None, target: str) -> Answer:
    """The row of an answer.

    :param found: its body, None when that is no object.
    :param target: the token that was sent to.
    """
    code = word(found, "code")
    row = _TABLE.answer(status, code)
    said = (found or {}).get("msg")
    if code not in {PARTLY, NONE_VALID} or not isinstance(said, str):
        return row
    details = read_object(said)
    why = refused_for(said, details, target)
    if why:
        return _refused(row, why)
    success = (details or {}).get("success")
    is_taken = code == PARTLY and 200 <= status < 300 and isinstance(success, int) and success > 0
    return Answer(status, "", Follows.ACCEPTED) if is_taken else row


def refused_for(said: str, details: dict[str, Any] | None, target: str) -> str:
    """What a token was refused for, "" when it is not said.

    :param said: the message of the answer.
    :param details: the same as an object, in which tokens stand in lists by reason; None when it is text.
    """
    if details is not None:
        nested = details.get(NESTED)
        lists = details | nested if isinstance(nested, dict) else details
        named = (name for name, tokens in lists.items() if isinstance(tokens, list) and target in tokens)
        return next(named, "")
    return next((name for name in (*OF_THE_APP, *OF_THE_TOKEN) if name in said), "")


def _refused(row: Answer, why: str) -> Answer:
    reason = why[:64] if why.isprintable() else row.reason
    dead = OF_THE_TOKEN.get(why)
    if dead is None:
        return Answer(row.status, reason, Follows.REJECTED, "the token was refused for the app's sake")
    return replace(row, follows=Follows.DEAD, dead=dead, words="the token is not valid, or another app's")
