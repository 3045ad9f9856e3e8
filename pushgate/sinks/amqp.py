"""Outcome records to a RabbitMQ exchange."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final, Literal

from pika import BasicProperties
from pydantic import Field
from twisted.internet.defer import Deferred
from zope.interface import implementer

from pushgate.model.finding import Finding
from pushgate.model.outcome import DeadToken, Report, State
from pushgate.model.outcome_record import lines
from pushgate.model.printable import printable
from pushgate.net.amqp.channel import Channel
from pushgate.net.amqp.diagnosis import Thing, check_broker
from pushgate.net.amqp.publisher import Outgoing, Publisher
from pushgate.net.amqp.settings import BrokerTable
from pushgate.net.amqp.shield import shielded
from pushgate.plugin.context import Context
from pushgate.plugin.examination import Examination
from pushgate.plugin.gateway_interface import IGateway
from pushgate.plugin.optional_interfaces import IAddressed, IReadsFiles
from pushgate.plugin.settings import SinkTable
from pushgate.plugin.sink_interface import IOutcomeSink

NDJSON: Final = "application/x-ndjson"
_PERSISTENT: Final = 2


class AmqpSinkTable(SinkTable, BrokerTable):
    """The options of the sink, besides where its broker is.

    :param exchange: where records go, with the routing key ``APP.STATE``.
    :param exchange_type: of the exchange that is declared.
    :param declare: make the exchange, durable, when there is none; else it must be there.
    :param records: of one app and state in one message at most, a line each.
    """

    exchange: str = Field(default="pushgate.outcomes", min_length=1, max_length=255)
    exchange_type: Literal["topic", "direct", "fanout", "headers"] = "topic"
    declare: bool = True
    records: int = Field(default=100, ge=1, le=2048)


@implementer(IOutcomeSink, IAddressed, IReadsFiles)
class AmqpSink:
    """Publishes what it is given, persistent; it has taken that when the broker confirmed all of it."""

    def __init__(self, name: str, config: AmqpSinkTable, gateway: IGateway, context: Context) -> None:
        self._config = config
        self._publisher = Publisher(f"sinks.{name}", config, context, self._declare)

    def start(self) -> None:
        """Connects in its own time: a broker that is away is waited for."""
        self._publisher.start()

    def emit(self, reports: Sequence[Report]) -> Deferred[None]:
        return self._publisher.publish(list(_messages(self._config, reports)))

    def reopen(self) -> None:
        """There are no files."""

    def read_files(self) -> Callable[[], None]:
        """See `IReadsFiles`."""
        return self._publisher.read_files()

    def stop(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._publisher.stop())

    def addresses(self) -> list[str]:
        return [f"{self._publisher.address} exchange {self._config.exchange}"]

    async def _declare(self, channel: Channel) -> None:
        config = self._config
        if config.declare:
            declared = channel.exchange_declare(config.exchange, config.exchange_type, durable=True)
        else:
            declared = channel.exchange_declare(config.exchange, passive=True)
        await shielded(declared)


def _messages(config: AmqpSinkTable, reports: Sequence[Report]) -> Iterator[Outgoing]:
    """Messages in the order of the reports; those on one app and state that follow each other go together."""
    for (app, state), together in groupby(reports, _app_and_state):
        records = [record for report in together for record in lines(report, config.tokens)]
        for start in range(0, len(records), config.records):
            some = records[start : start + config.records]
            yield Outgoing(
                config.exchange,
                f"{app}.{state}",
                "".join(f"{record}\n" for record in some).encode(),
                BasicProperties(
                    content_type=NDJSON,
                    delivery_mode=_PERSISTENT,
                    headers={"app": app, "state": str(state), "count": len(some)},
                ),
            )


def _app_and_state(report: Report) -> tuple[str, State]:
    if isinstance(report, DeadToken):
        return report.app, State.DEAD_TOKEN
    return report.span.batch.app, report.state


async def _diagnose(name: str, config: AmqpSinkTable, examination: Examination) -> AsyncIterator[Finding]:
    """Whether the broker lets it in, and has the exchange."""

    def exists(channel: Channel) -> Any:
        return channel.exchange_declare(config.exchange, passive=True)

    thing = Thing(f"the exchange {printable(config.exchange)}", exists, config.declare)
    async for each in check_broker(f"sinks.{name}", config, examination, thing):
        yield each


plug_in = AmqpSinkTable, AmqpSink, _diagnose
