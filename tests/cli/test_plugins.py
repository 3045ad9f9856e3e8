"""``pushgate plugins``, and the command as a whole."""

import json
import subprocess
import sys

from click.testing import CliRunner

from pushgate.cli import COMMANDS, main
from tests.plug_ins import SINK, PlugInTestCase


class PluginsTests(PlugInTestCase):
    def test_lines(self) -> None:
        """There is a line for each plug-in: its name, kind, file and description."""
        directory = self.directory(a_pigeon=SINK)
        result = CliRunner().invoke(main, ["plugins", "--plugins", str(directory)])
        self.assertEqual(result.exit_code, 0)
        self.assertIn(
            f"pigeon\tsink\t{directory / 'a_pigeon.py'}\tby air, slowly", result.stdout.splitlines()
        )

    def test_json(self) -> None:
        """Programs get the same as JSON."""
        directory = self.directory(a_pigeon=SINK)
        result = CliRunner().invoke(main, ["plugins", "--json", "--plugins", str(directory)])
        pigeon = {
            "name": "pigeon",
            "kind": "sink",
            "origin": str(directory / "a_pigeon.py"),
            "description": "by air, slowly",
        }
        self.assertIn(pigeon, json.loads(result.stdout)["plugins"])

    def test_broken_ones(self) -> None:
        """Those that cannot be used come last with file and reason, nothing else is said, and the status is 1."""
        directory = self.directory(a_pigeon="import no_such_module")
        command = [sys.executable, "-c", "from pushgate.cli import main; main()", "plugins"]
        done = subprocess.run(
            [*command, "--plugins", str(directory)], capture_output=True, text=True, check=False
        )
        self.assertEqual(done.returncode, 1)
        reason = "cannot be imported: ModuleNotFoundError: No module named 'no_such_module'"
        self.assertIn(f"\nnot usable:\n{directory / 'a_pigeon.py'}\t{reason}\n", done.stdout)
        self.assertEqual(done.stderr, "")

    def test_broken_ones_in_json(self) -> None:
        """For programs too: the whole list, and the status."""
        directory = self.directory(a_pigeon="import no_such_module")
        result = CliRunner().invoke(main, ["plugins", "--json", "--plugins", str(directory)])
        [broken] = json.loads(result.stdout)["broken"]
        self.assertEqual((broken["origin"], broken["needs"]), (str(directory / "a_pigeon.py"), ""))
        self.assertEqual(result.exit_code, 1)

    def test_what_is_not_installed(self) -> None:
        """A package that one is declared to need may be missing on purpose: it is listed, and the status is 0."""
        source = (
            'from pushgate.plugin import LazySink\nit = LazySink("it", "", "no_such:it", needs="it[wings]")'
        )
        directory = self.directory(a_pigeon=source)
        result = CliRunner().invoke(main, ["plugins", "--plugins", str(directory)])
        reason = "sink \"it\" (no_such:it) needs no_such: pip install 'it[wings]'"
        self.assertIn(f"\nnot installed:\n{directory / 'a_pigeon.py'}\t{reason}\n", result.stdout)
        self.assertNotIn("not usable", result.stdout)
        self.assertEqual(result.exit_code, 0)
        result = CliRunner().invoke(main, ["plugins", "--json", "--plugins", str(directory)])
        [broken] = json.loads(result.stdout)["broken"]
        self.assertEqual((broken["needs"], result.exit_code), ("it[wings]", 0))

    def test_a_directory_that_is_not_there(self) -> None:
        """A directory that is none is one line on stderr."""
        result = CliRunner().invoke(main, ["plugins", "--plugins", "no/such"])
        self.assertEqual((result.exit_code, result.stderr), (1, "--plugins no/such: not a directory\n"))


class CommandTests(PlugInTestCase):
    def test_help(self) -> None:
        """Help lists every command."""
        result = CliRunner().invoke(main, ["--help"])
        self.assertEqual(result.exit_code, 0)
        for command in COMMANDS:
            self.assertIn(f"\n  {command} ", result.stdout)

    def test_help_is_quick(self) -> None:
        """To show help imports neither Twisted's network nor the tables for people."""
        code = (
            "import sys; from click.testing import CliRunner; from pushgate.cli import main;"
            "CliRunner().invoke(main, ['--help']);"
            "print({'twisted.internet', 'rich', 'pydantic', 'OpenSSL'} & sys.modules.keys())"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout, "set()\n")

    def test_an_unknown_command(self) -> None:
        """An unknown command is an error of use."""
        self.assertEqual(CliRunner().invoke(main, ["no-such"]).exit_code, 2)
