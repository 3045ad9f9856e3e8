"""Evaluation of a fault script: the rule that fires for a connection, a notification, a feedback read.

Pure: chance comes from a callable, and there is no clock; the caller does what the rule says.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase, translate
from typing import Any, TypeVar

from pushgate.simulator.fault_rules import (
    Accept,
    Close,
    ConnectionRule,
    CutFeedback,
    FrameRule,
    HalfClose,
    Refuse,
    Reject,
    Reset,
    Rule,
    Shutdown,
    Stall,
    TlsAlert,
)
from pushgate.simulator.request_rules import REQUEST_RULES, RequestRule
from pushgate.simulator.rule_conditions import Match

_M = TypeVar("_M", bound=Match)


class FaultScript:
    """Rules in order; the first that matches fires.

    :param chance: a number from 0 to 1, new at each call; asked only when all else of a rule matches.
    :param connections: how many there were before; rules count from there.
    :param readings: how many connections to the feedback service there were before.
    :param callers: how many connections over HTTP/2 there were before.
    :param clients: how many connections to the other services there were before.
    :ivar fired: how often each rule fired, in their order.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        chance: Callable[[], float],
        connections: int = 0,
        readings: int = 0,
        callers: int = 0,
        clients: int = 0,
    ) -> None:
        self.rules = tuple(rules)
        self._chance, self._connections_before, self._readings_before = chance, connections, readings
        self._callers_before, self._clients_before = callers, clients
        self.fired = [0] * len(rules)
        self._frames = _of(rules, (Reject, Shutdown, Close, Reset, HalfClose, Stall, Accept))
        about_requests = _of(rules, REQUEST_RULES)
        self._requests = [each for each in about_requests if each[-1].service == "http2"]
        self._calls = [each for each in about_requests if each[-1].service != "http2"]
        self._called: Counter[tuple[str, str]] = Counter()
        about = _of(rules, (TlsAlert, Refuse))
        self._connections = [each for each in about if each[-1].service == "push"]
        self._callers = [each for each in about if each[-1].service == "http2"]
        self._clients = [each for each in about if each[-1].service == "services"]
        self._feedback = _of(rules, (CutFeedback,))

    @property
    def about_frames(self) -> bool:
        """Whether `for_frame` can ever return a rule."""
        return bool(self._frames)

    @property
    def about_requests(self) -> bool:
        """Whether `for_request` can ever return a rule."""
        return bool(self._requests)

    def for_connection(self, connection: int) -> ConnectionRule | None:
        """The rule for the nth connection, asked before anything else happens on it."""
        return self._first(self._connections, connection - self._connections_before)

    def for_caller(self, connection: int) -> ConnectionRule | None:
        """The rule for the nth connection over HTTP/2, asked before anything else happens on it."""
        return self._first(self._callers, connection - self._callers_before)

    def for_request(self, connection: int, request: int, token: bytes) -> RequestRule | None:
        """The rule for the nth request of a connection; request 0 is asked for once the connection is up."""
        return self._first(self._requests, connection - self._callers_before, request, token)

    def for_client(self, connection: int) -> ConnectionRule | None:
        """The rule for the nth connection to the other services, asked before anything else happens on it."""
        return self._first(self._clients, connection - self._clients_before)

    def for_start(self, connection: int) -> RequestRule | None:
        """The rule for the nth connection to the other services, once it is up."""
        return self._first(self._calls, connection - self._clients_before, 0)

    def for_call(
        self, connection: int, service: str, call: str, handles: Sequence[str]
    ) -> RequestRule | None:
        """The rule for the next request to one of the other services.

        :param connection: the nth to the services that it came on.
        :param call: what is asked; see `RequestMatch`.
        :param handles: what it is about.
        """
        self._called[service, call] += 1
        fitting = [each for each in self._calls if _fits(each[-1], service, call, handles)]
        return self._first(fitting, connection - self._clients_before, self._called[service, call])

    def for_feedback(self, connection: int) -> CutFeedback | None:
        """The rule for the nth connection to the feedback service."""
        return self._first(self._feedback, connection - self._readings_before)

    def for_frame(self, connection: int, frame: int, token: bytes) -> FrameRule | None:
        """The rule for the nth frame of a connection; frame 0 is asked for once the connection is up."""
        return self._first(self._frames, connection - self._connections_before, frame, token)

    def _first(
        self, conditions: "list[_Conditions[_M]]", connection: int, frame: int = 1, token: bytes = b""
    ) -> _M | None:
        for index, wanted_frame, every, wanted_connection, prefix, rule in conditions:
            if frame != wanted_frame and (wanted_frame is not None or frame == 0):
                continue
            if every is not None and frame % every:
                continue
            if prefix is not None and not token.startswith(prefix):
                continue
            if wanted_connection is not None and wanted_connection != connection:
                continue
            if rule.times and self.fired[index] >= rule.times:
                continue
            if rule.probability is not None and self._chance() >= rule.probability:
                continue
            self.fired[index] += 1
            return rule
        return None


_Conditions = tuple[int, int | None, int | None, int | None, bytes | None, _M]
"""The conditions of a rule, extracted once: index, frame or request, every, connection, token; the rule."""


def _of(rules: Sequence[Rule], kinds: tuple[type[Any], ...]) -> list[_Conditions[Any]]:
    return [
        (
            index,
            getattr(rule, "frame", getattr(rule, "request", None)),
            getattr(rule, "every", None),
            rule.connection,
            getattr(rule, "token", None),
            rule,
        )
        for index, rule in enumerate(rules)
        if isinstance(rule, kinds)
    ]


def _fits(rule: Any, service: str, call: str, handles: Sequence[str]) -> bool:
    """Whether a rule about requests is about such a request."""
    if rule.service not in {service, "services"} or rule.call != call:
        return False
    return rule.handle is None or any(fnmatchcase(handle, rule.handle) for handle in handles)


class DeadHandles:
    """Patterns of handles that the other services answer as dead."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._found = re.compile("|".join(map(translate, patterns)) or "(?!)").match

    def __call__(self, handle: str) -> bool:
        """Whether a handle is dead."""
        return self._found(handle) is not None


class ScriptedDeadTokens:
    """Prefixes of tokens that are answered with status 8. Costs a look-up per length of prefix."""

    def __init__(self, prefixes: Iterable[bytes]) -> None:
        self._prefixes = frozenset(prefixes)
        self._lengths = tuple(sorted({len(prefix) for prefix in self._prefixes}))

    def __bool__(self) -> bool:
        return bool(self._prefixes)

    def __contains__(self, token: bytes) -> bool:
        return any(token[:length] in self._prefixes for length in self._lengths)
