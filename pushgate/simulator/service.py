"""The simulator as one service: Apple's services, all others, and control, each on its port."""

import os
import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from twisted.application.service import Service
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory, IStreamServerEndpoint
from twisted.logger import Logger

from pushgate.model.errors import CannotStart
from pushgate.net.http.date_header import DateHeader
from pushgate.protocols.apns_binary.feedback import FeedbackTuple
from pushgate.protocols.apns_http2.token_check import ProviderKey, TokenCheck
from pushgate.simulator.certificates import Certificates
from pushgate.simulator.connection_gate import ConnectionGate
from pushgate.simulator.control_api import control_site
from pushgate.simulator.fault_rules import ConnectionRule, CutFeedback, Rule
from pushgate.simulator.fault_script import DeadHandles, FaultScript, ScriptedDeadTokens
from pushgate.simulator.feedback_service import FeedbackService
from pushgate.simulator.provider_connection import ProviderConnection
from pushgate.simulator.provider_keys import ThrowAwayKey, read_keys
from pushgate.simulator.provider_service import ProviderService, ProviderTerms
from pushgate.simulator.push_service import PushService
from pushgate.simulator.received_log import ReceivedLog
from pushgate.simulator.services.connection import ServiceConnection
from pushgate.simulator.services.desk import ServiceDesk
from pushgate.simulator.services.directory import Services
from pushgate.simulator.settings import SimulatorTable

_SERVICES = {
    "push": "listen",
    "feedback": "feedback_listen",
    "http2": "http2_listen",
    "services": "services_listen",
    "control": "control_listen",
}
"""Each service, and the key of the configuration that says where it listens."""
_OPTIONAL: Final = {"http2": "HTTP/2", "services": "services other than Apple's"}
"""Those whose ports may be taken, where the configuration is from before there were any."""


class Simulator(Service):
    """Push over both of Apple's protocols, feedback, all other services, and control together.

    Start it with `start`, or as a service of Twisted's.

    :param reactor: the clock and the network.
    :param wall: Unix seconds.
    :param chance: a number from 0 to 1, new at each call; by default random from the configured seed.
    :raises CannotStart: when an endpoint cannot be understood or the certificates cannot be made.
    :ivar certificates: what a client needs: its certificate and the authority to trust.
    :ivar provider_key: what a client signs provider tokens with, in place of a certificate.
    :ivar services: those other than Apple's: what a client needs to use them.
    :ivar received: what was accepted since the last `forget`.
    """

    log = Logger()

    def __init__(
        self,
        config: SimulatorTable,
        reactor: Any,
        wall: Callable[[], float] = time.time,
        chance: Callable[[], float] | None = None,
    ) -> None:
        self._config, self._reactor = config, reactor
        self._chance = chance or random.Random(config.seed).random  # noqa: S311 - a simulation
        self._endpoints = self._parse_endpoints()
        self._ports: dict[str, IListeningPort] = {}
        self.certificates = Certificates.in_directory(config.state_dir)
        self.provider_key = ThrowAwayKey.in_directory(config.state_dir)
        self.received = ReceivedLog(config.record_limit)
        script, dead = FaultScript(config.script, self._chance), ScriptedDeadTokens(config.dead)
        self._push = PushService(script, dead, self.received, config.max_payload, reactor, wall)
        tokens, terms = self._token_check(), _provider_terms(config)
        self._provider = ProviderService(script, dead, self.received, tokens, terms, wall)
        self.services = Services(config)
        self._desk = self._make_desk(script, wall)
        self._feedback = FeedbackService(self._rule_for_feedback, reactor)
        self._gates = self._make_gates()
        self._control = control_site(self, reactor)
        self._factories: dict[str, IProtocolFactory] = {**self._gates, "control": self._control}

    @property
    def port(self) -> int | None:
        """The TCP port of the push service, None while it does not listen on one."""
        return self._port("push")

    @property
    def feedback_port(self) -> int | None:
        """The TCP port of the feedback service, None while it does not listen on one."""
        return self._port("feedback")

    @property
    def http2_port(self) -> int | None:
        """The TCP port of the provider API, None while it does not listen on one."""
        return self._port("http2")

    @property
    def services_port(self) -> int | None:
        """The TCP port of all other services, None while they do not listen on one."""
        return self._port("services")

    @property
    def services_url(self) -> str | None:
        """The URL of all other services, without a path; None while they do not listen on a TCP port."""
        port = self.services_port
        return None if port is None else f"https://localhost:{port}"

    @property
    def control_port(self) -> int | None:
        """The TCP port of the control API, None while it does not listen on one."""
        return self._port("control")

    def addresses(self) -> dict[str, str]:
        """Where each service listens, for people: ``{"push": "127.0.0.1:2195", ...}``."""
        return {name: _address(port) for name, port in self._ports.items()}

    def start(self) -> Deferred[None]:
        """Begin listening; fires when all ports are open.

        Fails with `CannotStart` when one cannot be, and closes the others.
        """
        return Deferred.fromCoroutine(self._start())

    def stop(self) -> Deferred[None]:
        """Close the ports and drop every connection; fires when all are gone. It may be started again."""
        return Deferred.fromCoroutine(self._stop())

    def startService(self) -> None:
        """Begin listening, as part of an application; raise `CannotStart` when it cannot be done."""
        failures: list[Any] = []
        self.start().addErrback(failures.append)
        if failures:
            failures[0].raiseException()
        super().startService()  # type: ignore[no-untyped-call] # Twisted's is untyped

    def stopService(self) -> Deferred[None]:
        """Stop, as part of an application."""
        super().stopService()  # type: ignore[no-untyped-call] # Twisted's is untyped
        return self.stop()

    def set_script(self, rules: Sequence[Rule]) -> None:
        """Replace the script; a refusal of connections in progress ends."""
        names = ("push", "feedback", "http2", "services")
        script = FaultScript(rules, self._chance, *(self._gates[name].accepted for name in names))
        self._push.script = self._provider.script = self._desk.script = script
        for name in ("push", "http2", "services"):
            self._gates[name].end_refusal()

    @property
    def script(self) -> tuple[Rule, ...]:
        """The rules in force."""
        return self._push.script.rules

    def add_feedback(self, tuples: Sequence[FeedbackTuple]) -> None:
        """Put tuples on the feedback list; raise `Overloaded` when it would grow too long."""
        self._feedback.add(tuples)

    def forget(self) -> None:
        """Forget what was received, all counts, and the feedback list. Connections and script stay."""
        received = ReceivedLog(self._config.record_limit)
        self.received = self._push.received = self._provider.received = self._desk.received = received
        self._feedback.forget()
        for gate in self._gates.values():
            gate.forget()

    def summary(self) -> dict[str, Any]:
        """All counts, ready for JSON."""
        push, feedback = self._gates["push"], self._gates["feedback"]
        return {
            **self.received.summary(),
            "connections": push.summary(),
            "http2": {"connections": self._gates["http2"].summary()},
            "services_connections": self._gates["services"].summary(),
            "feedback": {
                "waiting": self._feedback.waiting,
                "sent": self._feedback.sent,
                "connections": feedback.summary(),
            },
            "script_fired": list(self._push.script.fired),
        }

    def _make_desk(self, script: FaultScript, wall: Callable[[], float]) -> ServiceDesk:
        """What all services other than Apple's share."""
        dead = DeadHandles(self._config.dead_handles)
        return ServiceDesk(self.services.all, script, dead, self.received, wall)

    def _token_check(self) -> TokenCheck:
        """The check of provider tokens: signed with the throw-away key, or with one of the directory."""
        config, own = self._config, self.provider_key
        keys = {} if config.provider_keys is None else read_keys(config.provider_keys)
        keys[own.key_id] = ProviderKey(own.public, own.team_id)
        return TokenCheck(keys, config.token_lifetime)

    def _make_gates(self) -> dict[str, ConnectionGate]:
        """The listeners over TLS. The provider API asks for a certificate and does not require it."""
        reactor, tls = self._reactor, self.certificates.server_options()
        of_http2 = self.certificates.server_options(requires_client=False, protocols=[b"h2"])
        connect = partial(ProviderConnection, self._provider, reactor)
        return {
            "push": ConnectionGate(tls, reactor, self._rule_for_connection, self._push.connect),
            "feedback": ConnectionGate(tls, reactor, lambda _: None, self._feedback.connect),
            "http2": ConnectionGate(of_http2, reactor, self._rule_for_caller, connect),
            "services": ConnectionGate(
                self.certificates.service_options(),
                reactor,
                self._rule_for_client,
                partial(ServiceConnection, self._desk, DateHeader(reactor, self._desk.wall), reactor),
            ),
        }

    def _rule_for_connection(self, number: int) -> ConnectionRule | None:
        return self._push.script.for_connection(number)

    def _rule_for_caller(self, number: int) -> ConnectionRule | None:
        return self._provider.script.for_caller(number)

    def _rule_for_client(self, number: int) -> ConnectionRule | None:
        return self._desk.script.for_client(number)

    def _rule_for_feedback(self, number: int) -> CutFeedback | None:
        return self._push.script.for_feedback(number)

    async def _start(self) -> None:
        try:
            for name, endpoint in self._endpoints.items():
                await self._listen(name, endpoint)
        except (CannotListenError, OSError) as error:
            # Not awaited: twistd learns only of what fails at once.
            self.stop()
            cause = getattr(error, "socketError", error)
            key = _SERVICES[name]
            raise CannotStart(
                [f"simulator.{key}: {getattr(self._config, key)}: {cause}; must be free to listen on"]
            ) from None
        if self.services_url is not None:
            self.services.write_accounts(self.services_url)
        self._say_where()

    def _say_where(self) -> None:
        """Say in the log where everything is."""
        for name, address in self.addresses().items():
            self.log.info("{name} on {address}", name=name, address=address)
        self.log.info("a client presents {client} and trusts {ca}",
                      client=str(self.certificates.client), ca=str(self.certificates.ca))  # fmt: skip
        self.log.info("provider tokens: key {key}, key id {key_id}, team id {team_id}",
                      key=str(self.provider_key.file), key_id=self.provider_key.key_id,
                      team_id=self.provider_key.team_id)  # fmt: skip
        if self.services_url is not None:
            self.log.info("a service account for FCM: {file}", file=str(self.services.account.file))
            self.log.info("one for HarmonyOS: {file}", file=str(self.services.harmony.file))

    async def _listen(self, name: str, endpoint: IStreamServerEndpoint) -> None:
        """Open a port. One that a configuration from earlier days cannot know may be taken."""
        try:
            self._ports[name] = await endpoint.listen(self._factories[name])
        except (CannotListenError, OSError) as error:
            if name not in _OPTIONAL or _SERVICES[name] in self._config.model_fields_set:
                raise
            self.log.warn("no {what}: {why}; set simulator.{key}", what=_OPTIONAL[name], key=_SERVICES[name],
                          why=str(getattr(error, "socketError", error)))  # fmt: skip

    async def _stop(self) -> None:
        ports, self._ports = self._ports, {}
        for port in ports.values():
            await maybeDeferred(port.stopListening)
        self._control.close()
        await gatherResults([gate.clear() for gate in self._gates.values()])

    def _parse_endpoints(self) -> dict[str, IStreamServerEndpoint]:
        endpoints, faults = {}, []
        for name, key in _SERVICES.items():
            description = getattr(self._config, key)
            if description is None:
                continue
            try:
                endpoints[name] = serverFromString(self._reactor, description)
            except (ValueError, TypeError, KeyError) as error:
                faults.append(
                    f"simulator.{key}: not understood: {error}; must be a server endpoint such as tcp:2195"
                )
        if faults:
            raise CannotStart(faults)
        return endpoints

    def _port(self, name: str) -> int | None:
        host = self._ports[name].getHost() if name in self._ports else None
        return host.port if isinstance(host, IPv4Address | IPv6Address) else None


def _provider_terms(config: SimulatorTable) -> ProviderTerms:
    return ProviderTerms(
        environment=config.environment,
        topics=frozenset(config.topics),
        streams=config.streams,
        update_interval=config.token_update_interval,
    )


def _address(port: IListeningPort) -> str:
    host = port.getHost()
    if isinstance(host, IPv4Address | IPv6Address):
        return f"{host.host}:{host.port}"
    assert isinstance(host, UNIXAddress)
    return f"unix:{os.fsdecode(host.name or b'')}"
