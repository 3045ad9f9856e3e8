"""The services that there are, and what a client needs to use them."""

from typing import Any, Final

import msgspec

from pushgate.simulator.services.access_tokens import AccessTokens
from pushgate.simulator.services.adm import Adm
from pushgate.simulator.services.baidu import Baidu
from pushgate.simulator.services.client_credentials import AppCredentials
from pushgate.simulator.services.fcm import Fcm
from pushgate.simulator.services.harmony import HarmonyPush
from pushgate.simulator.services.harmony_account import HarmonyAccount
from pushgate.simulator.services.hms import Hms
from pushgate.simulator.services.mpns import Mpns
from pushgate.simulator.services.service_account import ServiceAccount
from pushgate.simulator.services.service_request import Service
from pushgate.simulator.services.webpush import WebPush
from pushgate.simulator.services.wns import Wns
from pushgate.simulator.services.xiaomi import Xiaomi
from pushgate.simulator.settings import SimulatorTable

APPS: Final = {
    "wns": AppCredentials("ms-app://s-1-15-2-1", "wns-secret"),
    "adm": AppCredentials("amzn1.application-oa2-client.1", "adm-secret"),
    "hms": AppCredentials("100000001", "hms-secret"),
    "baidu": AppCredentials("baidu-api-key", "baidu-secret-key"),
    "xiaomi": AppCredentials("com.example.demo", "xiaomi-app-secret"),
}
"""Throw-away credentials. Baidu has the API key for an id, Xiaomi the package, which is not checked."""
_WITH_TOKENS: Final = ("fcm", "wns", "adm", "hms")


class Services:
    """See the module.

    :ivar account: of Firebase.
    :ivar harmony: the account of Push Kit's version 3.
    :ivar tokens: the access tokens of each service that has any.
    :ivar webpush: hands out subscriptions.
    :ivar adm: knows handles that have been replaced.
    :ivar all: the services.
    """

    def __init__(self, config: SimulatorTable) -> None:
        lifetime, good_for = config.access_token_lifetime, config.access_token_good_for
        self.account = ServiceAccount(config.state_dir)
        self.harmony = HarmonyAccount(config.state_dir, self.account)
        self.tokens = {name: AccessTokens(lifetime, good_for) for name in _WITH_TOKENS}
        self.webpush = WebPush()
        self.adm = Adm(APPS["adm"], self.tokens["adm"])
        self.all: tuple[Service, ...] = (
            Fcm(self.account, self.tokens["fcm"]),
            self.webpush,
            Wns(APPS["wns"], self.tokens["wns"]),
            self.adm,
            Hms(APPS["hms"], self.tokens["hms"], HarmonyPush(self.harmony)),
            Baidu(APPS["baidu"]),
            Mpns(),
            Xiaomi(APPS["xiaomi"]),
        )

    def about(self, url: str | None) -> dict[str, Any]:
        """What a client needs, ready for JSON.

        :param url: of the services; None while there is none.
        """
        account = {"service_account": str(self.account.file), "project": self.account.project}
        apps = {name: msgspec.structs.asdict(app) for name, app in APPS.items()}
        harmony = {"service_account": str(self.harmony.file), "project": self.harmony.project}
        return {"url": url, "fcm": account, **apps, "hms": {**apps["hms"], **harmony}}

    def write_accounts(self, url: str) -> None:
        """Write the files of the service accounts.

        :param url: of the simulator, where Google's assertions go.
        :raises CannotStart: one cannot be written.
        """
        self.account.write(url)
        self.harmony.write()

    def expire_tokens(self) -> None:
        """Withdraw every access token that was issued."""
        for tokens in self.tokens.values():
            tokens.expire()
