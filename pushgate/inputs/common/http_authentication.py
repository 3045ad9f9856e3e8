"""Authentication of requests: a bearer's secret, a name with its secret, or the connection's certificate."""

from base64 import b64decode
from binascii import Error as NotBase64

from twisted.internet.defer import Deferred

from pushgate.inputs.common.session import Session
from pushgate.inputs.common.session_request import SessionRequest
from pushgate.model.errors import Invalid
from pushgate.net.http.body_readers import IgnoredBody
from pushgate.net.http.interfaces import BodyReader

_RULE = "Bearer SECRET, or Basic with NAME:SECRET in Base64"


def authenticate(request: SessionRequest) -> BodyReader | None:
    """Give a request its session and return None; return the reader of an unwanted body if the login failed.

    The answer to a failed login comes after its delay.

    :raises Invalid: the header cannot be understood.
    """
    credentials = request.header(b"authorization")
    if credentials is None:
        return None
    trying = _try(request.new_session(), credentials)
    done: list[None] = []
    trying.addCallback(done.append)
    if done:
        return None
    request.on_end = trying.cancel
    trying.addErrback(request.fail)
    return IgnoredBody()


def _try(session: Session, header: str) -> Deferred[None]:
    scheme, _, credentials = header.partition(" ")
    credentials = credentials.strip()
    if credentials and scheme.lower() == "bearer":
        return session.bearer(credentials.encode())
    if scheme.lower() == "basic":
        try:
            name, colon, secret = b64decode(credentials, validate=True).partition(b":")
        except NotBase64:
            colon = b""
        if colon:
            return session.login(name.decode(errors="replace"), secret)
    raise Invalid("authorization", f"{len(header)} characters", _RULE)
