"""One app's dead tokens: in memory to be looked up, in the spool to outlive the process."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from msgspec.structs import replace
from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from pushgate.gateway.dead_tokens.environment_guard import Doubt, EnvironmentGuard
from pushgate.gateway.dead_tokens.index import DeadTokenIndex
from pushgate.gateway.spool.interface import ISpool
from pushgate.model.dead_token import DOUBTFUL, DeadReason, DeadTokenEntry
from pushgate.model.errors import TooLarge
from pushgate.model.outcome import State, Verdict

PAGE: Final = 5000
"""Entries read from the spool at once."""
_PROOFS: Final = frozenset({State.ACCEPTED, State.REPLACED})
"""What the push service said of a token only if the environment is right."""


class DeadTokenStore:
    """What is entered because of a refusal counts at once, anything else once it is safe.

    No death is later than now: a date in the future would outlive every registration until then.

    :param wall: Unix seconds.
    :ivar tokens: for looking at; only this class changes it.
    """

    log = Logger()

    def __init__(self, app: str, spool: ISpool, wall: Callable[[], float]) -> None:
        self._app, self._spool, self._wall = app, spool, wall
        self.tokens = DeadTokenIndex()
        self._guard = EnvironmentGuard()
        self._under_way = 0
        self._idle: Deferred[None] | None = None

    async def recover(self) -> None:
        """Enter what the spool kept."""
        after = b""
        while deaths := await self._spool.dead(self._app, after, PAGE):
            self._enter(self._redated(deaths))
            for death in deaths:
                if death.doubted:
                    self._guard.resume(Doubt(death, None))
            after = deaths[-1].token

    def rejected(self, token: bytes, reason: DeadReason, first: bool, since: int | None = None) -> bool:
        """Enter a token that was refused; return True when the environment is suspect instead.

        Then this one, and those before it in the row, are taken back.

        :param first: nothing was accepted before it on the same connection.
        :param since: Unix seconds of the death; None: now.
        """
        if not first:
            self._accepted()
        doubted = reason in DOUBTFUL and not self._guard.trusts
        now = int(self._wall())
        death = DeadTokenEntry(token, now if since is None else min(since, now), reason, doubted)
        before = self.tokens.get(token)
        self._enter([death])
        self._spool.bury(self._app, [death])
        suspect = self._guard.rejected(Doubt(death, before)) if reason in DOUBTFUL else []
        self._take_back(suspect)
        return bool(suspect)

    def find(self, token: bytes) -> DeadTokenEntry | None:
        """The entry of a token, with the doubt that there is of it now."""
        death = self.tokens.get(token)
        return replace(death, doubted=True) if death is not None and self._guard.doubts(token) else death

    def distrust(self) -> None:
        """Other credentials are used from now on: they may be of the wrong environment."""
        self._guard.distrust()

    def learn(self, verdicts: Sequence[Verdict]) -> None:
        """Learn from verdicts whether the environment is right."""
        for verdict in verdicts:
            if verdict.state in _PROOFS:
                self._accepted()
            elif verdict.state is State.PRESUMED:
                self._guard.presumed()
            elif verdict.state is State.REJECTED and verdict.span.recalled:
                self._guard.belied()

    def bury(self, deaths: Sequence[DeadTokenEntry]) -> Deferred[int]:
        """Keep deaths, and enter them once they are safe; fires then, with how many tokens were not known.

        :raises TooLarge: there is no room for so many.
        """
        news = len({death.token for death in deaths if death.token not in self.tokens})
        total = len(self.tokens) + news
        if total > self.tokens.limit:
            raise TooLarge("the app's dead tokens", total, self.tokens.limit, "tokens")
        return self.died(deaths).addCallback(lambda _: news)

    def died(self, deaths: Sequence[DeadTokenEntry]) -> Deferred[None]:
        """Keep deaths, and enter them once they are safe; fires then. Makes room for them if need be."""
        dated = self.dated(deaths)
        kept = self._spool.bury(self._app, dated)
        return self._tracked(kept).addCallback(lambda _: self._enter(dated))

    def dated(self, deaths: Sequence[DeadTokenEntry]) -> Sequence[DeadTokenEntry]:
        """The same, those that are dated in the future since now."""
        now = int(self._wall())
        return [death if death.since <= now else replace(death, since=now) for death in deaths]

    def forget(self, tokens: Iterable[bytes]) -> Deferred[int]:
        """Remove entries; fires once that is safe, with how many there were."""
        tokens = list(tokens)
        count = sum(map(self.tokens.forget, tokens))
        # What is not in memory goes too: it may be on its way.
        return self._tracked(self._spool.unbury(self._app, tokens)).addCallback(lambda _: count)

    def idle(self) -> Deferred[None]:
        """Fires when nothing waits for the spool."""
        if not self._under_way:
            return succeed(None)
        self._idle = Deferred()
        return self._idle

    def _redated(self, deaths: Sequence[DeadTokenEntry]) -> Sequence[DeadTokenEntry]:
        """What the spool kept as `dated` has it: an earlier version kept any date, and the latest stands."""
        dated = self.dated(deaths)
        changed = [death for death, before in zip(dated, deaths, strict=True) if death is not before]
        if changed:
            self.log.warn(
                "{app}: {count} dead tokens were dated in the future and are dead since now",
                app=self._app,
                count=len(changed),
            )
            self._spool.unbury(self._app, [death.token for death in changed])
            self._spool.bury(self._app, changed)
        return dated

    def _accepted(self) -> None:
        if self._guard.accepted():
            self._spool.confirm(self._app)

    def _enter(self, deaths: Iterable[DeadTokenEntry]) -> None:
        forgotten = [token for death in deaths for token in self.tokens.add(death)]
        if forgotten:
            self._spool.unbury(self._app, forgotten)

    def _take_back(self, suspect: Sequence[Doubt]) -> None:
        """Restore what was known before; a token reported from elsewhere meanwhile stays dead."""
        taken: set[bytes] = set()
        for token, death, before in ((each.death.token, each.death, each.before) for each in suspect):
            if self.tokens.get(token) == replace(death, doubted=False):
                taken.add(token)
                self.tokens.forget(token)
                if before is not None:
                    self.tokens.add(before)
        if taken:
            self._spool.unbury(self._app, list(taken))
        restored = [death for death in map(self.tokens.get, taken) if death is not None]
        if restored:
            self._spool.bury(self._app, restored)

    def _tracked(self, keeping: Deferred[None]) -> Deferred[None]:
        self._under_way += 1
        return keeping.addCallback(self._safe)

    def _safe(self, _: None) -> None:
        self._under_way -= 1
        if not self._under_way and self._idle is not None:
            idle, self._idle = self._idle, None
            idle.callback(None)
