"""The webhook sink: what is sent to whom, and what each answer means."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from pushgate import __version__
from pushgate.model.errors import SinkDown
from pushgate.model.log_throttle import LogThrottle
from pushgate.model.outcome import Report
from pushgate.model.outcome_record import ndjson
from pushgate.net.guarded_endpoint import GuardedEndpoints
from pushgate.net.table_files import TableFiles
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway
from pushgate.plugin.optional_interfaces import IAddressed, IReadsFiles
from pushgate.plugin.sink_interface import IOutcomeSink
from pushgate.protocols.webhook_signature import SIGNATURE, TIMESTAMP, sign
from pushgate.sinks.webhook.diagnosis import diagnose
from pushgate.sinks.webhook.http_request import Poster, WebhookAnswer
from pushgate.sinks.webhook.report_batches import Post, about, count_of, cut
from pushgate.sinks.webhook.secrets import secrets_in
from pushgate.sinks.webhook.settings import WebhookTable

LATER: Final = frozenset({401, 403, 404, 408, 425, 429})
"""Client errors after which the same again may be taken: those of time, and those that an operator on either
side mends, a secret that only one of them has changed or a path that is not deployed yet."""
TOO_LARGE: Final = 413
AGAIN: Final = 16
"""Requests of the reduced size that must be taken in a row before twice as many records are tried again."""


@implementer(IOutcomeSink, IAddressed, IReadsFiles)
class WebhookSink:
    """Sends outcome records, one request at a time; what gathers meanwhile goes with the next.

    What the receiver does not answer, or answers with a sign of its own trouble, is sent again (the outlet
    sees to that) until it is too old. What it refuses is given up.

    :raises CannotStart: a file is not what it should be.
    """

    log = Logger()

    def __init__(
        self,
        name: str,
        config: WebhookTable,
        context: Context,
    ) -> None:
        self._name, self._config, self._context = name, config, context
        self._apps, self._states = frozenset(config.apps), frozenset(config.states)
        self._secrets, trust = self._files()
        self._poster = self._post_with(trust)
        self._renewed: tuple[Sequence[bytes], Any] | None = None
        self._batch, self._taken = config.batch, 0
        self._of: Sequence[Report] | None = None
        self._posts: deque[Post] = deque()
        self._too_old, self._refused = LogThrottle(), LogThrottle()

    def start(self) -> None:
        """A receiver that is down is no reason not to start."""

    def emit(self, reports: Sequence[Report]) -> Deferred[None] | None:
        """Send their records; fails with `SinkDown` when they are to be given again."""
        if reports is not self._of:  # else it is another try: what was taken of them is taken
            wanted = [report for report in reports if self._wants(report)]
            self._of, self._posts = reports, deque(cut(wanted, self._batch))
        return Deferred.fromCoroutine(self._send()) if self._posts else None

    def reopen(self) -> None:
        """Nothing is kept open; a reload reads the files."""

    def read_files(self) -> Callable[[], None]:
        """See `IReadsFiles`. The next request is the first to use them."""
        found = self._files()

        def use() -> None:
            self._renewed = found

        return use

    def stop(self) -> Deferred[None]:
        """Close the connection."""
        return self._poster.close()

    def addresses(self) -> list[str]:
        return [self._config.origin]

    def _wants(self, report: Report) -> bool:
        app, state = about(report)
        return (not self._apps or app in self._apps) and (not self._states or state in self._states)

    async def _send(self) -> None:
        while self._posts:
            post = self._young(self._posts.popleft())
            if not post:
                continue
            self._posts.appendleft(post)
            answer = await self._post(post)
            self._posts.popleft()
            self._judge(post, answer)
        self._of = None

    def _files(self) -> tuple[Sequence[bytes], Any]:
        """The secrets and the authorities of the receiver."""
        files = TableFiles(f"sinks.{self._name}")
        secrets = files.parsed("secret_file", self._config.secret_file, secrets_in) or ()
        trust = files.trust(self._config.trust)
        files.check()
        return secrets, trust

    def _post_with(self, trust: Any) -> Poster:
        config, context = self._config, self._context
        endpoints = GuardedEndpoints(context.reactor, config.allow_private, trust, config.timeout)
        return Poster(config.url, endpoints, config.timeout, context.reactor, context.wall)

    async def _renew(self) -> None:
        """Use what was read last: between two requests, so that none is cut off."""
        if self._renewed is not None:
            (self._secrets, trust), self._renewed = self._renewed, None
            before, self._poster = self._poster, self._post_with(trust)
            await before.close()

    async def _post(self, post: Post) -> WebhookAnswer:
        await self._renew()
        body, now = ndjson(post, self._config.tokens), int(self._context.wall())
        headers = {
            "Content-Type": "application/x-ndjson",
            "User-Agent": f"pushgate/{__version__}",
            TIMESTAMP: str(now),
            SIGNATURE: sign(self._secrets, now, body),
        }
        try:
            return await self._poster.post(body, headers)
        except SinkDown as error:
            raise SinkDown(f"{self._config.origin}: {error}") from error

    def _judge(self, post: Post, answer: WebhookAnswer) -> None:
        """Nothing when it was taken or given up; raise `SinkDown` when it is to be sent again."""
        status, count = answer.status, count_of(post)
        if 200 <= status < 300:
            self._grow(count)
            return
        if status == TOO_LARGE and count > 1:
            self._batch, self._taken = max(1, count // 2), 0
            self._posts.extendleft(reversed(list(cut(post, self._batch))))
        elif 400 <= status < 500 and status not in LATER:
            self._give_up("refused", self._refused, count, f"it answered {status}")
        else:
            self._posts.appendleft(post)
            redirected = "; redirects are not followed" if 300 <= status < 400 else ""
            raise SinkDown(
                f"{self._config.origin} answered {status}{redirected}", retry_after=answer.retry_after
            )

    def _grow(self, count: int) -> None:
        """It was too large once: that need not be so for ever."""
        if count == self._batch < self._config.batch:
            self._taken += 1
        if self._taken == AGAIN:
            self._batch, self._taken = min(self._config.batch, self._batch * 2), 0

    def _young(self, post: Post) -> Post:
        """What of a request is not too old."""
        oldest = self._context.wall() - self._config.max_age
        young = [report for report in post if report.at >= oldest]
        if lost := count_of(post) - count_of(young):
            self._give_up("too-old", self._too_old, lost, "not taken within max_age")
        return young

    def _give_up(self, reason: str, trouble: LogThrottle, count: int, why: str) -> None:
        self._context.metrics.count("pushgate_sink_given_up_total", self._name, reason, times=count)
        if total := trouble.happened(self._context.reactor.seconds(), count):
            self.log.warn(
                "sink {sink}: {origin}: {why}; {count} records given up since the last such line",
                sink=self._name,
                origin=self._config.origin,
                why=why,
                count=total,
            )


def _sink(name: str, config: WebhookTable, _: IGateway, context: Context) -> WebhookSink:
    """Raise `CannotStart` when a file is not what it should be."""
    # Absolute, because twistd changes its directory when it becomes a daemon, and a reload reads them again.
    absolute = {key: path.absolute() for key, path in config.files().items()}
    return WebhookSink(name, config.model_copy(update=absolute), context)


plug_in = WebhookTable, _sink, diagnose
