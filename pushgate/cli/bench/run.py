"""A measurement from its first batch to its last outcome."""

from array import array
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from twisted.internet.defer import Deferred, FirstError, gatherResults

from pushgate.cli import gateway_address
from pushgate.cli.bench.result import BenchResult
from pushgate.cli.bench.tally import OutcomeTally
from pushgate.cli.bench.tokens import BenchTokens
from pushgate.cli.settle_wait import NoProgress, SettleWait
from pushgate.client import Client, Forbidden, PushgateError, Record, Refusal, UnknownApp, Unreachable
from pushgate.client.receipt import PushReceipt


class BenchPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What to push.

    :param payload: JSON.
    :param batch: notifications of one batch, no more than one command carries.
    :param in_flight: batches under way.
    :param wait: seconds without an answer or an outcome after which the measurement ends.
    """

    app: str
    payload: str
    batch: int
    in_flight: int
    wait: float


class BenchRun:
    """Pushes, watches, and takes the times.

    :param show: see `SettleWait`.
    """

    def __init__(
        self, plan: BenchPlan, tokens: BenchTokens, show: Callable[[int, int], None], reactor: Any
    ) -> None:
        self._plan, self._clock = plan, reactor
        self._batches = tokens.batches(plan.batch)
        self._tally = OutcomeTally(tokens)
        self._settling = SettleWait(tokens.count, show, reactor, plan.wait)
        self._answers = array("d")
        self._errors: dict[str, tuple[str, int]] = {}
        self._refused = 0
        self._began = self._pushed_at = self._settled_at = 0.0

    async def run(self, gateway: Client) -> BenchResult:
        """Push everything and wait for the outcomes, as long as any come.

        :raises PushgateError: nothing at all can be sent to this app, or there is no gateway any more.
        """
        await gateway.watch(self._record, app=self._plan.app, connection=gateway_address.say_connection)
        self._began = self._pushed_at = self._settled_at = self._clock.seconds()
        self._settling.start()
        pushing = Deferred.fromCoroutine(self._push_all(gateway))
        pushing.addErrback(self._settling.fail)
        try:
            await self._settling.done
            await pushing  # the last answer may come after the outcomes
        except NoProgress:
            pass  # then outcomes are missing
        finally:
            pushing.cancel()
            self._settling.stop()
        return self._result()

    async def _push_all(self, gateway: Client) -> None:
        pushers = [
            Deferred.fromCoroutine(self._push_batches(gateway, self._batches))
            for _ in range(self._plan.in_flight)
        ]
        try:
            await gatherResults(pushers, consumeErrors=True)
        except FirstError as error:
            error.subFailure.raiseException()
        finally:
            for each in pushers:
                each.cancel()

    async def _push_batches(self, gateway: Client, batches: Iterator[tuple[bytes, ...]]) -> None:
        """Push the batches that no other one of these has taken, one after the other."""
        for batch in batches:
            began = self._clock.seconds()
            try:
                receipt = await gateway.push_batch(self._plan.app, batch, self._plan.payload)
            except (Forbidden, UnknownApp, Unreachable):
                raise  # the other batches will fare no better
            except PushgateError as error:
                self._failed(error, len(batch))
            else:
                self._answered(receipt, self._clock.seconds() - began)

    def _answered(self, receipt: PushReceipt, seconds: float) -> None:
        self._answers.append(seconds)
        self._pushed_at = self._clock.seconds()
        self._settling.pushed += receipt.accepted
        for refused in receipt.refused:
            self._failed(refused.error, 1)

    def _failed(self, error: PushgateError, count: int) -> None:
        """So many notifications of a batch were not accepted, or it is not known whether they were."""
        code = error.code if isinstance(error, Refusal) else type(error).__name__
        text, before = self._errors.get(code, (str(error), 0))
        self._errors[code] = text, before + count
        if isinstance(error, Refusal):
            self._refused += count
            self._settling.total -= count

    def _record(self, record: Record) -> None:
        if self._tally.record(record):
            self._settling.settled = self._tally.settled
            self._settled_at = self._clock.seconds()

    def _result(self) -> BenchResult:
        return BenchResult(
            count=self._tally.total,
            accepted=self._settling.pushed,
            refused=self._refused,
            settled=self._tally.settled,
            pushing=self._pushed_at - self._began,
            settling=self._settled_at - self._began,
            answers=sorted(self._answers),
            outcomes=tuple(sorted((+self._tally.kinds).items(), key=str)),
            errors=tuple((code, text, count) for code, (text, count) in sorted(self._errors.items())),
        )
