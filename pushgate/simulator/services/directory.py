"""The services that there are, and what a client needs to use them."""

from typing import Any

from pushgate.simulator.services.access_tokens import AccessTokens
from pushgate.simulator.services.fcm import Fcm
from pushgate.simulator.services.service_account import ServiceAccount
from pushgate.simulator.services.service_request import Service
from pushgate.simulator.settings import SimulatorTable


class Services:
    """See the module.

    :ivar account: of Firebase.
    :ivar tokens: the access tokens of each service that has any.
    :ivar all: the services.
    """

    def __init__(self, config: SimulatorTable) -> None:
        lifetime, good_for = config.access_token_lifetime, config.access_token_good_for
        self.account = ServiceAccount(config.state_dir)
        self.tokens = {"fcm": AccessTokens(lifetime, good_for)}
        self.all: tuple[Service, ...] = (Fcm(self.account, self.tokens["fcm"]),)

    def about(self, url: str | None) -> dict[str, Any]:
        """What a client needs, ready for JSON.

        :param url: of the services; None while there is none.
        """
        account = {"service_account": str(self.account.file), "project": self.account.project}
        return {"url": url, "fcm": account}

    def expire_tokens(self) -> None:
        """Withdraw every access token that was issued."""
        for tokens in self.tokens.values():
            tokens.expire()
