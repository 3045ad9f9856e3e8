"""The configuration, apps and terms that the inputs for MCMT messages share."""

from collections.abc import Callable
from typing import Self

from pydantic import Field, model_validator

from pushgate.inputs.common.login_settings import LoginTable
from pushgate.model.errors import Invalid
from pushgate.model.notification import MAX_EXPIRATION, Terms
from pushgate.model.notification_rules import NotificationRules
from pushgate.plugin.settings import AppName, Duration
from pushgate.protocols.momentum.addresses import domain_of
from pushgate.protocols.momentum.mcmt import TOKEN, McmtMessage


class MomentumTable(LoginTable):
    """The keys of an input for MCMT messages.

    :param app: the app of recipients whose domain is not in `domains`.
    :param domains: apps by the recipients' domains.
    :param expiry: the lifetime of notifications; None: the app's default.
    :param max_message: bytes of a message at most.
    """

    app: AppName | None = None
    domains: dict[str, AppName] = {}
    expiry: Duration | None = None
    max_message: int = Field(default=1 << 20, ge=1 << 10)

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.app is None and not self.domains:
            raise ValueError("one of app and domains is required")
        return self


class Recipients:
    """Finds the apps of recipients in the configuration of an input.

    :param wall: returns Unix seconds.
    """

    def __init__(self, config: MomentumTable, wall: Callable[[], float]) -> None:
        self._app, self._expiry, self._wall = config.app, config.expiry, wall
        self._domains = {domain.lower().removesuffix("."): app for domain, app in config.domains.items()}

    def app(self, address: str, field: str) -> str:
        """Return the app of a recipient.

        :param field: the name of the address in errors.
        :raises Invalid: it is not an address, or its domain has no app.
        """
        found = self._domains.get(domain_of(address, field), self._app)
        if found is None:
            raise Invalid(field, "an address of another domain", "its domain must be one of `domains`")
        return found

    def terms(self) -> Terms:
        """Return the terms of notifications that are received now."""
        if self._expiry is None:
            return Terms()
        return Terms(expiration=min(MAX_EXPIRATION, int(self._wall() + self._expiry)))


def read_member(message: McmtMessage, rules: NotificationRules, token: str | None) -> tuple[bytes, bytes]:
    """Return target and payload of a message.

    :param token: a device token that overrides the one in the message; None: none.
    :raises Invalid: there is no token, or token or payload are invalid.
    """
    token = message.token if token is None else token
    if token is None:
        raise Invalid(TOKEN, "missing", f"a header behind the blank line of the part, {TOKEN}: HEX DIGITS")
    return rules.parse_target(token, TOKEN), rules.payload_of(message.payload)
