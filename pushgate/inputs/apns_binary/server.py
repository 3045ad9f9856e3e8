"""What the connections of the listener share, on either of its ports."""

from collections.abc import Callable, Sequence
from functools import partial

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.protocol import Protocol

from pushgate.inputs.apns_binary.authentication import ProviderAuthentication
from pushgate.inputs.apns_binary.frame_runs import FrameRun
from pushgate.inputs.apns_binary.push_connection import NotificationConnection
from pushgate.inputs.apns_binary.settings import ApnsTable
from pushgate.inputs.common.batching import Batcher
from pushgate.inputs.common.connections import Connections
from pushgate.model.errors import Invalid, PushgateError, TooLarge
from pushgate.plugin.interfaces import Context, IGateway, Receipt
from pushgate.protocols.apns_binary.status import ErrorStatus

Refused = dict[int, tuple[int, PushgateError]]
"""The runs that were not accepted, by number: the place of the first frame that was not, and why."""


class ApnsConnections(Connections):
    """The part both ports have."""

    def __init__(
        self,
        name: str,
        config: ApnsTable,
        gateway: IGateway,
        context: Context,
        entrance: ProviderAuthentication,
    ) -> None:
        super().__init__(name, config.max_connections, gateway, context)
        self.config, self.entrance = config, entrance


class NotificationServer(ApnsConnections):
    """Makes the connections for notifications.

    :param leave: called once the gateway shuts down: nobody else is to come.
    """

    def __init__(
        self,
        name: str,
        config: ApnsTable,
        gateway: IGateway,
        context: Context,
        entrance: ProviderAuthentication,
        leave: Callable[[], None],
    ) -> None:
        super().__init__(name, config, gateway, context, entrance)
        self._leave = leave
        self._gatherer = Batcher(lambda submission: gateway.submit(submission, name), self.clock)

    def connect(self) -> Protocol:
        return NotificationConnection(self)

    def submit(self, app: str, runs: Sequence[FrameRun], numbers: Sequence[int]) -> Deferred[Refused]:
        """Submit some of these runs, in their order; fires when all are accepted or refused, never fails."""
        refused: Refused = {}
        alone = len(runs) == len(runs[0].frames) == 1
        answers = []
        for number in numbers:
            answer: Deferred[None] = Deferred()
            answers.append(answer)
            told = partial(_note, refused, number, answer)
            if alone:  # single frames of several clients may go together; of one client they keep their order
                [frame] = runs[number].frames
                self._gatherer.push(app, frame.token, frame.payload, runs[number].terms, told)
            else:
                self._gatherer.submit(runs[number].submission(app), told)
        return gatherResults(answers).addCallback(lambda _: refused)

    def shut(self) -> None:
        """The gateway shuts down: take no further connections, and tell those that are there."""
        if not self.stopping:
            self.stopping = True
            self._leave()
            for connection in list(self.connections):
                connection.close("the gateway is shutting down")

    def count_fault(self, app: str, status: ErrorStatus) -> None:
        """Count what was refused before the gateway saw it."""
        kind = TooLarge if status is ErrorStatus.INVALID_PAYLOAD_SIZE else Invalid
        self.metrics.count("pushgate_refused_total", app, self.name, kind.code)


def _note(
    refused: Refused, number: int, answer: Deferred[None], result: int | Receipt | PushgateError
) -> None:
    error = None if isinstance(result, int) else _first(result)
    if error is not None:
        refused[number] = error
    answer.callback(None)


def _first(told: Receipt | PushgateError) -> tuple[int, PushgateError] | None:
    """The first frame that was refused; one of several only is when a reload made the app stricter."""
    if isinstance(told, PushgateError):
        return 0, told
    return next(iter(told.refused), None)
