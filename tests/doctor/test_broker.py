"""What the doctor says of a RabbitMQ broker, against a real one."""

from pathlib import Path
from typing import Any

from pushgate.model.finding import Finding
from pushgate.plugin.checks import guarded
from pushgate.plugins.builtin import amqp, amqp_sink
from tests.broker_rig import BrokerTestCase
from tests.doctor_rig import amiss, examination


class BrokerTests(BrokerTestCase):
    async def found(self, factory: Any = amqp_sink, offline: bool = False, **keys: Any) -> list[Finding]:
        given = {"type": "amqp", "url": self.broker.url} | keys
        if factory is amqp:
            given |= {"queue": self.queue}
        else:
            given |= {"exchange": f"{self.queue}.outcomes"}
        surroundings = examination(offline=offline, timeout=10.0)
        findings = factory.diagnose("it", factory.config.model_validate(given), surroundings)
        return [each async for each in guarded(findings, surroundings)]

    async def test_a_broker(self) -> None:
        """It lets us in; what is declared at the start need not be there, and is not made by looking."""
        for _ in range(2):
            found = await self.found()
            self.assertEqual(amiss(found), frozenset())
            self.assertEqual([each.check for each in found][-2:], ["broker-login", "broker-has"])
            self.assertIn("is made at the start", found[-1].what)
        self.assertEqual(amiss(await self.found(declare=False)), {"broker-has"})

    async def test_an_exchange_and_a_queue(self) -> None:
        """What is there is found, and no message of it is taken."""
        with self.broker.channel() as channel:
            channel.exchange_declare(f"{self.queue}.outcomes", "topic", durable=True)
            channel.queue_declare(self.queue, durable=True)
        self.publish(b"{}")
        for factory in (amqp_sink, amqp):
            found = await self.found(factory, declare=False)
            self.assertEqual(amiss(found), frozenset())
            self.assertIn("is there", found[-1].what)
        self.assertEqual(self.ready(self.queue), 1)

    async def test_who_is_not_let_in(self) -> None:
        """A wrong password is one thing, a virtual host that there is not another, and no broker a third."""
        password = Path(self.mktemp()).absolute()
        password.write_text("wrong")
        password.chmod(0o600)
        self.assertEqual(amiss(await self.found(password_file=password)), {"broker-login"})
        elsewhere = self.broker.url.rstrip("/") + "/nowhere"
        self.assertEqual(amiss(await self.found(url=elsewhere)), {"broker-vhost"})
        self.assertEqual(amiss(await self.found(url="amqp://127.0.0.1:1/")), {"tcp-refused"})

    async def test_offline(self) -> None:
        """Without the network only files are looked at."""
        self.assertEqual(await self.found(offline=True), [])
        missing = await self.found(offline=True, password_file=Path("none"))
        self.assertEqual(amiss(missing), {"file-missing"})
