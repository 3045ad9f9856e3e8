"""Who asks over HTTP: a bearer's secret, a name with its secret, or the connection's certificate."""

from base64 import b64decode
from binascii import Error as NotBase64

from twisted.internet.defer import Deferred

from pushgate.inputs.common.session import Session
from pushgate.inputs.http.request import BodyReader, HTTPRequest
from pushgate.model.errors import Invalid

_RULE = "Bearer SECRET, or Basic with NAME:SECRET in Base64"


class Ignored:
    """Reads a body that nobody wants."""

    def feed(self, data: bytes) -> None:
        """Forget the bytes."""

    def end(self) -> None:
        """The answer comes by itself."""

    def close(self) -> None:
        """Nothing was kept."""


def let_in(request: HTTPRequest) -> BodyReader | None:
    """Find out who makes a request; None when that is done, and the request has its visitor.

    Else the login failed: the answer comes in its time, and the body is not wanted.

    :raises Invalid: the header that says who it is cannot be understood.
    """
    said = request.header(b"authorization")
    if said is None:
        request.visitor = request.connection.visitor
        return None
    server = request.connection.server
    request.visitor = visitor = server.porter.visitor(request.connection.transport)
    trying = _try(visitor, said)
    done: list[None] = []
    trying.addCallback(done.append)
    if done:
        return None
    request.on_end = trying.cancel
    trying.addErrback(request.fail)
    return Ignored()


def _try(visitor: Session, said: str) -> Deferred[None]:
    scheme, _, credentials = said.partition(" ")
    credentials = credentials.strip()
    if credentials and scheme.lower() == "bearer":
        return visitor.bearer(credentials.encode())
    if scheme.lower() == "basic":
        try:
            name, colon, secret = b64decode(credentials, validate=True).partition(b":")
        except NotBase64:
            colon = b""
        if colon:
            return visitor.login(name.decode(errors="replace"), secret)
    raise Invalid("authorization", f"{len(said)} characters", _RULE)
