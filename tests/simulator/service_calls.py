"""Requests to the services of the simulator in memory, and what is said to them."""

import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt
import msgspec

from pushgate.net.http.codec import RequestHead
from pushgate.simulator.accepted import Accepted
from pushgate.simulator.fault_rules import parse_rules
from pushgate.simulator.fault_script import DeadHandles, FaultScript
from pushgate.simulator.received_log import ReceivedLog
from pushgate.simulator.request_rules import Answer
from pushgate.simulator.services.desk import ServiceDesk
from pushgate.simulator.services.directory import Services
from pushgate.simulator.settings import SimulatorTable

NOW = 1_700_000_000
URL = "https://localhost:2198"


class Said(msgspec.Struct):
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Caller:
    """A simulator's services, without a network.

    :ivar now: Unix seconds; may be set.
    """

    def __init__(self, **config: Any) -> None:
        self._directory = tempfile.TemporaryDirectory()
        table = SimulatorTable.model_validate({"state_dir": self._directory.name, **config})
        self.now = float(NOW)
        self.services = Services(table)
        self.services.write_accounts(URL)
        script = FaultScript(table.script, lambda: 0.0)
        self.desk = ServiceDesk(
            self.services.all, script, DeadHandles(table.dead_handles), ReceivedLog(100), lambda: self.now
        )

    def __call__(
        self, method: str, path: str, body: bytes = b"", chunked: bool = False, **headers: str | None
    ) -> Said:
        """What is answered. Header names have ``_`` for ``-``."""
        fields = [(b"host", b"localhost:2198")]
        fields += [
            (name.replace("_", "-").encode(), value.encode("latin-1"))
            for name, value in headers.items()
            if value is not None
        ]
        if not chunked:
            fields.append((b"content-length", b"%d" % len(body)))
        length = None if chunked else len(body)
        head = RequestHead(1, method.encode(), path.encode(), tuple(fields), length)
        rule, judged = self.desk.ask(1, "http1", head, body)
        if isinstance(rule, Answer):
            judged = self.desk.scripted(rule, judged)
            self.desk.enter_refused(judged)
        else:
            self.desk.enter(judged)
        answer = judged.answer
        return Said(
            answer.status, {name.decode(): value.decode() for name, value in answer.headers}, answer.body
        )

    def json(self, path: str, value: Any, **headers: str | None) -> Said:
        """What is answered to JSON."""
        return self("POST", path, msgspec.json.encode(value), **headers)

    def form(self, path: str, fields: dict[str, Any], **headers: str | None) -> Said:
        """What is answered to a form."""
        kind = "application/x-www-form-urlencoded"
        return self("POST", path, urlencode(fields).encode(), content_type=kind, **headers)

    def follow(self, *rules: dict[str, Any]) -> None:
        """Have the services keep to a script."""
        self.desk.script = FaultScript(parse_rules(list(rules)), lambda: 0.0)

    @property
    def received(self) -> list[Accepted]:
        return self.desk.received.entries()

    @property
    def summary(self) -> dict[str, Any]:
        return self.desk.received.summary()


GOOGLE = {
    "iss": "simulator@pushgate-simulator.iam.gserviceaccount.com",
    "scope": "https://www.googleapis.com/auth/firebase.messaging",
    "aud": "https://oauth2.googleapis.com/token",
    "iat": NOW,
    "exp": NOW + 3600,
}


def assertion(file: Path, **changes: Any) -> str:
    """An assertion of the service account, with other claims; None leaves one out."""
    account = msgspec.json.decode(file.read_bytes())
    claims = {name: value for name, value in {**GOOGLE, **changes}.items() if value is not None}
    return jwt.encode(claims, account["private_key"], "RS256", {"kid": account["private_key_id"]})
