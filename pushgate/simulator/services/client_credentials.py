"""OAuth with the credentials of an app (RFC 6749 4.4): the token endpoints of WNS, ADM and HMS."""

from typing import Any, Final

import msgspec

from pushgate.simulator.services.access_tokens import AccessTokens
from pushgate.simulator.services.service_answer import ServiceAnswer, json_reply
from pushgate.simulator.services.service_request import ServiceRequest

_FORM: Final = "application/x-www-form-urlencoded"


class AppCredentials(msgspec.Struct, frozen=True):
    """What an app is known by."""

    client_id: str
    client_secret: str


class TokenEndpoint:
    """Changes credentials for access tokens.

    :param scope: that has to be asked for; None: it does not matter.
    :param secret_status: of the answer to a wrong secret.
    """

    def __init__(
        self,
        app: AppCredentials,
        tokens: AccessTokens,
        scope: str | None,
        secret_status: int = 400,
        token_type: str = "bearer",  # noqa: S107 - a word
    ) -> None:
        self._app, self._tokens, self._scope = app, tokens, scope
        self._secret_status, self._type = secret_status, token_type

    def answer(self, request: ServiceRequest, _: dict[str, str]) -> ServiceAnswer:
        """The answer of RFC 6749 5.1 and 5.2."""
        form = request.form
        if request.media_type != _FORM:
            return oauth_error(400, "invalid_request", f"Content-Type must be {_FORM}")
        if form.get("grant_type") != "client_credentials":
            return oauth_error(400, "unsupported_grant_type", "grant_type must be client_credentials")
        if form.get("client_id") != self._app.client_id:
            return oauth_error(self._secret_status, "invalid_client", "Invalid client id")
        if form.get("client_secret") != self._app.client_secret:
            return oauth_error(self._secret_status, "invalid_client", "Invalid client secret")
        if self._scope is not None and form.get("scope") != self._scope:
            return oauth_error(400, "invalid_scope", f"scope must be {self._scope}")
        token = self._tokens.issue(request.now)
        told: dict[str, Any] = {
            "access_token": token,
            "token_type": self._type,
            "expires_in": round(self._tokens.lifetime),
        }
        if self._scope is not None:
            told["scope"] = self._scope
        return json_reply(200, told)


def oauth_error(status: int, name: str, description: str) -> ServiceAnswer:
    """A refusal of a token endpoint."""
    return json_reply(status, {"error": name, "error_description": description}, reason=name)
