"""The checks of a table that names a broker: files, network, login, and that what it uses is there."""

from collections.abc import AsyncIterator, Callable
from typing import Any, Final, NamedTuple

from pika.exceptions import AuthenticationError, ProbableAccessDeniedError, ProbableAuthenticationError
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from pushgate.model.authority import authority
from pushgate.model.errors import CannotStart, reason
from pushgate.model.finding import Finding, failure, ok, warning
from pushgate.model.printable import printable
from pushgate.net.amqp.connect import AmqpConnection, Dialer
from pushgate.net.amqp.settings import BrokerTable, parse_url
from pushgate.net.amqp.shield import shielded
from pushgate.net.diagnosis.files import FileChecks
from pushgate.net.diagnosis.identity import check_identity
from pushgate.net.diagnosis.names import look_up
from pushgate.net.diagnosis.tcp import touch
from pushgate.net.diagnosis.tls_trouble import TROUBLES, handshake_finding
from pushgate.plugin.examination import Examination

_NOT_FOUND: Final = 404
_REFUSED: Final = 403
_LOGIN: Final = (AuthenticationError, ProbableAuthenticationError)


class Thing(NamedTuple):
    """What a table uses of its broker.

    :param words: names it: ``"the exchange pushgate.outcomes"``.
    :param exists: asks on a channel whether it is there; fails when it is not.
    :param is_made: the start makes it when it is not there.
    """

    words: str
    exists: Callable[[Any], Any]
    is_made: bool


async def check_broker(
    where: str, config: BrokerTable, examination: Examination, thing: Thing
) -> AsyncIterator[Finding]:
    """Whether the broker lets this table in. Nothing is declared, published or taken.

    :param where: the table in the configuration: ``"sinks.events"``.
    """
    checks = FileChecks(examination.context.wall())
    _check_files(checks, config)
    for each in checks.findings:
        yield each
    address = parse_url(config.url)
    if address.exposed:
        yield warning(
            "broker-unencrypted", f"{address} is not encrypted",
            "every machine on the way can read the password, and everything else", "use amqps://",
        )  # fmt: skip
    if examination.offline or not checks.are_good:
        return
    for node in address.nodes:
        for each in await _node(where, config, examination, node, thing):
            yield each


async def _node(
    where: str, config: BrokerTable, examination: Examination, node: tuple[str, int], thing: Thing
) -> list[Finding]:
    found, addresses = await look_up(*node, examination)
    if addresses:
        more, is_there = await touch(node[0], addresses, examination)
        found += more
        if is_there:
            scheme, _, rest = config.url.partition("://")
            url = f"{scheme}://{authority(*node)}/{rest.partition('/')[2]}"
            found += await _login(where, config.model_copy(update={"url": url}), examination, thing)
    return found


def _check_files(checks: FileChecks, config: BrokerTable) -> None:
    if config.password_file is not None:
        checks.secret("password_file", config.password_file)
    checks.trust(config.trust)
    if config.certificate is not None:
        check_identity(checks, config.certificate, config.private_key, None)


async def _login(where: str, config: BrokerTable, examination: Examination, thing: Thing) -> list[Finding]:
    """:param config: with one node."""
    node = parse_url(config.url).hosts
    try:
        dialer = Dialer(where, config, examination.reactor)
    except CannotStart as error:
        no_start = "a gateway does not start with it"
        return [failure("broker-files", line, no_start, "mend the file") for line in error.faults]
    connection = dialer.connection()
    opening = Deferred.fromCoroutine(dialer.open(connection))
    try:
        await opening.addTimeout(examination.timeout, examination.reactor)
    except CancelledError:
        raise
    except Exception:  # noqa: BLE001 - pika, Twisted and OpenSSL each have their own
        return [_not_open(connection, Failure(), node, config, examination)]
    try:
        found = ok("broker-login", f"{node} lets {config.username} in")
        return [found, await _exists(connection, examination, thing)]
    finally:
        connection.end()
        await connection.gone


def _not_open(
    connection: AmqpConnection, failed: Failure, node: str, config: BrokerTable, examination: Examination
) -> Finding:
    cause: Any = connection.why or failed.value
    words = printable(reason(cause))
    if isinstance(cause, _LOGIN) or getattr(cause, "reply_code", None) == _REFUSED:
        return failure(
            "broker-login", f"{node} refuses the login of {config.username}: {words}",
            "no connection is of use; it is tried again and again",
            "check username and password_file; guest may come from the broker's own machine only",
        )  # fmt: skip
    if isinstance(cause, ProbableAccessDeniedError) or hasattr(cause, "reply_code"):
        return failure(
            "broker-vhost", f"{node} does not open {parse_url(config.url).vhost!a}: {words}",
            "no connection is of use; it is tried again and again",
            "check the virtual host in url: rabbitmqctl list_vhosts, list_permissions",
        )  # fmt: skip
    if failed.check(*TROUBLES):
        shown = config.certificate is not None
        return handshake_finding(failed, node, examination.timeout, shown, "broker-")
    return failure(
        "broker-answer", f"{node}: {words}", "it does not speak AMQP 0-9-1 as RabbitMQ does",
        "check host and port: 5672, and 5671 with TLS",
    )  # fmt: skip


async def _exists(connection: AmqpConnection, examination: Examination, thing: Thing) -> Finding:
    async def asked() -> None:
        channel = await shielded(connection.channel())
        await shielded(thing.exists(channel))

    try:
        await Deferred.fromCoroutine(asked()).addTimeout(examination.timeout, examination.reactor)
    except CancelledError:
        raise
    except Exception as error:  # noqa: BLE001 - pika has its own
        code = getattr(error, "reply_code", None)
        if code == _NOT_FOUND and thing.is_made:
            return ok("broker-has", f"{thing.words} is made at the start")
        missing = "make it, or set declare = true"
        advice = missing if code == _NOT_FOUND else "rabbitmqctl set_permissions: see docs/rabbitmq.md"
        what = f"{thing.words}: {printable(reason(error))}"
        return failure("broker-has", what, "it cannot be used", advice)
    return ok("broker-has", f"{thing.words} is there")
