"""Managed devices in lines."""

from typing import ClassVar

from pushgate.model.enrolment import EnrolmentRequest
from pushgate.model.principals import Grant, Operation
from tests.line_rig import HEX, LineTestCase
from tests.samples import TOKEN


class EnrolmentTests(LineTestCase):
    def test_a_life(self):
        """Enrolled, called, then left."""
        self.assertEqual(self.send(b"CHECKIN news %b\n" % HEX), ["OK unknown"])
        self.assertEqual(self.send(b"ENROL news %b magic\n" % HEX), ["OK enrolled"])
        self.assertEqual(self.gateway.managed.kept[TOKEN], EnrolmentRequest(token=TOKEN, push_magic="magic"))
        self.gateway.managed.warnings = ("an earlier one is superseded",)
        line = b"enrol news %b other\n" % HEX
        self.assertEqual(self.send(line), ["OK enrolled; an earlier one is superseded"])
        self.assertEqual(self.send(b"CHECKIN news %b\n" % HEX), ["OK known"])
        self.assertEqual(self.send(b"CHECKOUT news %b magic\n" % HEX), ["OK unknown"])
        self.assertEqual(self.gateway.managed.checked_out, set())
        self.assertEqual(self.send(b"CHECKOUT news %b other\n" % HEX), ["OK known"])
        self.assertEqual(self.send(b"CHECKOUT news %b\n" % HEX), ["OK known"])
        self.assertEqual(self.gateway.managed.checked_out, {TOKEN})
        self.assertEqual(self.send(b"CHECKOUT news %b\n" % (b"ab" * 32)), ["OK unknown"])

    def test_refusals(self):
        """Each names what is wrong."""
        for line, code, field in (
            (b"ENROL news\n", "INVALID", "line"),
            (b"ENROL news %b\n" % HEX, "INVALID", "line"),
            (b"ENROL news zz magic\n", "INVALID", "token"),
            (b"CHECKIN news \xff\n", "INVALID", "line"),
            (b"CHECKIN nowhere %b\n" % HEX, "UNKNOWN_APP", "app"),
            (b"CHECKOUT news\n", "INVALID", "line"),
            (b"CHECKOUT news %b m m\n" % HEX, "INVALID", "line"),
            (b"CHECKIN news %b m\n" % HEX, "INVALID", "line"),
            (b"CHECKOUT nowhere %b\n" % HEX, "UNKNOWN_APP", "app"),
        ):
            found, text = self.refusal(line)
            self.assertEqual((found, text.partition(":")[0]), (code, field))


class PermissionTests(LineTestCase):
    grants: ClassVar = {"anonymous": Grant(operations=frozenset({Operation.READ}))}

    def test_operations(self):
        """Each needs the operation push."""
        for line in (b"ENROL news %b magic\n", b"CHECKIN news %b\n", b"CHECKOUT news %b\n"):
            self.assertEqual(self.refusal(line % HEX)[0], "FORBIDDEN")
