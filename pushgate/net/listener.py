"""Listening ports of inputs, which need TLS and principals where other machines can reach them."""

import os
from collections.abc import Callable, Iterator
from functools import partial

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress, IListeningPort, IProtocol, IProtocolFactory
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure

from pushgate.model.errors import CannotStart
from pushgate.model.log_throttle import LogThrottle
from pushgate.net.endpoint_reach import ListenAddress, listen_address, unguarded
from pushgate.net.tls import ServerTls, TlsFactory
from pushgate.plugin.context import Context
from pushgate.plugin.settings import ListeningTable


class Listener:
    """One listening port.

    :param name: the input's.
    :param key: the one of `config` with the endpoint.
    :param tls: makes the TLS side, when there is a certificate.
    :param starttls: connections begin without TLS; the input's protocols begin it by themselves, with what
        `certificate` names. With the endpoint ``ssl:`` they have it from the start all the same.
    :ivar trusting: peers need not log in: only this machine can connect, or the configuration says
        `insecure`.
    :ivar starttls: what begins TLS on a connection; None where it has TLS from its start, or not at all.
    :ivar loopback: only this machine can connect, over TCP: browsers on it can too.
    :raises CannotStart: the endpoint string makes no endpoint, a file cannot be used, or other machines
        could connect without TLS or without principals.
    """

    log = Logger()

    def __init__(
        self,
        name: str,
        config: ListeningTable,
        context: Context,
        *,
        key: str = "listen",
        tls: Callable[[str, ListeningTable], ServerTls] = ServerTls,
        starttls: bool = False,
    ) -> None:
        self._where, self._config, self._reactor = f"inputs.{name}", config, context.reactor
        self._too_slow = partial(context.metrics.count, "pushgate_connections_closed_total", name, "slow")
        self._scarce, self._crowded = context.files_scarce, LogThrottle()
        self._refused = partial(context.metrics.count, "pushgate_connections_closed_total", name, "files")
        self._listen, self._endpoint = f"{self._where}.{key}", getattr(config, key)
        self._address = self._find()
        faults = [*self._misplaced_keys(), *self._unguarded(context.principals.open)]
        if faults:
            raise CannotStart(faults)
        self.loopback = self._address.local and self._address.kind in {"tcp", "ssl"}
        self.trusting = self._address.local or config.insecure
        self._tls = self._address.tls if config.certificate is None else tls(self._where, config)
        self.starttls = self._tls if starttls and config.certificate is not None else None
        self._port: IListeningPort | None = None

    def start(self, factory: IProtocolFactory) -> Deferred[None]:
        """Listen; fails with `CannotStart` when the address cannot be had.

        :param factory: makes the input's protocols, which get TLS transports where the input has TLS.
        """
        if self._tls is not None and self.starttls is None:
            factory = TlsFactory(self._tls, factory, self._reactor, self._too_slow)
        factory = _Accepting(factory, self._accepts)
        listening: Deferred[IListeningPort] = self._address.endpoint.listen(factory)
        return listening.addCallbacks(self._listens, self._failed)

    def stop(self) -> Deferred[None]:
        """Take no further connections; open ones stay."""
        port, self._port = self._port, None
        return (
            succeed(None) if port is None else maybeDeferred(port.stopListening).addCallback(lambda _: None)
        )

    def read_files(self) -> Callable[[], None]:
        """See `IReadsFiles`. Connections that are open keep what they began with."""
        return self._tls.read_files() if isinstance(self._tls, ServerTls) else lambda: None

    def addresses(self) -> list[str]:
        """The addresses that it listens on, for people."""
        if self._port is None:
            return []
        kind = self._address.kind if self._tls is None or self.starttls is not None else "ssl"
        host = self._port.getHost()
        if isinstance(host, UNIXAddress):
            return [f"{kind} {os.fsdecode(host.name or b'')}"]
        assert isinstance(host, (IPv4Address, IPv6Address))
        return [f"{kind} {host.host}:{host.port}"]

    def _find(self) -> ListenAddress:
        try:
            return listen_address(self._reactor, self._endpoint)
        except Exception as error:
            # Each kind of endpoint is a plug-in of Twisted with errors of its own.
            raise CannotStart(
                [f"{self._listen}: {self._endpoint!r} is no server endpoint: {error}"]
            ) from error

    def _misplaced_keys(self) -> Iterator[str]:
        config = self._config
        if config.certificate is not None and self._address.tls is not None:
            yield f"{self._where}.certificate: listen has one already; must be tcp: or another without TLS"
        if config.certificate is None:
            for key in ("private_key", "client_authorities"):
                if getattr(config, key) is not None:
                    yield f"{self._where}.{key}: of no use without certificate; must be given with it"

    def _unguarded(self, open_to_all: bool) -> Iterator[str]:
        """The reasons not to listen there, a line each; with `insecure` they are logged instead."""
        if self._address.local:
            return
        own_tls = self._address.tls is not None
        reasons = unguarded(self._where, self._listen, self._endpoint, self._config, own_tls, open_to_all)
        if not self._config.insecure:
            yield from (f"{reason}, or {self._where}.insecure = true" for reason in reasons)
            return
        for reason in reasons:
            self.log.warn(
                "{where}.insecure: {reason}; it is open all the same", where=self._where, reason=reason
            )

    def _accepts(self) -> bool:
        """Whether there is an open file to spare for one more connection; else it is counted and logged."""
        if not self._scarce():
            return True
        self._refused()
        if count := self._crowded.happened(self._reactor.seconds()):
            self.log.warn(
                "{where}: {count} connections closed since the last such line: nearly as many files are open "
                "as may be, and the rest are for push services and sinks",
                where=self._where,
                count=count,
            )
        return False

    def _listens(self, port: IListeningPort) -> None:
        self._port = port

    def _failed(self, failure: Failure) -> None:
        failure.trap(CannotListenError, OSError)
        raise CannotStart([f"{self._listen}: cannot listen: {failure.getErrorMessage()}"])


class _Accepting(Factory):
    """Makes the protocols of another factory, or closes a connection before anything is made for it.

    :param accepts: called for each connection.
    """

    noisy = False

    def __init__(self, factory: IProtocolFactory, accepts: Callable[[], bool]) -> None:
        self._factory, self._accepts = factory, accepts

    def doStart(self) -> None:
        """See `IProtocolFactory`."""
        super().doStart()  # type: ignore[no-untyped-call]  # untyped in Twisted
        self._factory.doStart()

    def doStop(self) -> None:
        """See `IProtocolFactory`."""
        super().doStop()  # type: ignore[no-untyped-call]  # untyped in Twisted
        self._factory.doStop()

    def buildProtocol(self, addr: IAddress) -> IProtocol | None:  # type: ignore[override]  # any protocol
        """Return None, which closes the connection, when there is no file to spare."""
        return self._factory.buildProtocol(addr) if self._accepts() else None
