"""Push Kit's answers, the same in all versions. A failure is 200 as well: the code in the body tells."""

from typing import Any, Final, TypeGuard

import msgspec

from pushgate.simulator.services.service_answer import ServiceAnswer, json_reply, new_id

SUCCESS: Final = "80000000"
PARTIAL: Final = "80100000"
NONE_VALID: Final = "80300007"
MOST_TOKENS: Final = 1000
LARGEST: Final = 4096
"""Bytes of a message at most, its tokens not counted."""
_MESSAGES: Final = {
    SUCCESS: "Success",
    "80100001": "Some request parameters are incorrect",
    "80100003": "Incorrect message structure",
    "80100016": "The message contains sensitive information",
    "80200001": "Oauth authentication error",
    "80200003": "Oauth Token expired",
    "80200005": "JWT token expired",
    "80300002": "The app does not have the permission to send push messages",
    "80300007": "All the tokens are invalid",
    "80300008": "The message body size exceeds the default value",
    "80300010": "The number of tokens in the message body exceeds the default value",
    "80300036": "The validity period of the JWT exceeds one day",
    "81000001": "Internal error",
}


def reply(code: str, message: str | None = None, status: int = 200) -> ServiceAnswer:
    """An answer in Huawei's form."""
    text = message or _MESSAGES.get(code, "As scripted")
    fields = {"code": code or str(status), "msg": text, "requestId": new_id().replace("-", "")}
    return json_reply(status, fields, reason="" if code == SUCCESS else code or str(status))


def partly(code: str, count: int, dead: list[str], named: dict[str, Any]) -> ServiceAnswer:
    """Some tokens are refused, or all: the text is JSON that names them.

    :param count: of all tokens.
    :param named: the refused ones, as the version names them.
    """
    counts = {"success": count - len(dead), "failure": len(dead), **named}
    answer = reply(code, msgspec.json.encode(counts).decode())
    return msgspec.structs.replace(answer, refused=len(dead))


def are_tokens(found: Any) -> TypeGuard[list[str]]:
    """Whether a member of a body is a list of tokens."""
    return isinstance(found, list) and bool(found) and all(isinstance(each, str) for each in found)


def texts_in(found: Any) -> list[str]:
    """The tokens in a member that need not be good."""
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []
