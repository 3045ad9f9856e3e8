"""Access tokens of OAuth 2.0: what is asked for one, and what the answer says.

RFC 6749 4.4 (client credentials), 5.1 and 5.2 (answers), RFC 7523 2.1 (a JWT as the grant). What services do
beyond: lifetimes as text (Microsoft), errors as numbers (Huawei).
"""

import re
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from pushgate.model.errors import PushgateError
from pushgate.protocols.http_push.json_body import read_object, word

CONTENT_TYPE: Final = "application/x-www-form-urlencoded"
JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
MAX_TOKEN: Final = 8192
"""Characters of an access token at most."""
DEFAULT_LIFETIME: Final = 3600.0
"""Seconds that a token is good for when the answer does not say."""
SHORTEST, LONGEST = 60.0, 7 * 86400.0
"""Seconds that a token is taken to be good for at least and at most, whatever the answer says."""
_FINAL: Final = frozenset({400, 401, 403})
"""Statuses of which asking again the same way brings no other."""
_WORDS: Final = 200
_is_token: Final = re.compile(rf"[!-~]{{1,{MAX_TOKEN}}}").fullmatch
_are_seconds: Final = re.compile(r"[0-9]{1,10}").fullmatch


class TokenGrant(msgspec.Struct, frozen=True):
    """An access token.

    :param token: printable ASCII without blanks, for the header ``Authorization``.
    :param lifetime: seconds that it is good for from now on.
    """

    token: str
    lifetime: float

    def __repr__(self) -> str:
        return f"TokenGrant(token=…, lifetime={self.lifetime:g})"  # a secret is in no log


class TokenRefused(PushgateError):
    """There is no access token.

    :param status: of the answer.
    :param error: as the service names it, printable; "" when it does not.
    :param description: the same in more words.
    :param retry_after: seconds that the service wants us to wait; None when it does not say.
    :ivar is_final: the credential or the configuration is wrong: asking again is of no use.
    """

    def __init__(
        self, status: int, error: str = "", description: str = "", retry_after: float | None = None
    ) -> None:
        said = ": ".join(filter(None, (error, description)))
        super().__init__(f"the token endpoint answered {status}" + (f", {said}" if said else ""))
        self.status, self.error, self.description = status, error, description
        self.retry_after = retry_after
        self.is_final = status in _FINAL


def client_credentials(client_id: str, client_secret: str, scope: str = "") -> bytes:
    """The form that asks for a token with an id and a secret.

    :param scope: "" for none.
    """
    fields = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
    return urlencode(fields | ({"scope": scope} if scope else {})).encode()


def jwt_bearer(assertion: str, scope: str = "") -> bytes:
    """The form that asks for a token with a JWT, signed by its owner."""
    fields = {"grant_type": JWT_BEARER, "assertion": assertion}
    return urlencode(fields | ({"scope": scope} if scope else {})).encode()


def read_grant(status: int, body: bytes, retry_after: float | None = None) -> TokenGrant:
    """Read the answer of a token endpoint.

    :param retry_after: seconds, as the answer's header has them.
    :raises TokenRefused: it grants none, or makes no sense.
    """
    found = read_object(body)
    if not 200 <= status < 300:
        error, more = word(found, "error", _WORDS), word(found, "error_description", _WORDS)
        raise TokenRefused(status, error, more, retry_after)
    token, kind = (found or {}).get("access_token"), (found or {}).get("token_type", "bearer")
    if not isinstance(token, str) or not _is_token(token):
        raise TokenRefused(status, description="no access token in the answer", retry_after=retry_after)
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise TokenRefused(status, description="a token that is no bearer token", retry_after=retry_after)
    return TokenGrant(token, _lifetime((found or {}).get("expires_in")))


def _lifetime(value: Any) -> float:
    """Seconds from a number or its digits; what makes no sense is as if it were not there."""
    if isinstance(value, str):
        value = int(value) if _are_seconds(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return DEFAULT_LIFETIME
    return float(min(LONGEST, max(SHORTEST, value)))
