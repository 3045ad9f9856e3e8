"""What an app shows to version 3 of Push Kit: a token that the key of its service account signs.

Huawei's "Generating a JWT Based on a Service Account": the fields of the file, and ``kid``, ``typ``, ``alg``
of the header (PS256, RFC 7518 3.5). Its page about the request: ``Bearer``, 3600 s are advised, and a token
may be used again until then. The claims are second hand, from programs that send: ``iss`` is the sub-account,
``aud`` the address of Huawei's token service, which is not asked. How far clocks may differ is not said.
"""

import re
from typing import Any, Final

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from pushgate.protocols.http_push.token_clock import TokenAges
from pushgate.protocols.rsa_key import rsa_key

AUDIENCE: Final = "https://oauth-login.cloud.huawei.com/oauth2/v3/token"
LIFETIME: Final = 3600
"""Seconds that a token is good for."""
AGES: Final = TokenAges(renew_after=LIFETIME / 2, shortest=300.0, longest=LIFETIME - 60.0)
"""Renewed at half of their life, so that clocks may differ by as much."""
SCHEME: Final = "Bearer"
_ADVICE: Final = "take the JSON file as Huawei gave it: API Console, Credentials, Service account key"
_is_word: Final = re.compile(r"[!-~]{1,255}").fullmatch


class ServiceAccount(msgspec.Struct, frozen=True):
    """A service account of a project.

    :param key_id: of the private key.
    :param sub_account: whose tokens they are.
    """

    project: str
    key_id: str
    sub_account: str
    key: RSAPrivateKey


class _File(msgspec.Struct):
    project_id: str = ""
    key_id: str = ""
    sub_account: str = ""
    private_key: str = ""


_decode: Final = msgspec.json.Decoder(_File).decode


def parse_account(data: bytes) -> ServiceAccount:
    """The service account in a file of Huawei's.

    :raises ValueError: it holds none, in words for an operator; nothing of the file is quoted.
    """
    try:
        file = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ValueError(f"holds no JSON of a service account; {_ADVICE}") from None
    for name in ("project_id", "key_id", "sub_account"):
        if not _is_word(getattr(file, name)):
            raise ValueError(f"{name} is missing or cannot be one; {_ADVICE}")
    key = rsa_key(file.private_key, _ADVICE)
    return ServiceAccount(file.project_id, file.key_id, file.sub_account, key)


def signed(account: ServiceAccount, issued_at: int) -> str:
    """A token of a service account.

    :param issued_at: Unix seconds.
    """
    claims: dict[str, Any] = {
        "iss": account.sub_account,
        "aud": AUDIENCE,
        "iat": issued_at,
        "exp": issued_at + LIFETIME,
    }
    return jwt.encode(claims, account.key, algorithm="PS256", headers={"kid": account.key_id})
