"""The APNs input's configuration."""

from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator
from twisted.internet.ssl import TLSVersion

from pushgate.plugin.settings import AppName, Duration, ListeningTable, ServerEndpoint

TlsVersion = Literal["1.0", "1.1", "1.2", "1.3"]
TLS_VERSIONS: Final = {
    "1.0": TLSVersion.TLSv1_0,
    "1.1": TLSVersion.TLSv1_1,
    "1.2": TLSVersion.TLSv1_2,
    "1.3": TLSVersion.TLSv1_3,
}


class ApnsTable(ListeningTable):
    """The APNs input's configuration.

    :param listen: the endpoint for notifications.
    :param feedback: offer the feedback service.
    :param feedback_listen: the endpoint for feedback.
    :param app: the app of all notifications, unless `certificates` names another.
    :param certificates: the app by the common name or the user id of a client's certificate.
    :param tls_minimum: the oldest version of TLS that is spoken.
    :param tls_maximum: the newest. After a handshake of 1.3 the server sends something more. A program that
        never reads has not taken that when it closes, and its system then resets the connection and forgets
        what was on the way: the last notifications.
    :param max_connections: more than so many at a time are closed at once, on each of the two ports.
    :param request_timeout: how long a frame may take from its first byte to its last.
    :param buffer: bytes of one connection that may wait until those before them are safe.
    """

    listen: ServerEndpoint = "tcp:2195:interface=127.0.0.1"
    feedback: bool = True
    feedback_listen: ServerEndpoint = "tcp:2196:interface=127.0.0.1"
    app: AppName | None = None
    certificates: dict[str, AppName] = {}
    tls_minimum: TlsVersion = "1.2"
    tls_maximum: TlsVersion = "1.2"
    max_connections: int = Field(default=1000, ge=1)
    request_timeout: Duration = Field(default=60.0, gt=0)
    buffer: Annotated[int, Field(ge=4096)] = 1 << 18

    @property
    def certified(self) -> bool:
        return bool(self.certificates) and self.app is None

    def endpoints(self) -> dict[str, str]:
        feedback = {"feedback_listen": self.feedback_listen} if self.feedback else {}
        return {"listen": self.listen, **feedback}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.certificates and (self.certificate is None or self.client_authorities is None):
            raise ValueError(
                "certificates need certificate and client_authorities beside them, or anybody could make one"
            )
        if not self.certificates and self.app is None:
            raise ValueError("one of app and certificates is required")
        if self.tls_minimum > self.tls_maximum:
            raise ValueError("tls_minimum must not be above tls_maximum")
        return self
