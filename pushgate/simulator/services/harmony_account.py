"""A throw-away service account in a file as Huawei gives it, and the check of what it signs."""

from pathlib import Path
from typing import Any, Final

import jwt

from pushgate.simulator.services.service_account import UNCHECKED, ServiceAccount, pem_of, write_account

PROJECT: Final = "388421841222199046"
SUB_ACCOUNT: Final = "101783233"
AUDIENCE: Final = "https://oauth-login.cloud.huawei.com/oauth2/v3/token"
_KEY_ID: Final = "18366af0b4b44dd8bb4a77184d04704f"
_LONGEST: Final = 86400
_SKEW: Final = 300
"""Seconds by which a clock may be wrong."""


class BadToken(Exception):
    """A token is not good.

    :ivar code: of Push Kit's.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class HarmonyAccount:
    """The account.

    :param google: whose key it has as well: another one would take a tenth of a second to make.
    :ivar file: what a client is given; it is there once the simulator listens.
    :ivar project: of the path of requests.
    """

    project = PROJECT

    def __init__(self, directory: Path, google: ServiceAccount) -> None:
        self.file = directory.absolute() / "push-kit-service-account.json"
        self._google = google

    def write(self) -> None:
        """Write the file.

        :raises CannotStart: it cannot be written.
        """
        host = "https://oauth-login.cloud.huawei.com/oauth2/v3"
        fields = {
            "project_id": PROJECT,
            "key_id": _KEY_ID,
            "private_key": pem_of(self._google.key),
            "sub_account": SUB_ACCOUNT,
            "auth_uri": f"{host}/authorize",
            "token_uri": AUDIENCE,
            "auth_provider_cert_uri": f"{host}/certs",
            "client_cert_uri": f"{host}/x509?client_id=",
        }
        write_account(self.file, fields)

    def check(self, token: str | None, now: float) -> None:
        """Check a token ("Generating a JWT Based on a Service Account").

        :raises BadToken: it is not good.
        """
        try:
            key_id = jwt.get_unverified_header(token or "").get("kid")
            claims = jwt.decode(token or "", self._google.key.public_key(), ["PS256"], options=UNCHECKED)
        except (jwt.PyJWTError, ValueError):
            raise BadToken("80200001") from None
        who = key_id, claims.get("iss"), claims.get("aud")
        if who != (_KEY_ID, SUB_ACCOUNT, AUDIENCE):
            raise BadToken("80200001")
        _check_times(claims, now)


def _check_times(claims: dict[str, Any], now: float) -> None:
    """Raise `BadToken` unless a token is of now and short-lived."""
    issued, expires = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int) or not isinstance(expires, int):
        raise BadToken("80200001")
    if expires > issued + _LONGEST:
        raise BadToken("80300036")
    if not now < expires or issued > now + _SKEW:
        raise BadToken("80200005")
