"""An SMTP input without a network: the base of the tests of its parts."""

from typing import ClassVar

from pushgate.inputs.smtp.server import SmtpServer, SmtpTable
from tests.input_rig import InputTestCase
from tests.mcmt_samples import mcmt, wire

TO = "RCPT TO:<user1@apn_example.com>"
BEGIN = ("EHLO there", "MAIL FROM:<news@example.com>", TO, "DATA")
"""The commands before a message."""


def dotted(message: str) -> bytes:
    """A message as DATA has it, with its last line."""
    return b"".join(
        (b"." if line.startswith(b".") else b"") + line for line in wire(message).splitlines(keepends=True)
    ) + b".\r\n"  # fmt: skip


def commands(*lines: str) -> bytes:
    """Commands as they go on the wire."""
    return "".join(f"{line}\r\n" for line in lines).encode()


def whole(message: str | None = None, *, begin: tuple[str, ...] = BEGIN) -> bytes:
    """The commands and the data of one message."""
    return commands(*begin) + dotted(mcmt() if message is None else message)


class SmtpTestCase(InputTestCase):
    """An SMTP input for one domain, and one connection that has had its greeting."""

    kind, table, factory = "smtp", SmtpTable, SmtpServer
    options: ClassVar[dict[str, object]] = {
        "domains": {"apn_example.com": "news", "mail.example.com": "mail"}, "host_name": "push.example.com",
    }  # fmt: skip

    def connect(self):
        connection = super().connect()
        self.assertEqual(
            self.taken(connection), b"220 push.example.com ESMTP pushgate, for MCMT messages\r\n"
        )
        return connection

    def received(self, connection=None):
        """The lines that came since the last look."""
        value = self.taken(connection)
        assert value.endswith(b"\r\n") or not value
        lines = value.decode("ascii").splitlines()
        assert all(len(line) <= 510 for line in lines)
        return lines

    def say(self, *lines, connection=None):
        """The lines that answer commands."""
        return self.send(commands(*lines), connection=connection)

    def codes(self, *data):
        """The codes of the replies to what is sent; of those with several lines that of the last."""
        return [int(line[:3]) for line in self.send(*data) if line[3] == " "]

    def refusal(self, message, code, **more):
        """The text of the reply that refuses a message; nothing was submitted, and the connection lives on."""
        *_, last = self.send(whole(message, **more))
        self.assertTrue(last.startswith(f"{code} "), last)
        self.assertEqual(self.gateway.submissions, [])
        self.assertEqual(self.say("NOOP"), ["250 2.0.0 OK"])
        return last[4:]
