"""An app on each of the simulator's services other than Apple's: its table, its targets, a payload."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from pushgate.plugin.factories import UpstreamFactory
from pushgate.plugins import builtin
from pushgate.protocols.webpush.subscription import canonical
from pushgate.simulator.certificates import Certificates
from pushgate.simulator.services.directory import APPS, Services
from pushgate.simulator.services.subscriptions import SubscriptionRequest

TOAST = b"<toast><visual><binding template='ToastText01'><text id='1'>Hi</text></binding></visual></toast>"
PHONE = (
    b'<?xml version="1.0" encoding="utf-8"?><wp:Notification xmlns:wp="WPNotification"><wp:Toast>'
    b"<wp:Text1>Hi</wp:Text1></wp:Toast></wp:Notification>"
)


class Simulator(Protocol):
    """A simulator, as far as apps need it.

    :ivar services_url: None while the services have no port.
    """

    certificates: Certificates
    services: Services

    @property
    def services_url(self) -> str | None:
        """The URL of the services."""


class ServiceApp(msgspec.Struct, frozen=True):
    """One of them.

    :param table: what its table needs besides.
    :param target: the text of a target, for a name. Names that begin with ``gone`` are dead.
    :param fault: what the service answers when it is in trouble, as a rule of the script.
    :param dead: why dead targets are dead.
    :param variant: of the service, where there are several.
    """

    factory: UpstreamFactory
    table: Callable[[Simulator], dict[str, Any]]
    payload: bytes
    fault: dict[str, Any]
    dead: str
    target: Callable[[Simulator, str], str] = lambda _, name: name
    variant: str = ""

    @property
    def kind(self) -> str:
        """Its name in the configuration."""
        return self.factory.name

    @property
    def name(self) -> str:
        """The service and the variant of it."""
        return f"{self.kind}{self.variant}"

    @property
    def has_tokens(self) -> bool:
        """Whether its requests have access tokens of a token service."""
        return self.name in {"fcm", "wns", "adm", "hms"}


def secret(simulator: Simulator, text: str) -> Path:
    """A file with a secret in it."""
    path = simulator.certificates.ca.parent / "secret"
    path.write_text(f"{text}\n")
    return path


def write_vapid_key(directory: Path) -> Path:
    """A file with a new key by which browsers know who pushes."""
    path = directory / "vapid.pem"
    key = generate_private_key(SECP256R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


def _subscription(simulator: Simulator, name: str) -> str:
    url = simulator.services_url
    assert url is not None
    [made] = simulator.services.webpush.subscriptions.make(SubscriptionRequest(1, name), url)
    return canonical(msgspec.json.encode(made)).decode()


def _at_its_host(**table: Any) -> dict[str, Any]:
    return {"host": "localhost", **table}


def _channel(kind: str) -> Callable[[Simulator, str], str]:
    return lambda simulator, name: f"{simulator.services_url}/{kind}/{name}"


def _secret_of(kind: str) -> Callable[[Simulator], dict[str, Any]]:
    app = APPS[kind]
    return lambda simulator: {
        "client_id": app.client_id,
        "client_secret_file": secret(simulator, app.client_secret),
        "token_url": f"{simulator.services_url}{_TOKEN_PATHS[kind]}",
    }


_TOKEN_PATHS = {"wns": "/accesstoken.srf", "adm": "/auth/O2/token", "hms": "/oauth2/v3/token"}


def _hms(simulator: Simulator) -> dict[str, Any]:
    app = APPS["hms"]
    url = f"{simulator.services_url}{_TOKEN_PATHS['hms']}"
    return _at_its_host(
        app_id=app.client_id, app_secret_file=secret(simulator, app.client_secret), token_url=url
    )


SERVICE_APPS = {each.name: each for each in (
    ServiceApp(
        builtin.fcm,
        lambda simulator: _at_its_host(service_account_file=simulator.services.account.file),
        b'{"notification":{"title":"Hi"}}',
        {"reason": "UNAVAILABLE"},
        "Unregistered",
    ),
    ServiceApp(
        builtin.webpush,
        lambda simulator: {
            "vapid_key_file": write_vapid_key(simulator.certificates.ca.parent),
            "subject": "mailto:ops@example.org", "allow_hosts": ["localhost"],
        },
        b"Hi",
        {"status": 503},
        "Gone",
        _subscription,
    ),
    ServiceApp(
        builtin.wns,
        lambda simulator: {"allow_hosts": ["localhost"], **_secret_of("wns")(simulator)},
        TOAST,
        {"status": 503},
        "Gone",
        _channel("wns"),
    ),
    ServiceApp(
        builtin.adm,
        lambda simulator: _at_its_host(**_secret_of("adm")(simulator)),
        b'{"data":{"k":"v"}}',
        {"status": 503},
        "Unregistered",
    ),
    ServiceApp(builtin.hms, _hms, b'{"data":"x"}', {"status": 503}, "InvalidRegistrationId"),
    ServiceApp(
        builtin.hms,
        lambda simulator: _at_its_host(service_account_file=simulator.services.harmony.file),
        b'{"payload":{"notification":{"category":"IM","title":"Hi","body":"there"}}}',
        {"status": 503},
        "InvalidRegistrationId",
        variant="-v3",
    ),
    ServiceApp(
        builtin.baidu,
        lambda simulator: _at_its_host(
            api_key=APPS["baidu"].client_id, secret_file=secret(simulator, APPS["baidu"].client_secret)
        ),
        b'{"title":"Hi","description":"there"}',
        {"reason": "30600"},
        "NotFound",
    ),
    ServiceApp(
        builtin.mpns,
        lambda _: {"allow_hosts": ["localhost"]},
        PHONE,
        {"status": 503},
        "Gone",
        _channel("mpns"),
    ),
    ServiceApp(
        builtin.xiaomi,
        lambda simulator: _at_its_host(
            app_secret_file=secret(simulator, APPS["xiaomi"].client_secret), package=APPS["xiaomi"].client_id
        ),
        b'{"title":"Hi","description":"there","pass_through":"0","notify_type":"-1"}',
        {"reason": "10001"},
        "InvalidRegistrationId",
    ),
)}  # fmt: skip
"""Each by its name."""
