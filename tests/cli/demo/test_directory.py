"""The directory of the demonstration."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from pushgate.cli.demo.devices import devices
from pushgate.cli.demo.directory import KEY_ID, TEAM_ID, DemoDirectory
from pushgate.cli.demo.services import HTTP2
from pushgate.model.errors import CannotStart
from pushgate.plugin.config_errors import read_toml, validated
from pushgate.service.config.reader import read_config
from pushgate.service.plugin_registry import find
from pushgate.simulator.provider_keys import ThrowAwayKey
from pushgate.simulator.settings import SimulatorFile


class StageTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp())

    def test_configuration(self) -> None:
        """What is written there is good configuration for both processes."""
        stage, whom = DemoDirectory(self.directory), devices(100)
        stage.write_configuration(whom, 2.0)
        file = self.directory / "simulator.toml"
        simulator = validated(SimulatorFile, read_toml(file), str(file)).simulator
        self.assertEqual([rule.token for rule in simulator.script], [whom.shutdown_at, whom.close_at])
        [(_, app)] = read_config(self.directory / "gateway.toml", find()).apps.values()
        self.assertEqual((app.port, app.response_timeout), (stage.push, 2.0))

    def test_configuration_over_http2(self) -> None:
        """So is that for the other push service."""
        stage, whom = DemoDirectory(self.directory), devices(100)
        stage.write_configuration(whom, 2.0, HTTP2)
        file = self.directory / "simulator.toml"
        simulator = validated(SimulatorFile, read_toml(file), str(file)).simulator
        self.assertEqual([rule.token for rule in simulator.script], [whom.shutdown_at, whom.close_at])
        [(_, app)] = read_config(self.directory / "gateway.toml", find()).apps.values()
        self.assertEqual((app.upstream, app.port, app.team_id), ("apns-http2", stage.http2, TEAM_ID))
        self.assertEqual((KEY_ID, TEAM_ID), (ThrowAwayKey.key_id, ThrowAwayKey.team_id))

    def test_a_former_demo(self) -> None:
        """A former demonstration is cleared away; what else somebody put there stays."""
        stage = DemoDirectory(self.directory)
        stage.outcomes.write_text("{}\n")
        (self.directory / "certificates").mkdir()
        (self.directory / "notes.txt").write_text("mine")
        stage.close()
        DemoDirectory(self.directory)
        names = {path.name for path in self.directory.iterdir()}
        self.assertEqual(names, {".pushgate-demo", "notes.txt"})

    def test_something_else(self) -> None:
        """A directory that holds anything else is refused, and stays as it is."""
        self.directory.mkdir()
        (self.directory / "outcomes.jsonl").write_text("somebody's")
        error = self.assertRaises(CannotStart, DemoDirectory, self.directory)
        self.assertIn("--dir", error.faults[0])
        self.assertEqual([path.name for path in self.directory.iterdir()], ["outcomes.jsonl"])

    def test_in_use(self) -> None:
        """Two demonstrations do not share a directory."""
        stage = DemoDirectory(self.directory)
        error = self.assertRaises(CannotStart, DemoDirectory, self.directory)
        self.assertIn("another demo is running", error.faults[0])
        stage.close()

    def test_no_directory(self) -> None:
        """A path that can be no directory is refused in a line that says what to do."""
        self.directory.write_text("a file")
        error = self.assertRaises(CannotStart, DemoDirectory, self.directory)
        self.assertEqual(
            error.faults, [f"{self.directory}: File exists; choose another directory with --dir"]
        )
