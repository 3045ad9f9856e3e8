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


class PowerCut:
    """Ends the process of a rig at a step of its work: one of the database's by name, or ``submit``.

    :param times: at which time that the step comes.
    :param done: behind the step, or else before it.
    """

    def __init__(self, rig: Rig, step: str, times: int, *, done: bool) -> None:
        self._rig, self._step, self._left = rig, step, times
        self._submit = rig.gateway.submit
        setattr(rig.database, "after" if done else "before", self._comes)

        def submitted(*arguments: Any) -> Any:
            if not done:
                self._comes("submit")
            answer = self._submit(*arguments)
            if done:
                self._comes("submit")
            return answer

        rig.gateway.submit = submitted  # type: ignore[method-assign] # a test's gateway
        rig.sender._failed = lambda *arguments: None  # type: ignore[method-assign] # nothing logs that it ended

    def over(self) -> None:
        """Check that it came. Nothing of the process goes on; database and gateway are there again."""
        rig = self._rig
        assert not self._left
        rig.sender._stopping = True
        rig.database.before = rig.database.after = lambda what: None
        rig.database.down = False
        rig.gateway.submit = self._submit  # type: ignore[method-assign] # as it was

    def _comes(self, what: str) -> None:
        if what == self._step and self._left:
            self._left -= 1
            if not self._left:
                self._rig.database.down = True
                raise PowerCutError
