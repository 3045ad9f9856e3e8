"""Who makes a request of the console's, and what it may do there."""

from collections.abc import Callable

from pushgate.inputs.common.session import Session
from pushgate.inputs.http.console import cookie
from pushgate.inputs.http.console.logins import Login, Logins
from pushgate.inputs.http.request import HTTPRequest
from pushgate.model.errors import Forbidden, NotLoggedIn
from pushgate.model.principals import Operation, Principals

TOKEN_HEADER = b"x-csrf-token"
"""The header of every change, with the login's token."""


class Visitor:
    """One who looks at the console, or changes something by it.

    :param exposed: returns True while the console is closed to those who have not logged in, whatever they
        may do elsewhere: other machines can connect, and there are no principals.
    :ivar session: what it may see and do.
    :ivar login: None: it is known by its connection alone, or nobody needs to log in here. Then it may read.
    """

    def __init__(
        self, session: Session, login: Login | None, exposed: Callable[[], bool] = lambda: False
    ) -> None:
        self.session, self.login, self._exposed = session, login, exposed

    @property
    def name(self) -> str:
        """The principal's name."""
        principal = self.session.principal
        assert principal is not None  # `identify` has asked
        return principal.name

    def is_admin(self, app: str | None = None) -> bool:
        """Return True if it may change things, of this app where one is given."""
        try:
            self.permit_change(app)
        except Forbidden:
            return False
        return True

    def permit_change(self, app: str | None = None) -> None:
        """Raise `Forbidden` unless it may change things, of this app where one is given."""
        if self.login is None:
            raise Forbidden("console: read only without a login; log in first")
        self.session.permit(Operation.ADMIN, app)

    def check_token(self, request: HTTPRequest) -> None:
        """Raise `Forbidden` unless a request that changes something comes from the console's own page."""
        if self.login is None or not self.login.vouches(request.header(TOKEN_HEADER)):
            raise Forbidden("X-CSRF-Token: not the one of this login; load the page again")

    def lasts(self, now: float) -> bool:
        """Return False once its login has ended, or the principal is none any more."""
        if self._exposed() if self.login is None else not self.login.lasts(now):
            return False
        try:
            self.session.permit_any(Operation.READ, Operation.ADMIN)
        except Forbidden:
            return False
        return True


def identify(request: HTTPRequest, logins: Logins, principals: Principals, local: bool) -> Visitor:
    """Who makes this request: by its cookie, or without one by its connection.

    :param local: only this machine can connect: without principals it may then read.
    :raises NotLoggedIn: the login has ended, or there is none and one is needed.
    :raises Forbidden: there is nothing at the console that it may see.
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
