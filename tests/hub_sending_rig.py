"""Sends of a hub on their way: a sender over a gateway that records, and a database in memory."""

from typing import Any

import msgspec
from twisted.internet.task import Clock

from pushgate.hub.hub_context import HubContext
from pushgate.hub.outcomes.sink import HubSink
from pushgate.hub.sending.acceptance import Acceptance
from pushgate.hub.sending.sender import Sender
from pushgate.hub.settings import HubTable
from pushgate.hub.store import sends
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.send import SendRequest, SendState
from pushgate.testing import RecordingGateway, context
from pushgate.testing.context import EPOCH
from tests.hub_rig import MemoryDatabase

BODY = b'{"aps":{"alert":"Hello"}}'


def alert(expression: str) -> str:
    """The body of a template whose alert is this."""
    return msgspec.json.encode({"aps": {"alert": expression}}).decode()


class PowerCutError(Exception):
    """The process ends here."""


class Rig:
    """One gateway and a database, which a second gateway may share."""

    def __init__(
        self, database: MemoryDatabase | None = None, owner: str = "one", clock: Clock | None = None
    ) -> None:
        self.clock = clock or Clock()
        self.context = context(self.clock)
        self.database = database or MemoryDatabase(lambda: EPOCH + self.clock.seconds())
        self.gateway = RecordingGateway("news", "droid")
        self.owner = owner
        self.sender = self.make()
        self.sink = HubSink(self.hub, lambda: None)

    def make(self) -> Sender:
        table = HubTable(apns="news", fcmv1="droid")
        self.hub = HubContext("main", table, self.database, self.gateway, self.context, self.owner)
        self.acceptance = Acceptance(self.hub)
        return Sender(self.hub, self.acceptance)

    def send(self, send_id: str = "s", **keys: Any) -> None:
        request = SendRequest(
            body=keys.pop("body", BODY), platform=keys.pop("platform", Platform.APNS), **keys
        )
        self.database.write(sends.add, send_id, self.acceptance.check(request))

    def sent(self) -> list[tuple[bytes, bytes]]:
        """Each target that was submitted, with its payload."""
        return [
            (token, payload)
            for each in self.gateway.submissions
            for token, payload in zip(
                each.tokens,
                [each.payload] * len(each.tokens) if isinstance(each.payload, bytes) else each.payload,
                strict=True,
            )
        ]

    def tokens(self) -> list[bytes]:
        return [token for token, _ in self.sent()]

    def state(self, send_id: str = "s") -> SendState:
        return sends.find(self.database.session, send_id).state

    def counts(self, send_id: str = "s") -> dict[str, dict[str, int]]:
        return dict(sends.details(self.database.session, send_id).outcomes)
