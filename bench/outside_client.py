"""An AMP program written from the contract alone: pushes, watches, and keeps the last outcome of each.

Usage: outside_client.py PORT TOKENS RECORD [TOTAL]. TOKENS is a file with one in hex a line. Writes a JSON
object to RECORD: for each token state, status, and how many outcomes came for it; RECORD.part is there when
it watches. Ends when so many notifications (without TOTAL its own) have an outcome and none came for 1 s.
"""

import json
import sys
from pathlib import Path
from typing import Any, ClassVar

from twisted.internet.defer import DeferredList, DeferredSemaphore
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.task import deferLater, react
from twisted.protocols import amp

BATCH = 500


class PushBatch(amp.Command):
    """As in the contract."""

    arguments: ClassVar[Any] = [
        (b"app", amp.Unicode()), (b"tokens", amp.String()), (b"payload", amp.String()),
    ]  # fmt: skip
    response: ClassVar[Any] = [(b"id", amp.Unicode()), (b"count", amp.Integer()), (b"refused", amp.String())]


class Watch(amp.Command):
    """As in the contract."""

    arguments: ClassVar[Any] = [(b"app", amp.Unicode(optional=True))]
    response: ClassVar[Any] = [(b"watching", amp.Boolean())]


class Outcomes(amp.Command):
    """As in the contract: the gateway calls it."""

    arguments: ClassVar[Any] = [(b"outcomes", amp.String())]
    response: ClassVar[Any] = [(b"ok", amp.Boolean())]


class Client(amp.AMP):
    """Keeps outcomes by token."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # untyped in Twisted
        self.outcomes: dict[str, dict[str, Any]] = {}
        self.news = 0

    @Outcomes.responder
    def reported(self, outcomes: bytes) -> dict[str, bool]:
        for line in outcomes.split(b"\n"):
            if line:
                record = json.loads(line)
                known = self.outcomes.setdefault(record["token"], {"count": 0, "corrections": 0})
                known["corrections" if record["corrects"] else "count"] += 1
                known.update(state=record["state"], status=record["status"])
                self.news += 1
        return {"ok": True}


async def run(reactor: Any, port: str, file: str, record: str, total: str = "0") -> None:
    """Push all, wait for all."""
    every = [bytes.fromhex(line) for line in Path(file).read_text().split()]
    client = await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", int(port)), Client())
    await client.callRemote(Watch)
    part = Path(f"{record}.part")
    part.touch()
    gate = DeferredSemaphore(8)
    calls = [
        gate.run(
            client.callRemote, PushBatch, app="news", payload=b'{"aps":{"alert":"Hi"}}',
            tokens=b"".join(bytes((len(token),)) + token for token in every[at : at + BATCH]),
        )
        for at in range(0, len(every), BATCH)
    ]  # fmt: skip
    answers = await DeferredList(calls, fireOnOneErrback=True)
    assert all(answer["refused"] == b"[]" for _, answer in answers)
    print("pushed", flush=True)
    quiet_for, news = 0.0, -1
    while len(client.outcomes) < (int(total) or len(every)) or quiet_for < 1:
        quiet_for, news = (quiet_for + 0.1, news) if client.news == news else (0.0, client.news)
        await deferLater(reactor, 0.1)
    part.write_text(json.dumps(client.outcomes))
    part.rename(record)


if __name__ == "__main__":
    react(run, sys.argv[1:])
