"""How plug-ins are found, and how those that cannot be used are reported."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, get_type_hints

from pushgate import plugins
from pushgate.model.errors import CannotStart
from pushgate.plugin.factories import KINDS
from pushgate.service.plugin_registry import Broken, find
from tests.plug_ins import SINK, PlugInTestCase

BUILTIN = {
    "input": {"amp"},
    "sink": {"log", "jsonl", "metrics"},
    "upstream": {"apns-stream", "simulator"},
}


class BuiltInTests(PlugInTestCase):
    def test_all_are_declared(self) -> None:
        """The built-in plug-ins are found like any other, in their own module."""
        registry = self.found()
        for kind in KINDS:
            known = registry.found[kind.word]
            self.assertLessEqual(BUILTIN[kind.word], known.keys())
            for name in BUILTIN[kind.word]:
                self.assertEqual(Path(known[name].origin).name, "builtin.py")

    def test_all_load(self) -> None:
        """Each built-in's code can be imported, and its callable takes its table."""
        registry = find(load=True)
        self.assertEqual(registry.broken, [])
        for kind in KINDS:
            for name in BUILTIN[kind.word]:
                table, make, _ = registry.found[kind.word][name].factory.load()
                takes = get_type_hints(make.__init__ if isinstance(make, type) else make)["config"]
                self.assertIn(takes, (table, Any), name)

    def test_the_look_is_cheap(self) -> None:
        """To look for plug-ins imports the code of none of the built-in ones."""
        code = (
            "import sys; from pushgate.service.plugin_registry import find; find();"
            "print([m for m in sys.modules if m.startswith(('pushgate.inputs', 'pushgate.sinks', "
            "'pushgate.upstreams', 'pushgate.simulator', 'prometheus_client', 'OpenSSL'))])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout, "[]\n")


class DirectoryTests(PlugInTestCase):
    def test_one(self) -> None:
        """A file in a directory of plug-ins is found, with where it comes from."""
        directory = self.directory(a_pigeon=SINK)
        registry = self.found(directory)
        self.assertEqual(registry.found["sink"]["pigeon"].origin, str(directory / "a_pigeon.py"))
        self.assertEqual(registry.broken, [])

    def test_two(self) -> None:
        """There may be several directories."""
        registry = self.found(
            self.directory(a_pigeon=SINK), self.directory(a_dove=SINK.replace('"pigeon"', '"dove"'))
        )
        self.assertLessEqual({"pigeon", "dove"}, registry.found["sink"].keys())

    def test_a_package(self) -> None:
        """A plug-in may be a package."""
        directory = self.directory()
        (directory / "a_flock").mkdir()
        (directory / "a_flock" / "__init__.py").write_text(SINK)
        self.assertIn("pigeon", self.found(directory).found["sink"])

    def test_twice(self) -> None:
        """To name a directory twice, or to look twice, changes nothing."""
        directory = self.directory(a_pigeon=SINK)
        first = self.found(directory, directory)
        self.assertEqual(first.broken, [])
        self.assertEqual(self.found(directory), first)

    def test_one_that_is_not_there(self) -> None:
        """A directory that is none is a fault, and all such are reported at once."""
        file = self.directory(a_pigeon=SINK) / "a_pigeon.py"
        missing = Path("no/such")
        error = self.assertRaises(CannotStart, self.found, missing, file)
        self.assertEqual(
            error.faults, ["--plugins no/such: not a directory", f"--plugins {file}: not a directory"]
        )

    def test_beside_an_entry_of_the_path(self) -> None:
        """A distribution may bring ``pushgate/plugins/x.py``, as for any package of plug-ins."""
        directory = self.directory()
        place = directory / "pushgate" / "plugins"
        place.mkdir(parents=True)
        (place / "a_pigeon.py").write_text(SINK)
        code = (
            "from pushgate.service.plugin_registry import find; print(find().found['sink']['pigeon'].origin)"
        )
        path = os.pathsep.join([str(directory), str(Path(plugins.__file__).parents[2])])
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        self.assertEqual(done.stdout, f"{place / 'a_pigeon.py'}\n")


class BrokenTests(PlugInTestCase):
    def broken(self, source: str) -> str:
        """Why a module with this source cannot be used; checks that it is reported once, with its file."""
        directory = self.directory(a_pigeon=source)
        registry = self.found(directory)
        [broken] = registry.broken
        self.assertEqual(broken.origin, str(directory / "a_pigeon.py"))
        self.assertNotIn("pigeon", registry.found["sink"])
        self.assertIn("amp", registry.found["input"])
        return broken.reason

    def test_a_missing_dependency(self) -> None:
        """A module that cannot be imported is reported with the reason, and others are found all the same."""
        self.assertEqual(
            self.broken("import no_such_module"),
            "cannot be imported: ModuleNotFoundError: No module named 'no_such_module'",
        )

    def test_no_traceback(self) -> None:
        """What cannot be imported is one line of ours: Twisted prints no traceback of its own before it."""
        directory = self.directory(a_pigeon="import no_such_module")
        code = (
            "import sys; from pathlib import Path; from pushgate.service.plugin_registry import find;"
            "print(find([Path(sys.argv[1])]).broken[0])"
        )
        command = [sys.executable, "-c", code, str(directory)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        self.assertIn("cannot be imported: ModuleNotFoundError", done.stdout)
        self.assertEqual(done.stderr, "")

    def test_a_syntax_error(self) -> None:
        """A syntax error is reported with its line."""
        self.assertRegex(
            self.broken("\nx = = 1"), r"cannot be imported: SyntaxError in \w+\.py, line 2: invalid syntax"
        )

    def test_a_module_that_exits(self) -> None:
        """A module that ends the process on import does not."""
        self.assertEqual(self.broken("import sys; sys.exit(3)"), "cannot be imported: SystemExit: 3")

    def test_a_missing_attribute(self) -> None:
        """A factory that lacks what its interface promises is reported with the missing part."""
        reason = self.broken(SINK.replace('    description = "by air, slowly"\n', ""))
        self.assertIn("IOutcomeSinkFactory", reason)
        self.assertIn("description", reason)

    def test_a_wrong_signature(self) -> None:
        """A factory whose method takes other arguments is reported as such."""
        reason = self.broken(SINK.replace("config, gateway, context", "config"))
        self.assertIn("sink(name, config, gateway, context)", reason)

    def test_a_config_of_another_kind(self) -> None:
        """A factory's table must be derived from its kind's."""
        why = "pigeon: its config must be a class derived from pushgate.plugin.SinkTable"
        self.assertEqual(self.broken(SINK.replace("SinkTable", "InputTable")), why)

    def test_a_config_that_is_none(self) -> None:
        """A factory's table must be a class."""
        why = "pigeon: its config must be a class derived from pushgate.plugin.SinkTable"
        self.assertEqual(self.broken(SINK.replace("config = SinkTable", "config = {}")), why)

    def test_a_name_that_cannot_be_written(self) -> None:
        """A plug-in's name follows the same rule as all names."""
        why = "pigeon: its name must be 1 to 64 of A-Z a-z 0-9 . _ -, and not . or .."
        self.assertEqual(self.broken(SINK.replace('"pigeon"', '"a pigeon"')), why)
        self.forget()
        self.assertEqual(self.broken(SINK.replace('"pigeon"', "3")), why)

    def test_a_property_that_raises(self) -> None:
        """Whatever a factory raises when it is checked is reported."""
        source = SINK.replace("    config = SinkTable", "    @property\n    def config(self): return 1 // 0")
        self.assertIn("ZeroDivisionError", self.broken(source))

    def test_a_taken_name(self) -> None:
        """A plug-in cannot take the name of another of its kind; the built-in ones come first."""
        builtin = Path(plugins.__file__).with_name("builtin.py")
        reason = self.broken(SINK.replace('"pigeon"', '"jsonl"'))
        self.assertEqual(reason, f'pigeon: the sink name "jsonl" is taken by {builtin}')

    def test_a_taken_module_name(self) -> None:
        """A module that another of the same name hides is reported."""
        first, second = self.directory(a_pigeon=SINK), self.directory(a_pigeon=SINK)
        registry = self.found(first, second)
        why = f"hidden by {first / 'a_pigeon.py'}, which has the same module name"
        self.assertEqual(registry.broken, [Broken(str(second / "a_pigeon.py"), why)])

    def test_a_second_name_for_the_same(self) -> None:
        """A factory with two variables is one factory, in another module too."""
        source = "from pushgate.plugins.a_pigeon import pigeon"
        registry = self.found(self.directory(a_pigeon=SINK + "\nalias = pigeon\n", another=source))
        self.assertEqual(registry.broken, [])

    def test_a_declaration_without_code(self) -> None:
        """A declared plug-in whose code is missing is there, and reported when its code is loaded."""
        source = (
            "from pushgate.plugin import LazySink\nlazy = LazySink('owl', 'by night', 'no_such_module:it')\n"
        )
        directory = self.directory(an_owl=source)
        registry = self.found(directory)
        self.assertEqual(registry.broken, [])
        self.assertIn("owl", registry.found["sink"])
        [broken] = find([directory], load=True).broken
        self.assertEqual(
            str(broken),
            f'{directory / "an_owl.py"}: sink "owl" (no_such_module:it) cannot be imported: '
            "ModuleNotFoundError: No module named 'no_such_module'",
        )
