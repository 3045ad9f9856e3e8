"""One submission: of many messages of one notification each, or of a part of one message."""

from collections.abc import Callable, Sequence

from pushgate.inputs.amqp.message import Message
from pushgate.inputs.amqp.message_body import MessagePart
from pushgate.model.errors import Overloaded, PushgateError, Refusal, ShuttingDown
from pushgate.model.outcome import Outcome, State
from pushgate.plugin.gateway_interface import Receipt

LATER = (Overloaded, ShuttingDown)
"""Refusals of valid notifications: another gateway may take them, or this one later."""


class MessageSubmission:
    """Follows a submission, and updates the messages that it is made of.

    :param messages: one for each member, or the one that all members are of.
    :param finished: called with each message of which nothing is left.
    """

    def __init__(
        self, part: MessagePart, messages: Sequence[Message], finished: Callable[[Message], None]
    ) -> None:
        self.part, self.messages = part, messages
        self._finished = finished
        self._whole = messages[0] if len(messages) < len(part) or messages[0].total > 1 else None
        self.left = len(part)
        self.withdrawing = False
        self.number: int | None = None

    def accepted(self, receipt: Receipt) -> None:
        """Note that the gateway has taken it, except for the refused members."""
        self.number = receipt.id
        for index, refusal in receipt.refused:
            fault = self.part.faults.get(index) or refusal
            if self._whole is None:
                self.messages[index].refuse(fault)
            else:
                self._whole.refuse(fault, self.part.first + index)
        self._done([(index, index + 1) for index, _ in receipt.refused])

    def refused(self, error: PushgateError) -> None:
        """Note that the gateway has taken nothing."""
        everything = [(0, len(self.part))]
        if isinstance(error, LATER):
            self._return(everything)
        for message in self.messages:
            if not isinstance(error, Refusal):
                message.failed = True
            elif not isinstance(error, LATER):
                message.refuse(error)
        if self._whole is not None and isinstance(error, Refusal) and not isinstance(error, LATER):
            first = self.part.first
            self._whole.refused += [
                (first + index, error.code, str(error)) for index in range(len(self.part))
            ]
        self._done(everything)

    def settled(self, outcomes: Sequence[Outcome], withdrawn: bool) -> None:
        """Note outcomes of some members.

        :param withdrawn: what is cancelled was withdrawn by this input.
        """
        if withdrawn:
            self._return([(o.span.start, o.span.stop) for o in outcomes if o.state is State.CANCELLED])
        self._done([(outcome.span.start, outcome.span.stop) for outcome in outcomes])

    def _return(self, runs: Sequence[tuple[int, int]]) -> None:
        members = [index for start, stop in runs for index in range(start, stop)]
        if self._whole is not None:
            if members:
                self._whole.returned.append((self.part, members))
            return
        for index in members:
            self.messages[index].returned.append((self.part, [index]))

    def _done(self, runs: Sequence[tuple[int, int]]) -> None:
        for start, stop in runs:
            self.left -= stop - start
            if self._whole is not None:
                self._count(self._whole, stop - start)
                continue
            for index in range(start, stop):
                self._count(self.messages[index], 1)

    def _count(self, message: Message, members: int) -> None:
        message.left -= members
        if not message.left:
            self._finished(message)
