"""The AMP input as a whole: it starts, serves a program of a third party over TCP, and stops."""

import json
import os
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import ClassVar
from uuid import UUID

import trustme
from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol, wrapClientTLS
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates
from twisted.internet.testing import MemoryReactorClock
from twisted.protocols import amp
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from pushgate.inputs.amp.server import AmpTable
from pushgate.inputs.common.conversation import LINGER
from pushgate.model.errors import CannotStart
from pushgate.net.parted_call import PARTS
from pushgate.plugin.factory_interfaces import IInputFactory
from pushgate.plugin.gateway_interface import IGateway
from pushgate.plugin.input_interface import IInput
from pushgate.plugins.builtin import amp as factory
from pushgate.testing import RecordingGateway, outcome
from tests.amp_rig import AmpTestCase, push, push_batch
from tests.input_rig import context


class StopTests(AmpTestCase):
    def setUp(self):
        super().setUp()
        self.reactor = MemoryReactorClock()
        table = AmpTable(type="amp", listen="tcp:7215:interface=127.0.0.1")
        self.input = factory.input("amp", table, self.gateway, context(self.reactor))
        self.clock = self.reactor
        self.successResultOf(self.input.start())
        self.server = self.reactor.tcpServers[0][1]
        self.connection = self.connect()

    def test_it_provides_its_interfaces(self):
        """The gateway relies on them."""
        verifyObject(IInputFactory, factory)
        verifyObject(IInput, self.input)
        verifyObject(IGateway, self.gateway)

    def test_what_is_under_way_is_answered_first(self):
        """Then the connections are closed; the port was closed at once, and nothing new is taken."""
        self.gateway.holding = True
        self.send(push_batch())
        stopped = self.input.stop()
        self.assertEqual(self.input.addresses(), [])
        for data in (push(ask=b"2"), push_batch(ask=b"3")):
            [box] = self.send(data)
            self.assertEqual(box[b"_error_code"], b"SHUTTING_DOWN")
        self.assertFalse(self.connection.transport.disconnecting)
        self.gateway.release()
        self.assertEqual([box[b"_answer"] for box in self.received()], [b"1"])
        self.assertTrue(self.connection.transport.disconnecting)
        self.assertNoResult(stopped)
        self.lose(self.connection)
        self.successResultOf(stopped)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_without_connections_it_stops_at_once(self):
        """There is nothing to wait for."""
        self.lose(self.connection)
        self.successResultOf(self.input.stop())

    def test_a_gateway_that_does_not_answer_holds_nothing_up(self):
        """After a bounded time the connections are closed all the same, and the log says so."""
        self.gateway.holding = True
        self.send(push_batch())
        stopped = self.input.stop()
        self.reactor.advance(10)
        self.reactor.pump([LINGER / PARTS] * PARTS)
        self.assertTrue(self.connection.transport.aborted)
        self.lose(self.connection)
        self.successResultOf(stopped)
        self.assertTrue(any("no answer" in line for line in self.logged()))

    def test_its_stop_can_be_cut_short(self):
        """Cancelling aborts every connection at once."""
        self.gateway.holding = True
        self.send(push_batch())
        stopped = self.input.stop()
        stopped.cancel()
        self.failureResultOf(stopped)
        self.assertTrue(self.connection.transport.aborted)

    def test_a_bad_endpoint_is_found_before_anything_listens(self):
        """With the key path and the reason in one line."""
        for listen in ("unix:/x:mode=z", "systemd:index=0", "ssl:443:privateKey=/nowhere.pem"):
            with self.subTest(listen=listen), self.assertRaises(CannotStart) as caught:
                factory.input("front", AmpTable(type="amp", listen=listen), self.gateway, self.context)
            [fault] = caught.exception.faults
            self.assertIn("inputs.front.listen", fault)


# What follows is written as another program would: from the contract's text, with nothing of pushgate.


class OutsidePush(amp.Command):
    commandName = b"Push"
    arguments: ClassVar = [
        (b"app", amp.Unicode()),
        (b"token", amp.Unicode()),
        (b"payload", amp.String()),
        (b"expiration", amp.Integer(optional=True)),
    ]
    response: ClassVar = [(b"id", amp.Unicode())]
    errors: ClassVar = {KeyError: b"UNKNOWN_APP", ValueError: b"INVALID"}


class OutsidePushBatch(amp.Command):
    commandName = b"PushBatch"
    arguments: ClassVar = [
        (b"app", amp.Unicode()),
        (b"tokens", amp.String()),
        (b"payload", amp.String(optional=True)),
    ]
    response: ClassVar = [(b"id", amp.Unicode()), (b"count", amp.Integer()), (b"refused", amp.String())]


class OutsideWatch(amp.Command):
    commandName = b"Watch"
    arguments: ClassVar = [(b"app", amp.Unicode(optional=True))]
    response: ClassVar = [(b"watching", amp.Boolean())]


class OutsideOutcomes(amp.Command):
    commandName = b"Outcomes"
    arguments: ClassVar = [(b"outcomes", amp.String())]
    response: ClassVar = [(b"ok", amp.Boolean())]


class OutsideProgram(amp.AMP):
    def __init__(self):
        super().__init__()
        self.outcomes = []

    @OutsideOutcomes.responder
    def heard(self, outcomes):
        self.outcomes += [json.loads(line) for line in outcomes.splitlines()]
        return {"ok": True}


class OutsideTests(TestCase):
    """A program written from the contract alone, over TCP."""

    async def start(self, listen="tcp:0:interface=127.0.0.1"):
        """An input that listens."""
        self.gateway = RecordingGateway()
        self.input = factory.input("amp", AmpTable(type="amp", listen=listen), self.gateway, context(reactor))
        await self.input.start()
        self.addCleanup(self.input.stop)
        [address] = self.input.addresses()
        return address

    async def program(self):
        """An outside program, connected."""
        kind, _, address = (await self.start()).partition(" ")
        self.assertEqual(kind, "tcp")
        port = int(address.rpartition(":")[2])
        return await connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port), OutsideProgram())

    async def test_it_pushes_and_watches(self):
        """Ids, refusals by index, typed errors and outcomes, all on one connection."""
        program = await self.program()
        watching = await program.callRemote(OutsideWatch)
        self.assertEqual(watching, {"watching": True})
        single = await program.callRemote(OutsidePush, app="news", token="ab" * 32, payload=b"{}")
        UUID(single["id"])
        batch = await program.callRemote(
            OutsidePushBatch, app="news", tokens=b"\x02ab\x00\x02cd", payload=b"{}"
        )
        [[index, code, _]] = json.loads(batch["refused"])
        self.assertEqual((batch["count"], index, code), (3, 1, "INVALID"))
        for error, arguments in ((KeyError, {"app": "nwes"}), (ValueError, {"token": "xyz"})):
            good = {"app": "news", "token": "ab", "payload": b"{}"}
            with self.assertRaises(error):
                await program.callRemote(OutsidePush, **(good | arguments))
        self.gateway.report(outcome())
        await program.callRemote(OutsidePush, app="news", token="ab", payload=b"{}")
        self.assertEqual([each["state"] for each in program.outcomes], ["accepted"])
        program.transport.loseConnection()

    async def test_an_address_that_is_taken(self):
        """The start fails with one line that names the key and the reason."""
        address = await self.start()
        table = AmpTable(type="amp", listen=f"tcp:{address.rpartition(':')[2]}:interface=127.0.0.1")
        with self.assertRaises(CannotStart) as caught:
            await factory.input("second", table, self.gateway, context(reactor)).start()
        [fault] = caught.exception.faults
        self.assertIn("inputs.second.listen: cannot listen", fault)

    async def test_over_tls_it_stops_in_order(self):
        """A TLS connection is closed with close_notify, though it is under flow control."""
        folder = Path(mkdtemp())
        self.addCleanup(rmtree, folder)
        authority = trustme.CA()
        server = authority.issue_cert("localhost")
        server.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
        address = await self.start(f"ssl:0:interface=127.0.0.1:privateKey={folder / 'server.pem'}")
        self.assertTrue(address.startswith("ssl 127.0.0.1:"), address)
        roots = trustRootFromCertificates([Certificate.loadPEM(authority.cert_pem.bytes())])
        tcp = TCP4ClientEndpoint(reactor, "127.0.0.1", int(address.rpartition(":")[2]))
        tls = wrapClientTLS(optionsForClientTLS("localhost", roots), tcp)
        program = await connectProtocol(tls, OutsideProgram())
        await program.callRemote(OutsidePush, app="news", token="ab", payload=b"{}")
        await self.input.stop()
        [answered] = self.gateway.submissions
        self.assertEqual(list(answered.tokens), [b"\xab"])

    async def test_a_unix_socket(self):
        """Any server endpoint will do; the address says where."""
        path = f"/tmp/pushgate-test-{os.getpid()}.sock"
        self.assertEqual(await self.start(f"unix:{path}"), f"unix {path}")
