"""The caller of a request at the console, and its permissions."""

from collections.abc import Callable

from pushgate.inputs.common.session import Session
from pushgate.inputs.http.console import cookie
from pushgate.inputs.http.console.logins import Login, Logins
from pushgate.inputs.http.request import HTTPRequest
from pushgate.model.errors import Forbidden, NotLoggedIn
from pushgate.model.principals import Operation, Principals

TOKEN_HEADER = b"x-csrf-token"
"""The header of changes with the login's CSRF token."""


class Visitor:
    """The caller of a request.

    :param exposed: returns True while other machines can connect and there are no principals; the console
        then refuses callers without a login.
    :ivar session: its principal and permissions.
    :ivar login: its login; None: a principal by certificate or the anonymous one, which may read only.
    """

    def __init__(
        self, session: Session, login: Login | None, exposed: Callable[[], bool] = lambda: False
    ) -> None:
        self.session, self.login, self._exposed = session, login, exposed

    @property
    def name(self) -> str:
        """The name of its principal."""
        principal = self.session.principal
        assert principal is not None  # checked by `identify`
        return principal.name

    def is_admin(self, app: str | None = None) -> bool:
        """Return True if it may make changes, to this app if one is given."""
        try:
            self.permit_change(app)
        except Forbidden:
            return False
        return True

    def permit_change(self, app: str | None = None) -> None:
        """Raise `Forbidden` unless it may make changes, to this app if one is given."""
        if self.login is None:
            raise Forbidden("console: read only without a login; log in first")
        self.session.permit(Operation.ADMIN, app)

    def check_token(self, request: HTTPRequest) -> None:
        """Raise `Forbidden` unless the request has the login's CSRF token."""
        if self.login is None or not self.login.vouches(request.header(TOKEN_HEADER)):
            raise Forbidden("X-CSRF-Token: not the one of this login; load the page again")

    def lasts(self, now: float) -> bool:
        """Return False once its login has ended, or its principal was removed or may not read any more."""
        if self._exposed() if self.login is None else not self.login.lasts(now):
            return False
        try:
            self.session.permit_any(Operation.READ, Operation.ADMIN)
        except Forbidden:
            return False
        return True


def identify(request: HTTPRequest, logins: Logins, principals: Principals, local: bool) -> Visitor:
    """Return the caller of a request, by its cookie or else by its connection.

    :param local: only this machine can connect, so that callers may read without principals.
    :raises NotLoggedIn: a login is needed, and there is none or it has ended.
    :raises Forbidden: the principal may not use the console.
    """

    def exposed() -> bool:
        return principals.open and not local

    number, login, session = cookie.read(request), None, request.session
    if number is not None:
        login = logins.find(number, request.now())
    if login is not None:
        session = request.new_session()
        session.resume(login.principal)
    elif session.principal is None or exposed():
        ended = "the login has ended" if number else "the caller is not logged in"
        raise NotLoggedIn(f"console: {ended}; log in first")
    session.permit_any(Operation.READ, Operation.ADMIN)
    return Visitor(session, login, exposed)
