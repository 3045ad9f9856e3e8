"""Two gateways that share a hub in PostgreSQL."""

import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from pushgate.hub.hub import Hub
from pushgate.hub.sending import pages, sender
from pushgate.hub.settings import HubTable
from pushgate.hub.store import registrations
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Registration
from pushgate.model.hub.send import SendRequest, SendState
from pushgate.testing import RecordingGateway, context

DEVICES = 95


class SharedHubTests(TestCase):
    @pytest.fixture(autouse=True)
    def _server(self, postgresql: Any) -> None:
        self.server = postgresql

    def hub(self, name: str, store: str | None = None) -> tuple[Hub, RecordingGateway]:
        """A hub on a gateway of its own."""
        directory = Path(self.mktemp())
        directory.mkdir()
        surroundings = replace(context(state_dir=directory), reactor=reactor, wall=time.time)
        gateway = RecordingGateway("news")
        table = HubTable(store=store or self.server.url, connections=2, apns="news", lease="2s")
        return Hub(name, table, gateway, surroundings), gateway

    async def until(self, condition: Any) -> None:
        deadline = time.monotonic() + 60
        while not await condition():
            assert time.monotonic() < deadline
            await deferLater(reactor, 0.05)

    async def test_the_other_one_finishes_what_one_began(self) -> None:
        """A broadcast that stops in the middle goes on at the other gateway, and a scheduled send is its too.

        What the first may have submitted is marked as doubtful; nothing else is submitted twice.
        """
        self.patch(pages, "DEVICES", 10)
        self.patch(sender, "POLL", 0.2)
        name = f"shared{time.monotonic_ns()}"
        (one, first), (two, second) = self.hub(name), self.hub(name)
        for hub in (one, two):
            hub.sink.start()
            self.addCleanup(hub.sink.stop)
        new = [Registration(platform=Platform.APNS, handle=b"%02d" % number) for number in range(DEVICES)]
        await one._database.write(registrations.import_many, new)
        submit, left = first.submit, [3]

        def dies(*arguments: Any) -> Any:
            left[0] -= 1
            if left[0] >= 0:
                answer = submit(*arguments)
                if left[0] or answer.result is None:
                    return answer
            return Deferred()  # the process is gone: nothing is heard of it

        first.submit = dies
        one.start()
        send = await one.send(SendRequest(body=b"{}", platform=Platform.APNS))
        soon = await one.send(
            SendRequest(body=b"{}", platform=Platform.APNS, handles=("ff",), scheduled_for=time.time() + 1)
        )
        one._sender._stopping = True
        two.start()

        async def resolved() -> bool:
            rows = await two._database.read(lambda session: session.execute("SELECT resolved FROM send"))
            return all(number for (number,) in rows)

        await self.until(resolved)
        tokens = [token for each in (*first.submissions, *second.submissions) for token in each.tokens]
        doubtful = {token for each in second.submissions if each.doubtful for token in each.tokens}
        counted = Counter(tokens)
        assert set(counted) == {b"\xff", *(each.handle for each in new)}
        assert {token for token, count in counted.items() if count > 1} <= doubtful
        assert len(doubtful) <= 10
        assert (await two.details(send.id)).send.state is SendState.PROCESSING
        assert (await two.details(soon.id)).send.started_at is not None
        await two.stop()
        await one._jobs.stop()
        await one._sweep.stop()
