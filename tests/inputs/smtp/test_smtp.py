"""The SMTP input without a network: the dialogue, messages, and refusals."""

import time
from base64 import b64encode
from typing import ClassVar

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.internet.address import UNIXAddress

from pushgate.inputs.smtp.dialogue import MAX_COMMAND, MAX_FAULTS
from pushgate.inputs.smtp.line_reader import MAX_LINE, LineReader
from pushgate.model.errors import Conflict, Invalid, Overloaded, TooFast
from pushgate.model.notification import parse_id
from pushgate.model.principals import Grant, Operation
from pushgate.model.secret_hash import SecretHash
from tests.mcmt_samples import HEX, PAYLOAD, mcmt, wire
from tests.smtp_rig import BEGIN, TO, SmtpTestCase, commands, dotted, whole

SECRET = "secret-of-the-shop"


def base64(text):
    return b64encode(text.encode()).decode()


def plain(name, secret, other=""):
    """The command of a login."""
    text = f"{other}\0{name}\0{secret}"
    return f"AUTH PLAIN {base64(text)}"


class MessageTests(SmtpTestCase):
    def test_a_message(self):
        """One message is one notification, and 250 names it."""
        replies = self.send(commands(*BEGIN))
        self.assertEqual(
            replies,
            [
                "250-push.example.com", "250-PIPELINING", "250-SIZE 1048576", "250-8BITMIME", "250 ENHANCEDSTATUSCODES",
                "250 2.0.0 Sender address accepted", "250 2.0.0 Recipient address accepted", "354 Continue",
            ],
        )  # fmt: skip
        [reply] = self.send(dotted(mcmt()))
        [submission] = self.gateway.submissions
        self.assertEqual((submission.app, submission.key), ("news", None))
        self.assertEqual([each.hex() for each in submission.tokens], [HEX])
        self.assertEqual(submission.payload, PAYLOAD.encode())
        code, status, ok, number = reply.split()
        self.assertEqual((code, status, ok), ("250", "2.0.0", "OK"))
        self.assertTrue(parse_id(number))

    def test_250_after_it_is_stored(self):
        """There is no reply until the gateway has stored the message, nor to pipelined commands."""
        self.gateway.holding = True
        self.assertEqual(self.codes(whole() + commands("NOOP", "QUIT")), [250, 250, 250, 354])
        self.assertEqual(self.connection.transport.producerState, "paused")
        self.gateway.release()
        self.assertEqual([line[:3] for line in self.received()], ["250", "250", "221"])
        self.assertTrue(self.connection.transport.disconnecting)

    def test_many_on_one_connection(self):
        """Each message has a reply, in order."""
        messages = [mcmt(f"{number:064x}") for number in range(20)]
        begin = BEGIN[1:]
        self.say(BEGIN[0])
        replies = self.codes(b"".join(whole(each, begin=begin) for each in messages))
        self.assertEqual(replies, [250, 250, 354, 250] * 20)
        sent = [token for each in self.gateway.submissions for token in each.tokens]
        self.assertEqual([int.from_bytes(each) for each in sent], list(range(20)))

    def test_a_line_of_dots(self):
        """A leading dot is removed, and only one."""
        message = mcmt(payload='{"aps":{"alert":"a",\n..\n"b":1}}')
        self.assertEqual(self.codes(commands(*BEGIN) + dotted(message))[-1], 554)
        text = dotted(mcmt(payload='{"aps":\n{}}')).replace(b"{}}", b".{}}")
        self.assertEqual(self.codes(commands(*BEGIN) + text)[-1], 250)
        self.assertEqual(self.gateway.submissions[0].payload, b'{"aps":\r\n{}}')

    def test_the_mail_may_have_dots(self):
        """Dots of the mail are unstuffed."""
        message = mcmt(None, inner=f"X-Device-Token: {HEX}\n").replace("mail version", ".\n..\n.mail")
        self.assertEqual(self.codes(whole(message))[-1], 250)

    def test_byte_by_byte(self):
        """The replies do not depend on how the bytes arrive."""
        found = [self.codes(bytes((each,))) for each in whole() + commands("QUIT")]
        self.assertEqual([code for codes in found for code in codes], [250, 250, 250, 354, 250, 221])

    def test_recipients_of_one_app(self):
        """Several recipients are one notification, because a message has one device."""
        begin = (*BEGIN[:3], "RCPT TO:<user2@APN_example.com.>", "DATA")
        self.assertEqual(self.codes(whole(begin=begin)), [250, 250, 250, 250, 354, 250])
        self.assertEqual(len(self.gateway.submissions), 1)

    def test_recipients_of_two_apps(self):
        """The recipient of another app gets 452, as for too many recipients (RFC 5321)."""
        begin = (*BEGIN[:3], "RCPT TO:<user1@mail.example.com>", "DATA")
        replies = self.send(whole(begin=begin))
        self.assertTrue(replies[-3].startswith("452 4.5.3 a message is for one app"), replies)
        self.assertEqual([each.app for each in self.gateway.submissions], ["news"])
        begin = (BEGIN[1], "RCPT TO:<user1@mail.example.com>", "DATA")
        self.assertEqual(self.codes(whole(begin=begin))[-1], 250)
        self.assertEqual([each.app for each in self.gateway.submissions], ["news", "mail"])

    def test_a_refused_command_changes_nothing(self):
        """The transaction continues: the message is for the app of the accepted recipients."""
        self.say("EHLO x")
        for line in (
            "MAIL FROM:<c@d>", "MAIL", "MAIL FROM:<c@d> X=Y", "RCPT", "RCPT TO:<a@elsewhere.example>", "DATA x", "AUTH",
            "STARTTLS", "EHLO", "FOO", f"NOOP {'x' * MAX_COMMAND}",
        ):  # fmt: skip
            refused, other = self.codes(
                commands("MAIL FROM:<a@b>", TO, line, "RCPT TO:<user1@mail.example.com>")
            )[2:]
            self.assertGreaterEqual(refused, 400, line)
            self.assertEqual(other, 452, line)
            self.assertEqual(self.codes(commands("DATA") + dotted(mcmt())), [354, 250], line)
        self.assertEqual({each.app for each in self.gateway.submissions}, {"news"})

    def test_what_is_wrong_is_named(self):
        """The reply names the header or part, its shape and the rule; the connection stays open."""
        for message, code, text in (
            (mcmt("00zz"), 554, "5.6.0 X-Device-Token: text of 4 characters; an even number of hex digits"),
            (mcmt(None), 554, "5.6.0 X-Device-Token: missing; a header behind the blank line"),
            (mcmt(payload=PAYLOAD[:-1] + ",}"), 554, "5.6.0 payload: 23 bytes; a JSON object in UTF-8"),
            (mcmt(payload="x" * 3000), 552, "5.3.4 payload: 3000 bytes; at most 2048"),
            (mcmt(payload="x" * 30_000 + "\n" + "x" * 40_000), 554, "5.6.0 message: a line that is too long"),
            ("Subject: spam\n\nmail\n", 554, "5.6.0 Content-Type: another media type"),
            ("no header at all\n", 554, "5.6.0 Content-Type: another media type"),
            ("", 554, "5.6.0 Content-Type: another media type"),
        ):
            self.assertIn(text, self.refusal(message, code))

    def test_a_payload_beyond_65535_bytes(self):
        """A payload that does not fit into a batch is not submitted."""
        lines = "\n".join("x" * 1000 for _ in range(70))
        self.assertIn("payload: 70", self.refusal(mcmt(payload=lines), 552))

    def test_line_ends(self):
        """A message with a bare CR or LF is refused, and the lines after it are not executed."""
        for ends in (b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r"):
            smuggled = ends + commands("MAIL FROM:<x@example.com>", TO, "DATA")
            data = wire(mcmt()).replace(b"mail version", b"mail" + smuggled)
            self.assertEqual(self.codes(commands(*BEGIN) + data + b".\r\n"), [250, 250, 250, 354, 554])
        self.assertEqual(self.gateway.submissions, [])

    def test_refusals_of_the_gateway(self):
        """Temporary refusals are 4xx, permanent ones 5xx."""
        for error, code, text in (
            (Overloaded("queue", 10, 10), 452, "4.3.1 queue: 10 waiting"),
            (TooFast(5, 2.5), 452, "4.3.1 rate: at most 5 notifications a second; again in 2.5 s"),
            (Invalid("topic", "x", "y"), 554, "5.6.0 topic: x; y"),
        ):
            self.gateway.error = error
            self.assertIn(text, self.refusal(None, code))

    def test_a_bug(self):
        """A failure of the gateway is 451, and logged once."""
        self.gateway.error = RuntimeError("a bug")
        self.assertIn("4.3.0 the gateway failed", self.refusal(None, 451))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_one_of_the_batch(self):
        """Messages of one turn are one batch, with a reply each."""
        others = [self.connect() for _ in range(2)]
        for connection, token in ((self.connection, HEX), (others[0], "00" * 101), (others[1], "01" * 32)):
            connection.dataReceived(whole(mcmt(token)))
        self.clock.advance(0)
        lasts = [self.received(each)[-1][:3] for each in (self.connection, *others)]
        self.assertEqual(lasts, ["250", "554", "250"])
        self.assertEqual(len(self.gateway.submissions), 1)


class RepetitionTests(SmtpTestCase):
    options: ClassVar = {"app": "news", "expiry": "1h", "host_name": "push.example.com"}
    message = mcmt(message_id="<1@example.com>")

    def test_the_same_message_again(self):
        """A repeated message gets the id of the first notification."""
        first, second = (self.send(whole(self.message))[-1] for _ in range(2))
        self.assertEqual(first, second)
        self.assertTrue(first.startswith("250 2.0.0 OK "))

    def test_the_same_id_with_other_content(self):
        """Other content with the same Message-ID is another notification."""
        other = mcmt("01" * 32, message_id="<1@example.com>")
        replies = {self.send(whole(message))[-1] for message in (self.message, other)}
        self.assertEqual((len(replies), {reply[:13] for reply in replies}), (2, {"250 2.0.0 OK "}))

    def test_later(self):
        """A repetition with a later expiration gets the id of the first notification."""
        self.gateway.error = Conflict(0x0123456789ABCDEF << 64)
        self.assertEqual(
            self.send(whole(self.message))[-1], "250 2.0.0 OK 01234567-89ab-cdef-0000-000000000000"
        )
        self.gateway.error = Conflict()
        self.assertIn("554 5.6.0 key: used within 24 hours", self.send(whole(self.message))[-1])

    def test_expiry(self):
        """The expiration is the time of arrival and `expiry`."""
        self.send(whole(self.message))
        [submission] = self.gateway.submissions
        self.assertLess(abs(submission.terms.expiration - time.time() - 3600), 60)

    def test_refused_alone(self):
        """A refusal of the gateway is the reply."""
        self.assertIn("554 5.6.0 payload", self.send(whole(mcmt(payload="[]", message_id="<1@x>")))[-1])


class DialogueTests(SmtpTestCase):
    def test_order(self):
        """Commands out of order are refused; RSET and EHLO reset the transaction."""
        for lines, code in (
            (["MAIL FROM:<a@b>"], 503), (["EHLO x", "RCPT TO:<a@apn_example.com>"], 503), (["DATA"], 503),
            (["MAIL FROM:<a@b>", "DATA"], 503), (["RSET", "RCPT TO:<a@apn_example.com>"], 503),
            (["MAIL FROM:<a@b>", "MAIL FROM:<a@b>"], 503), (["EHLO x", "RCPT TO:<a@apn_example.com>"], 503),
            (["HELO x", "MAIL FROM:<>"], 250), (["STARTTLS"], 454), (["STARTTLS x"], 501), (["EHLO"], 501),
            (["HELO"], 501), (["DATA x"], 501),
        ):  # fmt: skip
            self.assertEqual(self.codes(commands(*lines))[-1], code, lines)

    def test_small_commands(self):
        """NOOP, VRFY, HELP, RSET and QUIT."""
        self.assertEqual(
            self.codes(commands("NOOP x", "VRFY x", "HELP", "RSET", "QUIT")), [250, 252, 214, 250, 221]
        )

    def test_parameters(self):
        """SIZE is checked against the limit; unknown parameters are refused."""
        self.say("EHLO x")
        for parameters, code in (
            ("SIZE=1048576 BODY=8BITMIME", 250), ("body=7bit AUTH=<>", 250), ("SIZE=1048577", 552), ("SIZE=" + "9" * 20, 552),
            ("SIZE=" + "9" * 21, 555), ("SIZE=-1", 555), ("BODY=BINARYMIME", 555), ("SMTPUTF8", 555), ("BODY", 555),
        ):  # fmt: skip
            self.assertEqual(
                self.codes(commands(f"MAIL FROM:<a@b> {parameters}", "RSET"))[0], code, parameters
            )
        self.assertEqual(self.codes(commands("MAIL FROM:<a@b>", f"{TO} NOTIFY=NEVER")), [250, 555])

    def test_addresses(self):
        """Recipients need a known domain; any sender is accepted."""
        self.say("EHLO x", "MAIL FROM:<a@b>")
        for address, code in (
            ("<user1@apn_example.com>", 250), ("<User@APN_EXAMPLE.com>", 250), ('<"a b"@apn_example.com>', 250),
            ("user1@apn_example.com", 250), ("<user1@elsewhere.example>", 550), ("<user1>", 550), ("<>", 501), ("", 501),
            ("<a@b@c>", 553), ("<" + "." * 1900 + ">", 550),
        ):  # fmt: skip
            self.assertEqual(self.codes(commands(f"RCPT TO:{address}")), [code], address)

    def test_no_sense(self):
        """Invalid commands are refused, and many of them close the connection."""
        for line in (
            b"",
            b"   ",
            b"FOO",
            b"MAIL",
            b"MAIL TO:<a@b>",
            b"\xff\xfe",
            b"NOOP \x00",
            b"EHLO a\rQUIT",
        ):
            self.assertIn(self.codes(line + b"\r\n")[0], (500, 501, 503), line)
        self.assertEqual(self.codes(commands("NOOP"))[0], 250)
        *_, last = self.codes(commands(*["FOO"] * MAX_FAULTS))
        self.assertEqual(last, 421)
        self.assertTrue(self.connection.transport.disconnecting)

    def test_faults_are_reset_by_a_message(self):
        """An accepted message resets the count of invalid commands."""
        for _ in range(MAX_FAULTS):
            self.assertEqual(self.codes(commands("XCLIENT", "XCLIENT") + whole())[-1], 250)

    def test_http(self):
        """An HTTP request closes the connection, and its body is not executed."""
        body = whole().decode()
        for method in ("POST", "get", "PRI"):
            connection = self.connect()
            text = f"{method} / HTTP/1.1\r\nHost: localhost\r\n\r\n{body}".encode()
            [line] = self.send(text, connection=connection)
            self.assertEqual(line, "421 4.7.0 this is an SMTP server, not an HTTP server")
            self.assertTrue(connection.transport.disconnecting)
        self.assertEqual(self.gateway.submissions, [])
        self.assertEqual(self.counted("pushgate_connections_closed_total"), {("smtp", "malformed"): 3})

    def test_lines_without_cr(self):
        """A line with a bare LF gets a reply, and the connection is closed."""
        self.assertEqual(self.send(b"EHLO x\n"), ["421 4.5.2 lines end with CRLF"])
        self.assertTrue(self.connection.transport.disconnecting)

    def test_auth_without_principals(self):
        """Without principals AUTH is not offered."""
        self.assertNotIn("AUTH", " ".join(self.say("EHLO x")))


class BoundsTests(SmtpTestCase):
    options: ClassVar = {
        "app": "news", "max_message": 2000, "max_bodies": 3000, "max_recipients": 2, "host_name": "push.example.com",
        "max_per_address": 5, "request_timeout": "10s", "idle_timeout": "60s",
    }  # fmt: skip

    def test_long_commands(self):
        """A long command is refused, and the next one is executed."""
        for size in (MAX_COMMAND + 1, MAX_LINE + 1, 1_000_000):
            self.assertEqual(self.codes(b"NOOP " + b"x" * size + b"\r\nNOOP\r\n"), [500, 250])

    def test_long_lines_in_messages(self):
        """The message is refused, and its lines are not executed."""
        data = wire(mcmt()).replace(b"mail version", b"x" * (MAX_LINE + 1) + b"\r\nQUIT")
        self.assertEqual(self.codes(commands(*BEGIN) + data + b".\r\n" + commands("NOOP"))[-2:], [554, 250])
        self.assertEqual(self.gateway.submissions, [])

    def test_long_messages(self):
        """A long message is refused and dropped, and the next one is accepted."""
        long = mcmt().replace("mail version", "mail\n" * 500)
        self.assertIn("552 5.3.4 message: 20", self.send(whole(long))[-1])
        self.assertEqual(self.server._bytes, 0)
        self.assertEqual(self.codes(whole())[-1], 250)

    def test_many_messages(self):
        """The messages being received have a common limit; beyond it the reply is temporary."""
        half = wire(mcmt().replace("mail version", "m" * 1400))
        others = [self.connect() for _ in range(3)]
        for connection in others:
            self.send(commands(*BEGIN) + half, connection=connection)
        [line] = self.send(b".\r\n", connection=others[2])
        self.assertRegex(line, r"^452 4\.3\.1 messages being received \(bytes\): 2\d+ waiting; at most 3000")
        for connection in others[:2]:
            self.lose(connection)
        self.assertEqual(self.server._bytes, 0)
        self.assertEqual(self.codes(whole())[-1], 250)

    def test_recipients(self):
        """Recipients beyond the limit get 452."""
        self.assertEqual(self.codes(commands(*BEGIN[:2], *[TO] * 3)), [250, 250, 250, 250, 452])

    def test_one_address(self):
        """One address has a limit of connections; when one closes, another is accepted."""
        crowd = [self.connect() for _ in range(4)]
        address = crowd[0].transport.getPeer()
        self.assertIsNone(self.server.buildProtocol(address))
        self.assertEqual(self.counted("pushgate_connections_closed_total"), {("smtp", "crowded"): 1})
        self.lose(crowd[0])
        self.assertIsNotNone(self.server.buildProtocol(address))
        for each in (self.connection, *crowd[1:]):
            self.lose(each)
        self.assertEqual(self.server._by_address, {})

    def test_unix_sockets(self):
        """Peers at a Unix socket have no address and no such limit."""
        peer = UNIXAddress(b"")
        for _ in range(6):
            connection = self.server.buildProtocol(peer)
            transport = type(self.connection.transport)()
            transport.peerAddr = peer
            connection.makeConnection(transport)
            self.assertIn("250 2.0.0 OK", self.send(whole(), connection=connection)[-1])

    def test_the_deadline_of_a_message(self):
        """Slow lines do not extend the deadline of a message."""
        self.send(commands(*BEGIN))
        for _ in range(9):
            self.assertEqual(self.send(b"X: y\r\n"), [])
            self.clock.advance(1)
        self.clock.advance(1)
        self.assertEqual(
            self.received(), ["421 4.3.2 the rest of a command or message did not come within 10 s"]
        )
        self.assertTrue(self.connection.transport.disconnecting)
        self.assertEqual(self.counted("pushgate_connections_closed_total"), {("smtp", "slow"): 1})

    def test_the_deadline_of_a_command(self):
        """A partial command has a deadline."""
        self.send(b"EHL")
        self.clock.advance(10)
        self.assertIn("421 4.3.2", self.received()[0])

    def test_silence(self):
        """An idle connection is closed, also after messages."""
        self.clock.advance(59)
        self.assertEqual(self.codes(whole())[-1], 250)
        self.clock.advance(59)
        self.assertEqual(self.received(), [])
        self.clock.advance(1)
        self.assertEqual(self.received(), ["421 4.3.2 no command within 60 s"])

    def test_silence_of_ours(self):
        """A sender that waits for a reply is not idle."""
        self.gateway.holding = True
        self.send(whole())
        self.clock.advance(200)
        self.assertEqual(self.received(), [])
        self.gateway.release()
        self.assertIn("250 2.0.0 OK", self.received()[0])

    def test_full_queues(self):
        """While the queue is nearly full, reading is paused; then pipelined commands continue."""
        self.gateway.full.add("news")
        self.assertEqual(self.codes(whole() + commands("NOOP")), [250, 250, 250, 354, 250])
        self.assertEqual(self.connection.transport.producerState, "paused")
        self.gateway.relieve("news")
        self.assertEqual(self.received(), ["250 2.0.0 OK"])

    def test_nothing_is_left_behind(self):
        """A connection that is lost in any state leaves no timer and no memory in use."""
        for data in (b"", b"EHL", commands(*BEGIN), commands(*BEGIN) + b"X: y\r\n", whole()):
            connection = self.connect()
            connection.dataReceived(data)
            self.lose(connection)
        self.lose()
        self.clock.advance(0)
        self.assertEqual((self.clock.getDelayedCalls(), self.server._bytes), ([], 0))
        self.assertEqual(self.server.connections, set())

    def test_stopping(self):
        """While stopping, MAIL gets 421."""
        self.server.stopping = True
        self.assertEqual(self.codes(commands(*BEGIN[:2])), [250, 421])
        self.assertTrue(self.connection.transport.disconnecting)

    def test_stopping_between(self):
        """A message that completes after the stop began gets 421."""
        self.send(commands(*BEGIN))
        self.server.stopping = True
        self.assertEqual(self.codes(dotted(mcmt())), [421])
        self.assertEqual(self.gateway.submissions, [])

    def test_the_peer_has_sent_all(self):
        """A peer that closes its side after a message gets the reply."""
        self.gateway.holding = True
        self.send(whole())
        self.connection.readConnectionLost()
        self.assertFalse(self.connection.transport.disconnecting)
        self.gateway.release()
        self.assertIn("250 2.0.0 OK", self.received()[0])
        self.assertTrue(self.connection.transport.disconnecting)

    def test_the_peer_reads_nothing_more(self):
        """A peer that reads no replies is closed."""
        self.connection.writeConnectionLost()
        self.assertTrue(self.connection.transport.disconnecting)


class LoginTests(SmtpTestCase):
    trusting = False
    grants: ClassVar = {
        "shop": Grant(
            operations=frozenset({Operation.PUSH}),
            apps=frozenset({"news"}),
            secrets=(SecretHash.of(SECRET.encode(), bytes(16)),),
        ),
        "reader": Grant(operations=frozenset({Operation.READ}), secrets=(SecretHash.of(b"read", bytes(16)),)),
    }

    def test_offered(self):
        """With principals AUTH is offered."""
        self.assertIn("250 AUTH PLAIN LOGIN", self.say("EHLO x"))

    def test_plain(self):
        """The initial response may be in the command or follow it; then a message is accepted."""
        for lines in (
            [plain("shop", SECRET)],
            ["auth plain", base64(f"shop\0shop\0{SECRET}")],
            [f"AUTH LOGIN {base64('shop')}", base64(SECRET)],
            ["AUTH LOGIN", base64("shop"), base64(SECRET)],
        ):
            self.connection = self.connect()
            self.assertEqual(self.say("EHLO x", *lines)[-1], "235 2.7.0 logged in")
            self.assertEqual(self.codes(whole(begin=BEGIN[1:]))[-1], 250)
            self.assertEqual(self.codes(commands("AUTH PLAIN")), [503])
        self.assertEqual(len(self.gateway.submissions), 4)

    def test_prompts(self):
        """The challenges are those that mailers expect."""
        self.assertEqual(self.say("EHLO x", "AUTH PLAIN")[-1], "334 ")
        self.say("*")
        found = self.say("AUTH LOGIN", base64("shop"))
        self.assertEqual(found, [f"334 {base64('Username:')}", f"334 {base64('Password:')}"])

    def test_without(self):
        """Messages need a login."""
        self.say("EHLO x")
        [line] = self.say("MAIL FROM:<a@b>")
        self.assertTrue(line.startswith("530 5.7.0 login: the caller is not logged in"), line)

    def test_a_wrong_secret(self):
        """The reply is delayed; pipelined commands wait, and MAIL is refused."""
        self.assertEqual(self.say(plain("shop", "x"), "NOOP", "EHLO x", "MAIL FROM:<a@b>"), [])
        self.clock.advance(0.5)
        lines = self.received()
        self.assertTrue(lines[0].startswith("535 5.7.8 login: no principal"), lines)
        self.assertEqual(lines[1], "250 2.0.0 OK")
        self.assertTrue(lines[-1].startswith("530 5.7.0"))
        self.assertEqual(self.counted("pushgate_logins_failed_total"), {("smtp",): 1})

    def test_other_rights(self):
        """Principals without push, or without push for this app, are refused."""
        self.say("EHLO x", plain("reader", "read"))
        self.assertIn("550 5.7.1 push: not allowed", self.say("MAIL FROM:<a@b>")[0])
        self.connection = self.connect()
        self.say("EHLO x", plain("shop", SECRET), "MAIL FROM:<a@b>")
        self.assertIn("550 5.7.1 app: not one that shop", self.say("RCPT TO:<a@mail.example.com>")[0])

    def test_bad_exchanges(self):
        """Invalid exchanges are refused, and commands are accepted again."""
        for lines, code in (
            (["AUTH"], 504), (["AUTH CRAM-MD5"], 504), (["AUTH PLAIN x y"], 504), (["AUTH PLAIN", "*"], 501),
            (["AUTH PLAIN !!!"], 501), (["AUTH PLAIN ="], 501), (["AUTH PLAIN", base64("a")], 501), (["AUTH LOGIN /w=="], 501),
            ([plain("shop", SECRET, "root")], 501), (["AUTH PLAIN", "x" * (MAX_LINE + 1)], 500),
        ):  # fmt: skip
            self.assertEqual(self.codes(commands(*lines))[-1], code, lines)
            self.assertEqual(self.say("NOOP"), ["250 2.0.0 OK"])
        self.assertEqual(
            self.codes(commands("EHLO x", plain("shop", SECRET), "MAIL FROM:<a@b>", "AUTH PLAIN"))[-1],
            503,
        )

    def test_without_tls(self):
        """If other machines can connect, logins and messages need TLS."""
        self.server.trusting = False
        self.assertNotIn("AUTH", " ".join(self.say("EHLO x")))
        self.assertEqual(self.codes(commands("AUTH PLAIN", "MAIL FROM:<a@b>")), [538, 530])

    def test_the_deadline_of_a_login(self):
        """A peer that does not log in is closed after a minute."""
        self.clock.advance(60)
        self.assertEqual(self.received(), ["421 4.3.2 no login within 60 s"])

    def test_leaving_during_a_login(self):
        """A lost connection cancels its login."""
        self.say(plain("shop", "x"))
        self.lose()
        self.clock.advance(100)
        self.assertEqual(self.flushLoggedErrors(), [])


@given(st.lists(st.binary(max_size=50), max_size=10))
@example([b"x\r", b"\ny"])
@example([b"x" * (MAX_LINE + 5), b"\r", b"\nNOOP\r\n"])
@example([b"x" * (MAX_LINE + 5), b"\r\r\n\r\n"])
def test_lines_however_they_come(pieces):
    """The lines do not depend on the pieces, and long lines are dropped."""
    reader, found = LineReader(), []
    for piece in pieces:
        reader.feed(piece)
        while (line := reader.next()) is not None:
            found.append(line)
        assert len(reader._buffer) <= MAX_LINE + 1
    *whole_lines, rest = b"".join(pieces).split(b"\r\n")
    assert [min(len(line), MAX_LINE + 1) for line in whole_lines] == [len(line) for line in found]
    assert [line for line in whole_lines if len(line) <= MAX_LINE] == [
        each for each in found if len(each) <= MAX_LINE
    ]
    assert reader.partial == bool(rest)


class AnythingTests(SmtpTestCase):
    """Any bytes at all."""

    PIECES = st.sampled_from(
        [
            b"EHLO x\r\n", b"MAIL FROM:<a@b>\r\n", b"RCPT TO:<a@apn_example.com>\r\n", b"DATA\r\n", b".\r\n", b"RSET\r\n",
            b"AUTH PLAIN\r\n", b"AUTH LOGIN eA==\r\n", b"STARTTLS\r\n", b"\r\n", b"\r", b"\n", b".", b"QUIT\r\n", wire(mcmt()), b"*\r\n",
        ]
    )  # fmt: skip

    @given(st.lists(PIECES | st.binary(max_size=30), max_size=25))
    def test_anything(self, pieces):
        """There are only whole replies, no failures are logged, and only whole messages are submitted."""
        connection = self.server.connect()
        connection.makeConnection(type(self.connection.transport)())
        for piece in pieces:
            connection.dataReceived(piece)
            self.clock.advance(0)
        self.assertEqual(self.flushLoggedErrors(), [])
        value = self.taken(connection)
        self.assertTrue(value.endswith(b"\r\n"))
        submitted = value.count(b"250 2.0.0 OK 0")
        self.assertLessEqual(submitted, b"".join(pieces).count(b"\r\n.\r\n"))
        self.lose(connection)
