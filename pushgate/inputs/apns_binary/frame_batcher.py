"""Submitting runs of frames, and finding the first frame that was refused."""

from collections.abc import Sequence
from functools import partial

from twisted.internet.defer import Deferred, gatherResults

from pushgate.inputs.apns_binary.frame_runs import FrameRun
from pushgate.inputs.common.batching import Batcher
from pushgate.model.errors import PushgateError
from pushgate.plugin.gateway_interface import Receipt

Refused = dict[int, tuple[int, PushgateError]]
"""The runs that were not accepted, by number: the place of the first frame that was not, and why."""


class FrameBatcher(Batcher):
    """Submits runs of frames."""

    def submit_runs(self, app: str, runs: Sequence[FrameRun], numbers: Sequence[int]) -> Deferred[Refused]:
        """Submit some of these runs, in their order; fires when all are accepted or refused, never fails."""
        refused: Refused = {}
        alone = len(runs) == len(runs[0].frames) == 1
        answers = []
        for number in numbers:
            answer: Deferred[None] = Deferred()
            answers.append(answer)
            done = partial(_note, refused, number, answer)
            if alone:  # single frames of several clients may go together; of one client they keep their order
                [frame] = runs[number].frames
                self.push(app, frame.token, frame.payload, runs[number].terms, done)
            else:
                self.submit(runs[number].submission(app), done)
        return gatherResults(answers).addCallback(lambda _: refused)


def _note(
    refused: Refused, number: int, answer: Deferred[None], result: int | Receipt | PushgateError
) -> None:
    error = None if isinstance(result, int) else _first(result)
    if error is not None:
        refused[number] = error
    answer.callback(None)


def _first(result: Receipt | PushgateError) -> tuple[int, PushgateError] | None:
    """The first frame that was refused; one of several only is when a reload made the app stricter."""
    if isinstance(result, PushgateError):
        return 0, result
    return next(iter(result.refused), None)
