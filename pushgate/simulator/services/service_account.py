"""A throw-away service account in a file as Google gives it to a developer, and the check of assertions."""

from functools import cached_property
from pathlib import Path
from typing import Any, Final

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.types import Options

from pushgate.model.errors import CannotStart
from pushgate.simulator.certificates import write_private

PROJECT: Final = "pushgate-simulator"
EMAIL: Final = f"simulator@{PROJECT}.iam.gserviceaccount.com"
TOKEN_URI: Final = "https://oauth2.googleapis.com/token"  # noqa: S105 - a URL
_KEY_ID: Final = "5e77a11ed0000000000000000000000000000001"
_SCOPES: Final = frozenset(
    {
        "https://www.googleapis.com/auth/firebase.messaging",
        "https://www.googleapis.com/auth/cloud-platform",
    }
)
_LONGEST: Final = 3600
_SKEW: Final = 300
"""Seconds by which a clock may be wrong."""
UNCHECKED: Final[Options] = {
    "verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False,
    "verify_iss": False, "verify_sub": False, "verify_jti": False,
}  # fmt: skip
"""PyJWT checks the signature; its clock is not ours."""


class BadAssertion(Exception):
    """An assertion is not good.

    :ivar error: as OAuth has it.
    :ivar description: as Google has it.
    """

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error, description)
        self.error, self.description = error, description


class ServiceAccount:
    """The account and its key.

    :ivar file: what a client is given; it is there once the simulator listens.
    :ivar project: of Firebase.
    :ivar key: the key in the file; a new one, which takes a tenth of a second, when there is none.
    """

    project = PROJECT
    email = EMAIL

    def __init__(self, directory: Path) -> None:
        self.file = directory.absolute() / "service-account.json"

    @cached_property
    def key(self) -> RSAPrivateKey:
        """See the class."""
        try:
            pem = msgspec.json.decode(self.file.read_bytes())["private_key"]
            key = load_pem_private_key(pem.encode(), None)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return generate_private_key(65537, 2048)
        return key if isinstance(key, RSAPrivateKey) else generate_private_key(65537, 2048)

    def write(self, url: str) -> None:
        """Write the file.

        :param url: of the simulator, where assertions go.
        :raises CannotStart: it cannot be written.
        """
        fields = {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": _KEY_ID,
            "private_key": pem_of(self.key),
            "client_email": EMAIL,
            "client_id": "100000000000000000001",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": f"{url}/token",
            "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
            "universe_domain": "googleapis.com",
        }
        write_account(self.file, fields)

    def check(self, assertion: str, audience: str, now: float) -> None:
        """Check an assertion (RFC 7523, "Using OAuth 2.0 for Server to Server Applications").

        :param audience: this simulator's own token URL; Google's is taken too.
        :raises BadAssertion: it is not good.
        """
        try:
            claims = jwt.decode(assertion, self.key.public_key(), ["RS256"], options=UNCHECKED)
        except jwt.PyJWTError:
            raise BadAssertion("invalid_grant", "Invalid JWT Signature.") from None
        if claims.get("iss") != EMAIL:
            raise BadAssertion("invalid_grant", "Invalid grant: account not found")
        if claims.get("aud") not in {TOKEN_URI, audience}:
            raise BadAssertion("invalid_grant", "Invalid JWT: Failed audience check.")
        _check_times(claims, now)
        if not _SCOPES & set(str(claims.get("scope", "")).split()):
            raise BadAssertion("invalid_scope", "Invalid OAuth scope or ID token audience provided.")


def _check_times(claims: dict[str, Any], now: float) -> None:
    """Raise `BadAssertion` unless an assertion is of now and short-lived."""
    issued, expires = claims.get("iat"), claims.get("exp")
    good = (
        isinstance(issued, int | float)
        and isinstance(expires, int | float)
        and now < expires <= issued + _LONGEST
        and issued <= now + _SKEW
    )
    if not good:
        raise BadAssertion(
            "invalid_grant",
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
            "Check your iat and exp values in the JWT claim.",
        )


def pem_of(key: RSAPrivateKey) -> str:
    """A key as the files have it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def write_account(file: Path, fields: dict[str, str]) -> None:
    """Write the file of a service account; raise `CannotStart`."""
    try:
        write_private(file, msgspec.json.format(msgspec.json.encode(fields), indent=2) + b"\n")
    except OSError as error:
        raise CannotStart(
            [f"simulator.state_dir: {file}: {error.strerror}; must be a writable directory"]
        ) from None
