"""The address of a gateway's AMP input, and connecting to it."""

import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from pushgate.cli.waiting_line import say as _say
from pushgate.cli.waiting_line import waiting_line
from pushgate.model.errors import FateUnknown, Forbidden, PushgateError, Unreachable
from pushgate.model.text_file import secret_in

if TYPE_CHECKING:
    from twisted.internet.interfaces import IStreamClientEndpoint
    from twisted.python.failure import Failure

    from pushgate.client import Client

_PORT: Final = 7215
_SHORT: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[\w.-]*)(?::(?P<port>[0-9]{1,5}))?", re.ASCII)
"""HOST, HOST:PORT or :PORT, an IPv6 address in brackets."""

_LOGIN: Final = (
    click.option(
        "--secret-file", metavar="FILE", type=click.Path(path_type=Path), envvar="PUSHGATE_SECRET_FILE",
        help="Holds the secret that goes with --login. Default: $PUSHGATE_SECRET_FILE.",
    ),
    click.option(
        "--login", metavar="NAME", envvar="PUSHGATE_LOGIN",
        help="The principal to log in as, where the gateway asks. Default: $PUSHGATE_LOGIN.",
    ),
)  # fmt: skip
_KINDS: Final = "or a Twisted client endpoint such as unix:/run/gate.sock or tls:...."
_TO: Final = click.option(
    "--to", metavar="HOST:PORT", default=f"127.0.0.1:{_PORT}", show_default=True,
    help=f"The gateway's AMP input; {_KINDS}",
)  # fmt: skip
_TO_CONFIGURED: Final = click.option(
    "--to", metavar="HOST:PORT", default="",
    help=f"The running gateway's AMP input; {_KINDS} By default that of the configuration.",
)  # fmt: skip


class GatewayAddress(NamedTuple):
    """Where a gateway is, and who to be there.

    :param where: what ``--to`` says.
    :param login: name and secret.
    """

    where: str
    login: tuple[str, bytes] | None = None

    def __str__(self) -> str:
        return self.where

    def __repr__(self) -> str:
        return self.where  # the secret must not come out with an error


def to(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options ``--to``, ``--login`` and ``--secret-file``, as the one argument `to`."""
    return _with_address(command, _TO)


def to_configured(command: Callable[..., Any]) -> Callable[..., Any]:
    """The same for a command that reads a configuration: `where` is "" when ``--to`` is not given."""
    return _with_address(command, _TO_CONFIGURED)


def _with_address(command: Callable[..., Any], where: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(command)
    def with_gateway(*args: Any, to: str, login: str | None, secret_file: Path | None, **rest: Any) -> Any:
        return command(*args, to=GatewayAddress(to, _login(login, secret_file)), **rest)

    for option in (*_LOGIN, where):
        option(with_gateway)
    return with_gateway


def _login(name: str | None, file: Path | None) -> tuple[str, bytes] | None:
    if (name is None) != (file is None):
        raise click.UsageError("--login and --secret-file go together")
    if name is None or file is None:
        return None
    try:
        return name, secret_in(file.read_bytes())
    except OSError as error:
        raise click.UsageError(f"--secret-file {file}: {error.strerror}") from None
    except ValueError as error:
        raise click.UsageError(f"--secret-file {file}: {error}") from None


_WITHOUT_LOGIN: Final = re.compile("logged in|without a login")
"""What a refusal says of a caller that a login would help."""
_TRUST: Final = (
    "tls:HOST:PORT:trustRoots=FILE names the authorities that are; HOST must be a name in its certificate."
)


class NotReached(PushgateError):
    """There is no gateway where one was looked for."""


def endpoint_text(to: str) -> str:
    """The Twisted client endpoint string of what ``--to`` says: HOST:PORT, or such a string itself."""
    match = _SHORT.fullmatch(to)
    if match is None:
        return to
    host = (match["host"] or "127.0.0.1").strip("[]").replace(":", r"\:")
    return f"tcp:host={host}:port={match['port'] or _PORT}"


@asynccontextmanager
async def reach(
    reactor: Any,
    to: GatewayAddress,
    timeout: float = 10.0,
    say: Callable[[str], None] | None = None,
    retry_for: float | None = None,
) -> AsyncIterator["Client"]:
    """A client of the gateway there, once the gateway has answered; closed at the end.

    A client by itself would go on trying, since gateways are restarted; a person wants to know.

    :param timeout: seconds, here and for each answer of the gateway.
    :param say: is given a line about a wait for the connection; by default it goes to standard error.
    :param retry_for: seconds for which a gateway that is overloaded is asked again; by default `timeout`.
    :raises NotReached: nothing answers there, or nothing that speaks as a gateway does.
    :raises Forbidden: as the gateway did; to a caller that has not logged in it says how.
    """
    from pushgate.client import Client

    say = say or _say
    endpoint = await _tried(reactor, to, timeout, say)
    patience = timeout if retry_for is None else retry_for
    client = Client(endpoint, reactor, timeout=timeout, retry_for=patience, login=to.login, report=say)
    client.start()
    try:
        async with client:
            yield client
    except (FateUnknown, Unreachable) as error:
        raise NotReached(f"{error}; is {to} the AMP input of a gateway?") from error
    except Forbidden as error:
        if to.login is not None or not _WITHOUT_LOGIN.search(str(error)):
            raise
        how = ", with" if str(error).endswith("log in first") else "; log in with"
        raise Forbidden.from_text(f"{error}{how} --login NAME --secret-file FILE") from error


def say_connection(lost: str | None) -> None:
    """Say on standard error that the gateway went, or came back."""
    now = time.strftime("%H:%M:%S")
    if lost is None:
        click.echo(f"{now}  connected again", err=True)
    else:
        click.echo(f"{now}  no connection: {lost}; outcomes are missed until it is back", err=True)


async def _tried(
    reactor: Any, to: GatewayAddress, timeout: float, say: Callable[[str], None]
) -> "IStreamClientEndpoint":
    """The endpoint, once a connection to it was made and its TLS handshake done; a wait has a line."""
    from twisted.internet.defer import Deferred
    from twisted.internet.protocol import Factory, Protocol
    from twisted.python.failure import Failure

    from pushgate.client.handshake import connect
    from pushgate.net.endpoint_string import endpoint_from_string

    class ConnectAttempt(Protocol):
        def connectionMade(self) -> None:
            assert self.transport is not None
            self.transport.loseConnection()

    try:
        there = endpoint_from_string(reactor, endpoint_text(to.where))  # whose imports are no wait
        with waiting_line(reactor, f"no connection to {to} yet; trying for {timeout:g} s", say):
            attempt = Deferred.fromCoroutine(connect(there, Factory.forProtocol(ConnectAttempt), reactor))
            await attempt.addTimeout(timeout, reactor)
    except Exception as error:  # each kind of endpoint has errors of its own
        raise NotReached(_why(to, Failure())) from error
    return there


def _why(to: GatewayAddress, failure: "Failure") -> str:
    from twisted.internet.defer import TimeoutError as TimedOut

    from pushgate.client.reasons import is_untrusted, reason

    if failure.check(ValueError, TypeError, KeyError):
        return f"--to {to}: no endpoint: {failure.value}; must be HOST:PORT or a Twisted client endpoint"
    if is_untrusted(failure):
        return f"the gateway at {to} is not trusted: {reason(failure)}\n{_TRUST}"
    said = "it does not answer" if failure.check(TimedOut) else reason(failure)
    return (
        f"no gateway at {to}: {said}\n"
        "Is it running? `make run` or `twistd -n --pidfile= pushgate` starts one; --to says where it is."
    )
