"""Plug-ins that are declared, and loaded when they are first used."""

import sys
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from pushgate.model.errors import CannotStart
from pushgate.model.finding import ok
from pushgate.plugin.examination import IDiagnosable
from pushgate.plugin.factories import LazyInput, LazySink, LazyUpstream
from pushgate.plugin.factory_interfaces import IInputFactory, IOutcomeSinkFactory, IUpstreamFactory
from pushgate.plugin.settings import AppTable, InputTable, SinkTable
from tests.plug_ins import PlugInTestCase

TARGETS = """
from pushgate.plugin import AppTable, InputTable, SinkTable

def make(*args):
    return args

an_input, a_sink, an_upstream = (InputTable, make), (SinkTable, make), (AppTable, make)
none = SinkTable, "make"

async def diagnose(name, table, examination):
    yield name, table, examination

checked, unchecked, four = (AppTable, make, diagnose), (AppTable, make, None), (AppTable, make, make, make)
"""


class LazyFactoryTests(PlugInTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.module = f"lazy_{id(self)}"
        directory = self.directory(
            **{self.module: TARGETS, f"{self.module}_bad": "raise ValueError('no\\nluck')"}
        )
        self.patch(sys, "path", [str(directory), *sys.path])

    def fault(self, target: str) -> str:
        return self.assertRaises(CannotStart, LazySink("it", "", target).load).faults[0]

    def test_interfaces(self) -> None:
        """A declaration is a factory of its kind, with the target's table."""
        for lazy, target, interface, table in (
            (LazyInput, "an_input", IInputFactory, InputTable),
            (LazySink, "a_sink", IOutcomeSinkFactory, SinkTable),
            (LazyUpstream, "an_upstream", IUpstreamFactory, AppTable),
        ):
            factory = lazy("it", "for a test", f"{self.module}:{target}")
            verifyObject(interface, factory)
            self.assertEqual((factory.name, factory.description, factory.config), ("it", "for a test", table))

    def test_nothing_is_imported_before_use(self) -> None:
        """To declare imports nothing; the first use does."""
        factory = LazySink("it", "", f"{self.module}:a_sink")
        self.assertNotIn(self.module, sys.modules)
        _ = factory.config
        self.assertIn(self.module, sys.modules)

    def test_calls_are_passed_on(self) -> None:
        """What a declaration is asked to make, its target's callable makes."""
        sink, app = SinkTable(type="it"), AppTable(upstream="it")
        given = InputTable(type="it")
        lazy_input = LazyInput("it", "", f"{self.module}:an_input")
        self.assertEqual(lazy_input.input("n", given, 2, 3), ("n", given, 2, 3))
        self.assertEqual(LazySink("it", "", f"{self.module}:a_sink").sink("n", sink, 2, 3), ("n", sink, 2, 3))
        lazy_upstream = LazyUpstream("it", "", f"{self.module}:an_upstream")
        self.assertEqual(lazy_upstream.upstream("n", app, 2, 3), ("n", app, 2, 3))

    def test_a_module_that_is_not_there(self) -> None:
        """A missing module is reported with the plug-in's name and its target."""
        self.assertEqual(
            self.fault("no_such_module:it"),
            'sink "it" (no_such_module:it) cannot be imported: '
            "ModuleNotFoundError: No module named 'no_such_module'",
        )

    def test_an_extra_that_is_not_installed(self) -> None:
        """Of a plug-in that needs more than pushgate itself, what is missing is reported, and how to install it."""
        lazy = LazySink("it", "", "no_such_module:it", needs="pushgate[it]")
        fault = self.assertRaises(CannotStart, lazy.load)
        self.assertEqual(
            str(fault), "sink \"it\" (no_such_module:it) needs no_such_module: pip install 'pushgate[it]'"
        )

    def test_a_module_that_fails(self) -> None:
        """What a module raises is reported by its type and first line."""
        target = f"{self.module}_bad:it"
        self.assertEqual(self.fault(target), f'sink "it" ({target}) cannot be imported: ValueError: no')

    def test_a_target_that_is_not_there(self) -> None:
        """A module without the target's name is reported like one that fails."""
        self.assertIn(
            f"AttributeError: module '{self.module}' has no attribute 'it'", self.fault(f"{self.module}:it")
        )

    def test_a_target_of_another_kind(self) -> None:
        """A target that is not a table of the declared kind and a callable is reported as such."""
        for name in ("an_input", "none", "make", "checked", "unchecked", "four"):
            target = f"{self.module}:{name}"
            self.assertEqual(
                self.fault(target),
                f'sink "it" ({target}) is not a pair: a class derived from pushgate.plugin.SinkTable, '
                "and a callable",
            )

    def diagnosed(self, target: str) -> list[Any]:
        factory = LazyUpstream("it", "", f"{self.module}:{target}")
        verifyObject(IDiagnosable, factory)

        async def everything() -> list[Any]:
            return [each async for each in factory.diagnose("news", 1, 2)]

        found: list[Any] = self.successResultOf(Deferred.fromCoroutine(everything()))
        return found

    def test_checks(self) -> None:
        """The third of a target diagnoses; a pair without it has no checks, and that is the one finding."""
        self.assertEqual(self.diagnosed("checked"), [("news", 1, 2)])
        none = ok("no-checks", 'upstream "it" has no checks of its own')
        self.assertEqual(self.diagnosed("an_upstream"), [none])
        for target in ("unchecked", "four"):
            lazy = LazyUpstream("it", "", f"{self.module}:{target}")
            self.assertIn("is not a pair", self.assertRaises(CannotStart, lazy.load).faults[0])

    def test_a_fault_is_not_remembered_as_success(self) -> None:
        """A target that could not be loaded cannot be at the second try either."""
        lazy = LazySink("it", "", f"{self.module}:an_input")
        self.assertRaises(CannotStart, lazy.load)
        self.assertRaises(CannotStart, lazy.load)
