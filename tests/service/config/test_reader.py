"""The configuration as one typed tree."""

from pathlib import Path
from typing import Any, ClassVar

from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from pushgate.model.errors import CannotStart
from pushgate.model.principals import Operation
from pushgate.plugin.factories import LazyUpstream
from pushgate.plugin.factory_interfaces import IInputFactory, IOutcomeSinkFactory, IUpstreamFactory
from pushgate.plugin.settings import AppTable, InputTable, Port, PrincipalTable, ServerEndpoint, SinkTable
from pushgate.service.config.embedded_default import embedded_default
from pushgate.service.config.reader import Config, config_from, read_config
from pushgate.service.plugin_registry import Broken, Found, Registry, find


class WireTable(AppTable):
    host: str
    port: Port = 1


class HatchTable(InputTable):
    listen: ServerEndpoint


@implementer(IInputFactory)
class HatchFactory:
    name, description, config = "hatch", "an input", HatchTable

    def input(self, name, config, gateway, context):
        raise NotImplementedError


@implementer(IOutcomeSinkFactory)
class DrainFactory:
    name, description, config = "drain", "a sink", SinkTable

    def sink(self, name, config, gateway, context):
        raise NotImplementedError


@implementer(IUpstreamFactory)
class WireFactory:
    name, description, config = "wire", "an upstream", WireTable

    def upstream(self, app, config, work, context):
        raise NotImplementedError


HATCH, DRAIN, WIRE = HatchFactory(), DrainFactory(), WireFactory()
BAD = LazyUpstream("bad", "cannot be loaded", "no_such_module:it")
GOOD = """
[gateway]
state_dir = "memory"
expiry = "1h"

[apps.news]
upstream = "wire"
host = "push.example"

[apps.alerts]
upstream = "wire"
host = "push.example"
port = 2

[inputs.front]
type = "hatch"
listen = "unix:/run/pushgate"

[sinks.all]
type = "drain"
tokens = "hash"
"""


def registry(*broken: Broken) -> Registry:
    return Registry(
        {
            "input": {"hatch": Found(HATCH, "x.py")},
            "sink": {"drain": Found(DRAIN, "x.py")},
            "upstream": {"wire": Found(WIRE, "x.py"), "bad": Found(BAD, "x.py")},
        },
        list(broken),
    )


class ConfigTestCase(SynchronousTestCase):
    def config(self, text: str) -> Config:
        file = Path(self.mktemp())
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return read_config(file, registry())

    def faults(self, tree: dict[str, Any], *broken: Broken) -> list[str]:
        """The faults of a tree, without the file's name, which is checked."""
        error = self.assertRaises(CannotStart, config_from, tree, "f.toml", registry(*broken))
        for line in error.faults:
            self.assertTrue(line.startswith("f.toml: "), line)
        return [line.removeprefix("f.toml: ") for line in error.faults]


class GoodTests(ConfigTestCase):
    def test_the_tree(self) -> None:
        """Each app, input and sink has its factory and its typed table."""
        config = self.config(GOOD)
        self.assertEqual(
            config.apps,
            {
                "news": (WIRE, WireTable(upstream="wire", host="push.example")),
                "alerts": (WIRE, WireTable(upstream="wire", host="push.example", port=2)),
            },
        )
        self.assertEqual(
            config.inputs, {"front": (HATCH, HatchTable(type="hatch", listen="unix:/run/pushgate"))}
        )
        [(factory, table)] = config.sinks.values()
        self.assertIs(factory, DRAIN)
        self.assertEqual((table.tokens, table.buffer), ("hash", 100_000))

    def test_the_gateway(self) -> None:
        """The gateway's table has a default for what is not given; "memory" is no directory."""
        gateway = self.config(GOOD).gateway
        self.assertIsNone(gateway.state_dir)
        self.assertEqual(
            (gateway.expiry, gateway.drain_timeout, gateway.queue_limit), (3600.0, 30.0, 1_000_000)
        )

    def test_a_directory(self) -> None:
        """A relative directory is made absolute at once, since a daemon changes its own later."""
        gateway = self.config(GOOD.replace('"memory"', '"some/where"')).gateway
        self.assertEqual(gateway.state_dir, Path.cwd() / "some" / "where")

    def test_no_gateway(self) -> None:
        """The gateway's table may be missing."""
        gateway = self.config(GOOD[GOOD.index("[apps") :]).gateway
        self.assertEqual((gateway.state_dir, gateway.expiry), (Path.cwd() / "pushgate-state", 1800.0))

    def test_no_input(self) -> None:
        """Without an input the gateway can still drain its spool and read feedback."""
        self.assertEqual(self.config(GOOD[: GOOD.index("[inputs")]).inputs, {})


class FaultTests(ConfigTestCase):
    app: ClassVar = {"upstream": "wire", "host": "push.example"}

    def test_nothing(self) -> None:
        """A file without apps is of no use; without inputs as well, both are reported."""
        self.assertEqual(
            self.faults({}),
            [
                "apps: missing; at least one [apps.NAME] is required",
                "inputs: missing; an [inputs.NAME] is how notifications come in",
            ],
        )
        self.assertEqual(
            self.faults({"inputs": {"a": {"type": "hatch", "listen": "tcp:1"}}}),
            ["apps: missing; at least one [apps.NAME] is required"],
        )

    def test_unknown_tables(self) -> None:
        """An unknown key at the top is reported with the one that was meant, or all there are."""
        self.assertEqual(
            self.faults({"apps": {"a": self.app}, "app": {}, "zz": 1}),
            [
                'app: unknown key; did you mean "apps"?',
                "zz: unknown key; allowed: apps, gateway, hubs, inputs, principals, sinks",
            ],
        )

    def test_what_is_no_table(self) -> None:
        """A value where tables belong is reported."""
        self.assertEqual(
            self.faults({"gateway": 1, "apps": {"a": "wire"}, "inputs": [], "sinks": "log"}),
            [
                "gateway: a whole number; must be a table",
                "apps.a: a string of length 4; must be a table",
                "inputs: an array of 0; must be tables [inputs.NAME]",
                "sinks: a string of length 3; must be tables [sinks.NAME]",
            ],
        )

    def test_the_gateway(self) -> None:
        """Each key of the gateway's table has its rule."""
        duration = "must be a number with its unit: 250ms, 5s, 30m, 1h, 1d"
        gateway = {"state_dir": "", "expiry": "0s", "drain_timeout": 3, "queue_limit": 0, "queue_limits": 1}
        self.assertEqual(
            self.faults({"gateway": gateway, "apps": {"a": self.app}}),
            [
                'gateway.state_dir: an empty string; must be the path of a directory, or "memory"',
                "gateway.expiry: 0.0; must be more than 0.0",
                f"gateway.drain_timeout: a whole number; {duration}",
                "gateway.queue_limit: 0; must be at least 1",
                'gateway.queue_limits: unknown key; did you mean "queue_limit"?',
            ],
        )

    def test_directories_of_plug_ins(self) -> None:
        """Each entry that is no directory is a line of its own, whatever it is."""
        gateway = {"plugins": ["/", "no/such", 3, "a" * 5000, "nul\0"]}
        rule = "must be the path of a directory that is there"
        self.assertEqual(
            self.faults({"gateway": gateway, "apps": {"a": self.app}}),
            [
                f"gateway.plugins[1]: a string of length 7; {rule}",
                f"gateway.plugins[2]: a whole number; {rule}",
                f"gateway.plugins[3]: a string of length 5000; {rule}",
                f"gateway.plugins[4]: a string of length 4; {rule}",
            ],
        )
        [fault] = self.faults({"gateway": {"plugins": "/"}, "apps": {"a": self.app}})
        self.assertEqual(fault, "gateway.plugins: a string of length 1; must be an array")

    def test_one_of_a_kind(self) -> None:
        """Of a sink that says so there may be one: a second would share its file."""

        class Alone(SinkTable):
            ONE: ClassVar[bool] = True

        self.patch(DRAIN, "config", Alone)
        sinks = {name: {"type": "drain"} for name in ("a", "b", "c")}
        app = {"upstream": "wire", "host": "push.example"}
        self.assertEqual(
            self.faults({"apps": {"x": app}, "sinks": sinks}),
            [f'sinks.{name}.type: a second "drain"; there may be one: sinks.a' for name in ("b", "c")],
        )

    def test_no_plug_in_chosen(self) -> None:
        """A table must say which plug-in it is for."""
        self.assertEqual(
            self.faults(
                {"apps": {"a": {}}, "inputs": {"b": {"type": 3}}, "sinks": {"c": {"type": "two words"}}}
            ),
            [
                "apps.a.upstream: missing; known: bad, wire",
                "inputs.b.type: a whole number; known: hatch",
                "sinks.c.type: a string of length 9; known: drain",
            ],
        )

    def test_an_unknown_plug_in(self) -> None:
        """An unknown plug-in is reported with the known ones and with those that could not be used."""
        tree = {"apps": {"a": {"upstream": "pigeon"}}}
        line = 'apps.a.upstream: there is no upstream "pigeon"; known: bad, wire'
        self.assertEqual(self.faults(tree), [line])
        self.assertEqual(
            self.faults(tree, Broken("/p/pigeon.py", "cannot be imported: ImportError: no wings")),
            [f"{line}; not usable: /p/pigeon.py: cannot be imported: ImportError: no wings"],
        )

    def test_a_plug_in_that_cannot_be_loaded(self) -> None:
        """A plug-in whose code is missing is reported when it is chosen."""
        reason = "ModuleNotFoundError: No module named 'no_such_module'"
        what = f'upstream "bad" (no_such_module:it) cannot be imported: {reason}'
        self.assertEqual(
            self.faults({"apps": {"a": {"upstream": "bad"}}}), [f"apps.a.upstream: {what}; known: bad, wire"]
        )

    def test_the_plug_ins_keys(self) -> None:
        """The keys of a table are those of its plug-in."""
        app = {"upstream": "wire", "prt": 2, "rate": -1, "delivery": "perhaps"}
        sink = {"type": "drain", "tokens": "some", "buffer": 0}
        self.assertEqual(
            self.faults({"apps": {"a": app}, "inputs": {"b": {"type": "hatch"}}, "sinks": {"c": sink}}),
            [
                'apps.a.delivery: "perhaps"; must be "at-least-once" or "at-most-once"',
                "apps.a.rate: -1; must be at least 0.0",
                "apps.a.host: missing; required",
                'apps.a.prt: unknown key; did you mean "port"?',
                "inputs.b.listen: missing; required",
                'sinks.c.tokens: "some"; must be "full", "hash" or "none"',
                "sinks.c.buffer: 0; must be at least 1",
            ],
        )

    def test_names(self) -> None:
        """The names of apps, inputs and sinks are words, because they end up in metrics and file names."""
        self.assertEqual(
            self.faults({"apps": {"a b": self.app, "x" * 65: self.app, "A.b_c-9": self.app}}),
            [
                'apps."a b": a name of length 3; must be 1 to 64 of A-Z a-z 0-9 . _ -, and not . or ..',
                f"apps.{'x' * 65}: a name of length 65; must be 1 to 64 of A-Z a-z 0-9 . _ -, and not . or ..",
            ],
        )


class PrincipalTests(ConfigTestCase):
    def principals(self, **tables: object) -> dict[str, Any]:
        """A tree with these principals."""
        app = {"upstream": "wire", "host": "push.example"}
        return {"apps": {"news": app, "alerts": app}, "inputs": {}, "principals": tables}

    def test_tables(self) -> None:
        """Each principal has its typed table; the one of callers without a login has no proof."""
        shop = {"secret_file": "/etc/shop", "apps": ["news"], "operations": ["admin"], "rate": 5}
        tree = self.principals(shop=shop, anonymous={"operations": []})
        principals = config_from(tree, "f.toml", registry()).principals
        self.assertEqual(
            principals,
            {
                "shop": PrincipalTable(
                    secret_file=Path("/etc/shop"), apps=["news"], operations=[Operation.ADMIN], rate=5
                ),
                "anonymous": PrincipalTable(operations=[]),
            },
        )
        self.assertEqual(self.config(GOOD).principals, {})

    def test_faults(self) -> None:
        """Each with its key and what is allowed, and no string of the file that may be a secret."""
        tree = self.principals(
            shop={"apps": ["nwes", "s3cr3t of the shop"], "certificate": "CN=shop"},
            nothing={"rate": -1, "secret_file": "x"},
            unproven={},
            anonymous={"certificate": "CN=x"},
            admin={"certificate": "CN=admin", "operations": ["everything"], "max_batch": "s3cr3t"},
            secret="s3cr3t",
        )
        self.assertEqual(
            self.faults(tree),
            [
                'principals.shop.apps[0]: there is no app "nwes"; did you mean "news"?',
                "principals.shop.apps[1]: a string of length 18; allowed: alerts, news",
                "principals.nothing.rate: -1; must be at least 0.0",
                "principals.unproven: nothing proves it; secret_file or certificate is required",
                (
                    "principals.anonymous.certificate: nothing can prove it; "
                    "anonymous stands for callers that have not logged in; give the principal another name"
                ),
                'principals.admin.operations[0]: "everything"; must be "push", "read" or "admin"',
                "principals.admin.max_batch: a string of length 6; must be a whole number",
                "principals.secret: a string of length 6; must be a table",
            ],
        )
        tree["principals"] = []
        self.assertEqual(self.faults(tree), ["principals: an array of 0; must be tables [principals.NAME]"])


class EmbeddedTests(SynchronousTestCase):
    def test_what_runs_without_a_file(self) -> None:
        """Without a file: an app on a simulator, three inputs on loopback, and four sinks."""
        config = embedded_default(find(), Path("/var/tmp/state"))
        self.assertEqual(config.gateway.state_dir, Path("/var/tmp/state"))
        self.assertEqual(
            {name: factory.name for name, (factory, _) in config.apps.items()}, {"demo": "simulator"}
        )
        self.assertEqual({name: table.listen for name, (_, table) in config.inputs.items()},
                         {"amp": "tcp:7215:interface=127.0.0.1", "http": "tcp:7216:interface=127.0.0.1",
                          "line": "tcp:7218:interface=127.0.0.1"})  # fmt: skip
        self.assertEqual({name: table.type for name, (_, table) in config.sinks.items()},
                         {"log": "log", "ledger": "ledger", "outcomes": "jsonl", "metrics": "metrics"})  # fmt: skip
        self.assertEqual(config.sinks["outcomes"][1].path, Path("/var/tmp/state/outcomes.jsonl"))
        self.assertEqual(config.sinks["metrics"][1].listen, "tcp:7217:interface=127.0.0.1")


class NameTests(SynchronousTestCase):
    """Keys of real plug-ins that name an app or a principal."""

    def test_of_nothing(self) -> None:
        """A name that is written wrong is found before the start, at its place, with what might be meant."""
        secret = {"type": "webhook", "url": "https://example.com/", "secret_file": "/etc/secret"}
        tree = {
            "gateway": {"state_dir": "memory"},
            "apps": {"news": {"upstream": "simulator"}},
            "inputs": {
                "old": {"type": "apns", "app": "nwes"},
                "queue": {"type": "amqp", "app": "news", "principal": "shpo"},
            },
            "sinks": {"shop": {**secret, "apps": ["news", "nwes"]}},
            "principals": {"shop": {"secret_file": "/etc/shop"}},
        }
        with self.assertRaises(CannotStart) as caught:
            config_from(tree, "f", find())
        self.assertEqual(
            caught.exception.faults,
            [
                'f: inputs.old.app: there is no app "nwes"; did you mean "news"?',
                'f: inputs.queue.principal: there is no principal "shpo"; did you mean "shop"?',
                'f: sinks.shop.apps[1]: there is no app "nwes"; did you mean "news"?',
            ],
        )

    def test_where_there_is_none(self) -> None:
        """Then the fault says which table is missing."""
        tree = {
            "apps": {"news": {"upstream": "simulator"}},
            "inputs": {"queue": {"type": "amqp", "principal": "shop"}},
        }
        with self.assertRaises(CannotStart) as caught:
            config_from(tree, "f", find())
        self.assertEqual(
            caught.exception.faults,
            ['f: inputs.queue.principal: there is no principal "shop"; there is no [principals.NAME]'],
        )
