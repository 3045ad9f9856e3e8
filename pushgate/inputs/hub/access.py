"""Who may do what: requests are signed with the keys of a hub's rules."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from twisted.internet.defer import Deferred

from pushgate.inputs.common.login_throttle import LoginThrottle
from pushgate.inputs.hub.errors import Unauthorized
from pushgate.inputs.hub.request import HubRequest
from pushgate.model.errors import NotLoggedIn
from pushgate.model.hub.access import AccessRule, Right
from pushgate.protocols.notification_hubs.sas import RULE, Signature, parse

_MISSING: Final = f"authorization: missing; {RULE}"
_UNKNOWN: Final = "authorization: skn: no rule of this name at this hub"
_FORGED: Final = "authorization: sig: not made by a key of this rule; check the key and what was signed"
_EXPIRED: Final = "authorization: se: expired; sign anew, and check the clock"
_ELSEWHERE: Final = "authorization: sr: for another address; sign this one, or one above it"


class Access:
    """Checks the signatures of requests at one input.

    One whose key or rule is wrong may be a guess: it is counted, logged and answered late, the later the more
    of them come from one address. All others are answered at once.

    :param public_url: what signatures may be about beside the host that the request names.
    :param wall: returns Unix seconds.
    """

    def __init__(self, logins: LoginThrottle, public_url: str | None, wall: Callable[[], float]) -> None:
        self._logins, self._wall = logins, wall
        self._host = urlsplit(public_url).netloc if public_url else ""

    def permit(self, request: HubRequest, path: str, right: Right) -> bool:
        """Check a request; False when it is answered late that it is not permitted.

        :param path: as the request spells it.
        :raises Unauthorized: it is not permitted.
        :raises Invalid: its signature cannot be understood.
        """
        header = request.header(b"authorization")
        if header is None:
            raise Unauthorized(_MISSING)
        signature, rules = parse(header), request.hub.rules()
        fault = _guessed(signature, rules)
        if fault:
            self._fail_later(request, fault)
            return False
        if self._wall() >= signature.expires_at:
            raise Unauthorized(_EXPIRED)
        if not signature.covers((request.host, self._host) if self._host else (request.host,), path):
            raise Unauthorized(_ELSEWHERE)
        if not rules[signature.rule].permits(right):
            raise Unauthorized(f"authorization: skn: the rule does not permit this; it needs {right}")
        return True

    def stop(self) -> None:
        """Answer at once what waits for its answer."""
        self._logins.stop()

    def _fail_later(self, request: HubRequest, text: str) -> None:
        waiting: Deferred[Any] = self._logins.rejected("a rule of a hub", request.transport.getPeer())
        request.on_end = waiting.cancel

        def explain(failure: Any) -> None:
            failure.trap(NotLoggedIn)
            error = Unauthorized(text)
            error.closes = failure.value.closes
            raise error

        waiting.addErrback(explain).addErrback(request.fail)


def _guessed(signature: Signature, rules: Mapping[str, AccessRule]) -> str:
    """What is wrong with a signature that no key of a rule made; "" for a good one."""
    rule = rules.get(signature.rule)
    if rule is None:
        return _UNKNOWN
    return "" if signature.is_by(rule.keys) else _FORGED
