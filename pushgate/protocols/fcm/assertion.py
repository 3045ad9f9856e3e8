"""What a service account shows to Google for an access token: an assertion that its private key signs.

From Google's "Using OAuth 2.0 for server to server applications" and RFC 7523: RS256; ``iss``, ``scope``,
``aud``, ``iat``, and ``exp`` an hour later at most.
"""

import re
from typing import Any, Final
from urllib.parse import urlsplit

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from pushgate.protocols.rsa_key import rsa_key

TOKEN_URI: Final = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address, not a secret
"""Google's token server, and the audience of an assertion for whichever server the file names: Google's own
libraries do the same."""
SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"
"""What may be done with the access token: send messages."""
LIFETIME: Final = 3600
"""Seconds that an assertion is good for at most."""
_ADVICE: Final = (
    "take the JSON file as Google gave it: Project settings, Service accounts, Generate new private key"
)
is_project: Final = re.compile(r"[a-z0-9:.-]+").fullmatch
"""What a project's id looks like."""
_is_printable: Final = re.compile(r"[!-~]+").fullmatch


class ServiceAccount(msgspec.Struct, frozen=True):
    """A service account of a project.

    :param key_id: of the private key; "" when the file does not say.
    :param token_uri: where access tokens are to be had, https.
    """

    project: str
    email: str
    key: RSAPrivateKey
    key_id: str = ""
    token_uri: str = TOKEN_URI


class _File(msgspec.Struct):
    type: str = ""
    project_id: str = ""
    client_email: str = ""
    private_key: str = ""
    private_key_id: str = ""
    token_uri: str = TOKEN_URI


_decode: Final = msgspec.json.Decoder(_File).decode


def parse_account(data: bytes) -> ServiceAccount:
    """The service account in a file of Google's.

    :raises ValueError: it holds none, in words for an operator; nothing of the file is quoted.
    """
    try:
        file = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ValueError(f"holds no JSON of a service account; {_ADVICE}") from None
    if file.type != "service_account":
        raise ValueError(f'type must be "service_account": this is another kind of credential; {_ADVICE}')
    if not is_project(file.project_id):
        raise ValueError(f"project_id is missing or cannot be one; {_ADVICE}")
    if not _is_printable(file.client_email):
        raise ValueError(f"client_email is missing or cannot be one; {_ADVICE}")
    if not _is_https(file.token_uri):
        raise ValueError("token_uri must be an https address without user, query and fragment")
    return ServiceAccount(
        file.project_id,
        file.client_email,
        rsa_key(file.private_key, _ADVICE),
        file.private_key_id,
        file.token_uri,
    )


def assertion(account: ServiceAccount, issued_at: int) -> str:
    """An assertion of a service account.

    :param issued_at: Unix seconds.
    """
    claims: dict[str, Any] = {
        "iss": account.email,
        "scope": SCOPE,
        "aud": TOKEN_URI,
        "iat": issued_at,
        "exp": issued_at + LIFETIME,
    }
    headers = {"kid": account.key_id} if account.key_id else None
    return jwt.encode(claims, account.key, algorithm="RS256", headers=headers)


def _is_https(uri: str) -> bool:
    if not _is_printable(uri):
        return False
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return False
    plain = not (parts.username or parts.password or parts.query or parts.fragment)
    return parts.scheme == "https" and bool(parts.hostname) and plain and port != 0
