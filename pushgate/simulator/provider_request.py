"""A complete request of the provider API, with all that its answer depends on."""

from collections.abc import Callable

import msgspec

from pushgate.net.http.codec import RequestHead
from pushgate.simulator.accepted import Push
from pushgate.simulator.provider_credential import ProviderCredential


class ProviderRequest(msgspec.Struct, frozen=True):
    """See the module.

    :param body: what was kept of it: one byte more than any payload may have, at most.
    :param credential: of its connection.
    :param now: Unix seconds.
    :param record: to be called with the notification, if it is accepted.
    :param undying: no token is dead.
    """

    head: RequestHead
    body: bytes
    credential: ProviderCredential
    now: float
    record: Callable[[Push], None]
    undying: bool = False

    def header(self, name: bytes) -> bytes | None:
        """The first header of this name; None when it is not there, or empty."""
        return next((value for each, value in self.head.headers if each == name), None) or None

    def check_credential(self) -> None:
        """Raise `Refused` unless it is known who sends it."""
        self.credential.check(self.header(b"authorization"), self.now)
