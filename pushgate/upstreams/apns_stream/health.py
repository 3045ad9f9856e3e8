"""Whether the push service is of use to one app; said to its queue, the log and the metrics."""

from typing import Final

from twisted.logger import Logger

from pushgate.apns.ending import End, Ending
from pushgate.apns.status import OF_THE_CERTIFICATE
from pushgate.breaker import Cause, Circuit
from pushgate.interfaces import Context, IWork

_UNPROVEN: Final = {
    End.SHUTDOWN: Cause.SHUTDOWN,
    End.ANSWERED: Cause.SERVICE_ERROR,
    End.UNTOLD: Cause.CLOSED_AT_ONCE,
    End.IDLE: Cause.CLOSED_AT_ONCE,
}
"""What the end of a connection that was of no use means."""
_WORDS: Final = {
    Cause.CERTIFICATE_EXPIRED: "the push service says that our certificate has expired",
    Cause.CERTIFICATE_REJECTED: "the push service does not accept our certificate",
    Cause.WRONG_ENVIRONMENT: "the certificate seems to be of the other environment, or of another app",
    Cause.WRONG_TOPIC: "the push service finds no valid topic in our certificate",
    Cause.SHUTDOWN: "the push service is shutting down",
    Cause.SERVICE_ERROR: "the push service answered with an error of its own",
    Cause.CLOSED_AT_ONCE: "the push service closed a new connection without a word",
}


class Health:
    """Draws the conclusions about the service from what its connections come to.

    :ivar circuit: for looking at; only this class changes it.
    """

    log = Logger()

    def __init__(self, app: str, work: IWork, context: Context) -> None:
        self._app, self._work, self._context = app, work, context
        self.circuit = Circuit(context.jitter)

    def judge(self, ending: Ending, cause: Cause | None, lived: bool) -> float:
        """Was a connection that ended without our doing of use? Return the seconds to wait before the next.

        :param cause: what TLS or the rejections said of it, if anything.
        :param lived: it was up for the response timeout.
        """
        if ending.status in OF_THE_CERTIFICATE:
            cause = Cause.WRONG_TOPIC
        told = ending.before or (ending.verdicts and ending.status is not None)
        if cause is None and not told and not lived:
            cause = _UNPROVEN[ending.end]
        if cause is not None:
            return self.failed(cause, _WORDS.get(cause, "the connection was lost"))
        if told:
            self.proven()
        self._count(ending.end.name.lower())
        return 0.0

    def proven(self) -> None:
        """The service was of use."""
        if self.circuit.failures:
            self.log.info("{app}: the push service can be used again", app=self._app)
        self.circuit.proven()
        self._work.reachable(True)

    def failed(self, cause: Cause, text: str) -> float:
        """The service was of no use; return the seconds to wait before the next attempt."""
        was_open = self.circuit.is_open
        wait = self.circuit.failed(cause, self._context.reactor.seconds())
        self._count(cause)
        self._work.reachable(False)
        tell = self.log.critical if self.circuit.is_open and not was_open else self.log.warn
        tell(
            "{app}: {cause}: {text}; next attempt in {wait:.1f} s (failure {failures})",
            app=self._app, cause=cause.value, text=text, wait=wait, failures=self.circuit.failures,
        )  # fmt: skip
        return wait

    def _count(self, cause: str) -> None:
        self._context.tally.count("pushgate_reconnects_total", self._app, cause)
