"""A gateway that is made up, and the console in front of it: for screenshots and for tests in a browser."""

import math
import time
from typing import Any, Final

from msgspec.structs import replace
from twisted.internet import reactor
from twisted.internet.task import LoopingCall

from pushgate.inputs.http.settings import HTTPTable
from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from pushgate.model.history import Event, Step
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Registration
from pushgate.model.hub.send import SendRequest
from pushgate.model.metrics import Metrics
from pushgate.model.outcome import Outcome, State
from pushgate.model.principals import Grant, Operation, Principals
from pushgate.model.secret_hash import SecretHash
from pushgate.plugin.context import Context
from pushgate.plugins.builtin import http
from pushgate.testing import FakeHub, RecordingGateway, outcome

BEAT: Final = 0.1
"""Seconds between two pieces of outcomes."""
DAY: Final = 86400
MIX: Final = (
    (State.ACCEPTED, None, "", 880),
    (State.PRESUMED, None, "", 60),
    (State.REJECTED, 410, "Unregistered", 45),
    (State.EXPIRED, None, "ExpirationPassed", 10),
    (State.FAILED, 255, "Unknown", 5),
)
"""Outcomes of a thousand notifications."""
SECRETS: Final = {name: f"secret-of-{name}-0123456789" for name in ("ops", "desk", "shop")}
"""What the principals log in with: `ops` may do everything, `desk` may look, `shop` may look at one app."""


def grants() -> dict[str, Grant]:
    """The principals."""
    proof = {name: (SecretHash.of(secret.encode(), bytes(16)),) for name, secret in SECRETS.items()}
    reads = frozenset({Operation.READ})
    return {
        "ops": Grant(secrets=proof["ops"]),
        "desk": Grant(secrets=proof["desk"], operations=reads),
        "shop": Grant(secrets=proof["shop"], operations=reads, apps=frozenset({"news"})),
    }


class Stage:
    """Serves the console of a gateway whose figures rise and fall.

    :param names: of its apps; the second one's push service is of no use.
    :param rate: outcomes a second.
    :param singly: each outcome is a report of its own, as when notifications come one by one.
    """

    def __init__(
        self,
        principals: dict[str, Grant] | None = None,
        *,
        names: tuple[str, ...] = ("news", "mail", "shop-android", "web"),
        rate: float = 900.0,
        reason: str = "",
        singly: bool = False,
    ) -> None:
        self.names, self.rate, self.reason, self.singly = names, rate, reason, singly
        self.metrics, self.hub = Metrics(), FakeHub(wall=time.time)
        self.gateway = RecordingGateway(*names)
        self.gateway.stats = self.stats  # type: ignore[method-assign]  # figures that move
        self.context = Context(
            reactor=reactor,
            wall=time.time,
            jitter=lambda: 0.5,
            metrics=self.metrics,
            principals=Principals(principals),
            hubs={"main": self.hub},
        )
        self._began, self._count, self._order = time.monotonic(), 0.0, 1
        self._loop = LoopingCall.withCount(self._beat)
        self._fill()

    async def start(self) -> str:
        """Listen, and begin to report; returns the console's address."""
        table = HTTPTable(type="http", listen="tcp:0:interface=127.0.0.1", console=True)
        self.input = http.input("http", table, self.gateway, self.context)
        await self.input.start()
        self._loop.start(BEAT, now=False)
        return f"http://{self.input.addresses()[0].rpartition(' ')[2]}/console/"

    async def stop(self) -> None:
        """Stop both."""
        if self._loop.running:
            self._loop.stop()
        await self.input.stop()

    def report(self, *outcomes: Outcome) -> None:
        """Count outcomes, and report them."""
        for each in outcomes:
            count = len(each.span)
            self.metrics.count("pushgate_outcomes_total", each.app, each.state, each.reason, times=count)
            self.metrics.observe("pushgate_settle_seconds", each.app, seconds=self._seconds(), times=count)
        self.gateway.report(*outcomes)

    def stats(self) -> dict[str, Any]:
        """What a gateway's `stats` has."""
        outcomes: dict[str, dict[str, int]] = {app: {} for app in self.names}
        for (app, state, _), count in self.metrics.counts["pushgate_outcomes_total"].items():
            outcomes[app][state] = outcomes[app].get(state, 0) + count
        lag = max(0, int(300 * math.sin(self._age() / 9)))
        return {
            "apps": {app: self._app(place) for place, app in enumerate(self.names)},
            "sinks": {"log": {"lag": 0}, "ledger": {"lag": lag}, "webhook": {"lag": lag // 3}},
            "outcomes": outcomes,
        }

    def _app(self, place: int) -> dict[str, Any]:
        down = place == 1
        return {
            "upstream": ("apns-http2", "apns-stream", "fcm", "webpush")[place % 4],
            "queue": 48_213 if down else int(400 + 350 * math.sin(self._age() / 5 + place)),
            "queue_age": self._age() + 734 if down else 0.2,
            "pressed": False,
            "paced": 0,
            "rate": 2000.0 if place == 2 else 0.0,
            "window": 0 if down else 1800 - 300 * place,
            "delayed": 12 if place == 0 else 0,
            "connections": {"connecting": 1} if down else {"ready": 4 - place, "spare": 1},
            "circuit": {"open": down, "cause": "handshake-failed" if down else ""},
            "routes": {"https://push.example.net": {"open": True, "cause": "timeout"}} if place == 3 else {},
            "certificate_expires": (time.time() + (5 if down else 211) * DAY) if place < 2 else None,
            "dead_tokens": len(self.gateway.dead[self.names[place]]),
        }

    def _beat(self, beats: int) -> None:
        """Report what a beat has, or several when this process stood still."""
        self._count += self.rate * BEAT * beats
        number, self._count = int(self._count), self._count % 1
        for state, status, reason, share in MIX:
            for place, app in enumerate(self.names):
                if place != 1 and (count := round(number * share / 1000 / max(1, len(self.names) - 1))):
                    self._report(app, state, status, reason and (self.reason or reason), count)

    def _report(self, app: str, state: State, status: int | None, reason: str, count: int) -> None:
        for _ in range(count if self.singly else 1):
            self._order += 1
            tokens = [self._order.to_bytes(32)] * (1 if self.singly else count)
            made = outcome(
                state, app=app, tokens=tokens, status=status, reason=reason, at=time.time(), order=self._order
            )
            self.report(made)

    def _seconds(self) -> float:
        return 0.08 + 0.05 * math.sin(self._age() / 4) + (0.4 if self._order % 25 == 0 else 0)

    def _age(self) -> float:
        return time.monotonic() - self._began

    def _fill(self) -> None:
        """Keep dead tokens, a notification that has a story, registrations, and sends."""
        since = int(time.time())
        for number in range(1, 251):
            token = number.to_bytes(32)
            entry = DeadTokenEntry(token, since - 3600 * number, DeadReason.FEEDBACK)
            self.gateway.dead[self.names[0]][token] = entry
        self.known = _traced(self.names[0], self.reason or "Unregistered")
        self.gateway.records[self.known.span.batch.id] = self.known
        for number in range(90):
            platform = (Platform.APNS, Platform.FCMV1, Platform.APNS)[number % 3]
            tags = ("news", f"lang:{('de', 'en', 'fr')[number % 3]}", f"user:{number // 2}")
            number_text = f"{number}-1-1"
            self.hub.kept[number_text] = Registration(
                platform=platform, handle=number.to_bytes(32), tags=tags, id=number_text
            )
        for expression, hours in (("news && !muted", 0), ("lang:de", 3), ("lang:fr || lang:en", 26)):
            scheduled = time.time() + 3600 * hours if hours else None
            request = SendRequest(
                body=b"{}", platform=Platform.APNS, expression=expression, scheduled_for=scheduled
            )
            self.hub.send(request)


def _traced(app: str, reason: str) -> Outcome:
    """An outcome with a story: written twice, refused in the end."""
    now = time.time()
    made = outcome(State.REJECTED, app=app, status=410, reason=reason, at=now)
    past = (
        Step(Event.WRITTEN, now + 0.004, 3),
        Step(Event.DISCARDED, now + 0.051, 3, "Shutdown"),
        Step(Event.WRITTEN, now + 0.160, 4),
    )
    batch = replace(made.span.batch, origin="http")
    return replace(made, at=now + 0.231, span=replace(made.span, batch=batch, attempts=2, past=past))
