"""The sample configuration in ``etc``."""

import re
import tomllib
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from pushgate.plugin.settings import PrincipalTable
from pushgate.service.config.reader import GatewayTable, config_from
from pushgate.service.plugin_registry import find

SAMPLE = Path(__file__).parents[1] / "etc" / "pushgate.toml"


class SampleTests(SynchronousTestCase):
    def complete(self) -> str:
        """The sample with every default that it shows in force."""
        return re.sub(r"^# (\w+ = .+)$", r"\1", SAMPLE.read_text(), flags=re.MULTILINE)

    def test_it_is_good(self) -> None:
        """The sample as it is has no fault."""
        config_from(tomllib.loads(SAMPLE.read_text()), "sample", find())

    def test_its_defaults_are_the_defaults(self) -> None:
        """What the sample shows as a default is one: writing it out changes nothing."""
        as_it_is = config_from(tomllib.loads(SAMPLE.read_text()), "sample", find())
        tree = tomllib.loads(self.complete())
        self.assertEqual(tree["apps"]["news"].pop("password_file"), "/etc/pushgate/news.password")
        self.assertEqual(tree["apps"]["news"].pop("proxy"), "http://proxy.example.com:3128")
        set_already = tomllib.loads(SAMPLE.read_text())["inputs"]
        for name, table in tree["inputs"].items():
            for key in {"certificate", "private_key", "client_authorities"} - set_already[name].keys():
                self.assertTrue(table.pop(key).startswith("/etc/pushgate/"))
        self.assertEqual(config_from(tree, "sample", find()), as_it_is)

    def test_its_examples(self) -> None:
        """Every built-in push service is in the sample; the tables that are comments are good as well."""
        text = re.sub(r"^#(?=\[|\w+ = )", "", SAMPLE.read_text(), flags=re.MULTILINE)
        registry = find()
        apps = config_from(tomllib.loads(text), "sample", registry).apps
        built_in = {
            name for name, found in registry.found["upstream"].items() if "/pushgate/plugins/" in found.origin
        }
        self.assertEqual({factory.name for factory, _ in apps.values()}, built_in)

    def test_it_shows_every_key(self) -> None:
        """Every key this version understands is in the sample, shown as a default or set."""
        tree = tomllib.loads(self.complete())
        config = config_from(tree, "sample", find())
        self.assertEqual(tree["gateway"].keys(), GatewayTable.model_fields.keys())
        for section in ("inputs", "sinks"):
            for name, (_, table) in getattr(config, section).items():
                self.assertEqual(tree[section][name].keys(), type(table).model_fields.keys(), name)
        self.assertEqual(tree["principals"]["shop"].keys(), PrincipalTable.model_fields.keys())
        news = config.apps["news"][1]
        self.assertEqual(tree["apps"]["news"].keys(), type(news).model_fields.keys())
