"""The line protocol, line by line."""

import json
from itertools import product
from uuid import UUID

from msgspec.structs import replace

from pushgate.inputs.common import login_throttle
from pushgate.inputs.common.conversation import LOGIN_TIMEOUT
from pushgate.inputs.common.login_throttle import FIRST_DELAY
from pushgate.inputs.line.line_reader import MAX_LINE
from pushgate.inputs.line.push import read_bulk
from pushgate.model.errors import Conflict, Overloaded, ShuttingDown, UnknownApp
from pushgate.model.notification import Delivery, Priority
from pushgate.model.outcome import State
from pushgate.model.principals import Grant, Operation
from pushgate.model.secret_hash import SecretHash
from pushgate.model.target import TargetForm
from pushgate.model.trace import NotificationTrace
from pushgate.protocols.apns_rules import APNS_RULES
from pushgate.testing import outcome
from tests.line_rig import HEX, LineTestCase, push, push_json
from tests.samples import CHANNEL, OF_TEXT, PAYLOAD, TOKEN, WITH_CHANNELS, XML, token


def ids(lines):
    """The ids of lines that say OK, as numbers."""
    return [UUID(line.removeprefix("OK ")).int for line in lines]


class PushTests(LineTestCase):
    rules = WITH_CHANNELS

    def test_a_push_is_answered_with_its_id(self):
        """As text or as JSON, it is the same notification."""
        for line in (push(), push_json()):
            [answer] = self.send(line)
            self.assertEqual(UUID(answer.removeprefix("OK ")).version, 7)
            submission = self.gateway.submissions[-1]
            self.assertEqual((submission.app, list(submission.tokens)), ("news", [TOKEN]))
            self.assertEqual(
                list(submission.payload) if not isinstance(submission.payload, bytes) else submission.payload,
                PAYLOAD,
            )
            self.assertEqual(self.gateway.inputs[-1], "line")

    def test_a_push_magic(self):
        """It takes the place of the payload, in text and in JSON."""
        for line in (
            b"PUSH news %b push_magic=47250C9C expiration=7\n" % HEX,
            b'{"app":"news","token":"%b","push_magic":"47250C9C","expiration":7}\n' % HEX,
        ):
            [answer] = self.send(line)
            self.assertTrue(answer.startswith("OK "), answer)
            submission = self.gateway.submissions[-1]
            self.assertIn(b'{"mdm":"47250C9C"}', [submission.payload, *submission.payload])
            self.assertEqual((submission.terms.push_type, submission.terms.expiration), ("mdm", 7))
        for line in (
            b"PUSH news %b push_magic=x {}\n" % HEX,
            b'{"app":"news","token":"%b","push_magic":"x","payload":{}}\n' % HEX,
        ):
            self.assertTrue(self.refusal(line)[1].startswith("push_magic: with a payload"))
        self.assertTrue(
            self.refusal(b'{"app":"news","token":"%b"}\n' % HEX)[1].startswith("payload: missing")
        )

    def test_a_byte_order_mark(self):
        """The one before the first line of a file that is sent is read as if it were not there."""
        for line in (push(), push_json()):
            [answer] = self.send(b"\xef\xbb\xbf" + line)
            self.assertTrue(answer.startswith("OK "), answer)

    def test_a_push_carries_its_terms(self):
        """Every optional field arrives as the typed value it stands for."""
        text = b"expiration=1700000000 priority=5 collapse_id=sch\xc3\xb6n push_type=alert topic=com.example.news"
        text += b" registered_at=1600000000 delivery=at-most-once key=k"
        fields = (
            ',"expiration":1700000000,"priority":5,"collapse_id":"schön","push_type":"alert"'
            ',"topic":"com.example.news","registered_at":1600000000,"delivery":"at-most-once","key":"l"'
        ).encode()
        for line, key in ((push(options=text), "k"), (push_json(fields=fields), "l")):
            [_] = self.send(line)
            submission = self.gateway.submissions[-1]
            terms = submission.terms
            self.assertEqual((terms.expiration, terms.priority), (1700000000, Priority.BULK))
            self.assertEqual((terms.collapse_id, terms.push_type), ("schön", "alert"))
            self.assertEqual((terms.topic, terms.registered_at), ("com.example.news", 1600000000))
            self.assertEqual((terms.delivery, submission.key), (Delivery.AT_MOST_ONCE, key))

    def test_a_broadcast(self):
        """A channel takes the place of the token, in whose place a line of text has a hyphen."""
        channel, named = CHANNEL.encode(), b'{"app":"news","channel":"%b","payload":{}}\n' % CHANNEL.encode()
        for line in (push(token=b"-", options=b"channel=" + channel), named):
            [_] = self.send(line)
            submission = self.gateway.submissions[-1]
            self.assertEqual((list(submission.tokens), submission.terms.channel), ([channel], CHANNEL))

    def test_a_key_repeated_brings_the_first_id(self):
        """And sends nothing; other content is a conflict."""
        first, again = self.send(push(options=b"key=k"), push(options=b"key=k"))
        self.assertEqual(first, again)
        self.assertEqual(len(self.gateway.submissions), 1)
        self.assertEqual(self.refusal(push(options=b"key=k", payload=b"{}"))[0], "CONFLICT")

    def test_the_pushes_of_one_turn_are_one_batch(self):
        """Whichever connections they came on; each is answered with its own id."""
        other = self.connect()
        other.dataReceived(push())
        answers = self.send(push(), push_json())
        self.assertEqual(len(self.gateway.submissions), 1)
        [first] = ids(self.received(other))
        self.assertEqual(ids(answers), [first + 1, first + 2])

    def test_line_ends_and_white_space(self):
        """LF or CRLF, blank lines between, white space around: it makes no difference, and a blank line no answer."""
        data = b"\r\n\n  PUSH  news %b   {} \r\n\t\n%b\r\nstats\r\n" % (HEX, push_json().strip())
        answers = self.send(data)
        self.assertEqual([answer[:3] for answer in answers], ["OK "] * 3)

    def test_a_payload_may_hold_anything(self):
        """Spaces, braces and other letters are left as they are."""
        payload = '{"aps": {"alert": "ä  = } { \\n"}}'.encode()
        self.send(push(payload=payload), push_json(payload=payload))
        [submission] = self.gateway.submissions
        self.assertEqual(list(submission.payload), [payload] * 2)


class BulkTests(LineTestCase):
    def test_a_block_of_json_lines_is_one_batch(self):
        """Each line gets the id of its member, in order, all in one answer."""
        block = b"".join(push_json(token(n).hex().encode(), b'{"n":%d}' % n) for n in range(500))
        answers = self.send(block)
        [submission] = self.gateway.submissions
        self.assertEqual(list(submission.tokens), [token(n) for n in range(500)])
        self.assertEqual(list(submission.payload), [b'{"n":%d}' % n for n in range(500)])
        numbers = ids(answers)
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + 500)))

    def test_what_all_say_is_kept_once(self):
        """A campaign's payload is not repeated for each."""
        self.send(push_json() * 3)
        self.assertEqual(self.gateway.submissions[0].payload, PAYLOAD)

    def test_one_bad_line_of_a_block_is_refused_alone(self):
        """By the input or by the gateway: the answer stands in its place."""
        for bad in (
            push_json(payload=b"[]"),
            push_json(token=b"zz"),
            push_json(payload=rb'{"alert":"\ud83d"}'),
            push_json(fields=rb',"collapse_id":"\ud83d"'),
            push_json(fields=b',"odd":1'),
            b"{\n",
            b"nonsense\n",
        ):
            answers = self.send(push_json() + bad + push_json())
            self.assertEqual([answer[:11] for answer in answers][1], "ERR INVALID")
            first, last = ids([answers[0], answers[2]])
            self.assertLess(first, last)

    def test_blocks_that_are_looked_at_line_by_line(self):
        """Several apps, tokens of several lengths, optional fields, white space in tokens, text between: all get in."""
        for lines in (
            (push_json(), push_json(app=b"mail")),
            (push_json(), push_json(token=b"abcd")),
            (push_json(), push_json(fields=b',"priority":5')),
            (push_json(token=b"ab cd "), push_json(token=b"abcdef")),
            (push_json(), push(), push_json()),
            (push(), push(app=b"mail")),
            (push(), push(token=b"abcd")),
            (push(), push(options=b"priority=5")),
            (push(), push().lower()),
            (push(), push(token=HEX + b" ")),
            (push_json(payload=b'{"a":"%b"}' % (b"x" * 70000)), push_json()),
        ):
            before = len(self.gateway.submissions)
            answers = self.send(b"".join(lines))
            self.assertEqual(len(answers), len(lines))
            self.assertIsNone(read_bulk(b"".join(lines).rstrip(), lambda app: APNS_RULES))
            self.assertGreater(len(self.gateway.submissions), before)

    def test_objects_over_several_lines_are_none(self):
        """A line is a line, also when the pieces would make an object."""
        for answer in self.send(b'{"app":"news",\n"token":"ab","payload":{}}\n{}\n'):
            self.assertEqual(answer[:11], "ERR INVALID")

    def test_a_block_refused_as_a_whole(self):
        """Each line hears why."""
        self.gateway.error = Overloaded("queue of news", 1, 1)
        answers = self.send(push_json() * 3)
        self.assertEqual({answer[:14] for answer in answers}, {"ERR OVERLOADED"})
        self.assertEqual(len(answers), 3)


class TextBulkTests(LineTestCase):
    def test_a_block_of_text_lines_is_one_batch(self):
        """With either line end, and as JSON lines are."""
        for end in (b"\n", b"\r\n"):
            lines = [push(token(n).hex().encode(), b'{"n": %d}' % n).strip() + end for n in range(300)]
            numbers = ids(self.send(b"".join(lines)))
            submission = self.gateway.submissions[-1]
            self.assertEqual(list(submission.tokens), [token(n) for n in range(300)])
            self.assertEqual(list(submission.payload), [b'{"n": %d}' % n for n in range(300)])
            self.assertEqual(numbers, list(range(numbers[0], numbers[0] + 300)))

    def test_lines_that_only_look_alike(self):
        """Each fault is answered in its line, as when the lines come alone."""
        for bad in (
            b"PUSH  abcd {}",
            b"PUSH news  {}",
            b"PUSH news zzzz {}",
            b"PUSH news abcd {} x",
            b"PUSH \xff abcd {}",
        ):
            alone = self.send(bad + b"\n")
            self.assertEqual(self.send(bad + b"\n" + bad + b"\n"), alone * 2)
            self.assertEqual(alone[0][:11], "ERR INVALID")


class TextPayloadTests(LineTestCase):
    rules = OF_TEXT

    def payloads(self, *lines):
        """What each of these lines is submitted as."""
        before = len(self.gateway.submissions)
        self.assertEqual([answer[:3] for answer in self.send(*lines)], ["OK "] * b"".join(lines).count(b"\n"))
        found = []
        for submission in self.gateway.submissions[before:]:
            payload = submission.payload
            found += [payload] * len(submission.tokens) if isinstance(payload, bytes) else payload
        return found

    def test_a_text(self):
        """A line of JSON, or of text, submits what it says; an object stays as it is."""
        spelled = json.dumps(XML).encode()
        for payload, taken in ((spelled, XML.encode()), (b'"{x} y"', b"{x} y"), (b'{"a":  1}', b'{"a":  1}')):
            for line in (
                push_json(b"uri", payload),
                push_json(b"uri", payload, fields=b',"priority":5'),
                push(b"uri", payload),
                push(b"uri", payload, options=b'key="%d collapse_id=a"b' % len(self.gateway.submissions)),
            ):
                self.assertEqual(self.payloads(line), [taken])

    def test_a_text_where_payloads_are_json(self):
        """It is refused, in lines of either form, alone or in a block."""
        self.gateway._rules = APNS_RULES
        for line in (push(payload=b'"{}"'), push_json(payload=b'"{}"')):
            self.assertTrue(self.refusal(line)[1].startswith("payload: "))
            for answer in self.send(line * 3):
                self.assertEqual(answer[:20], "ERR INVALID payload:")

    def test_half_a_surrogate_pair(self):
        """It refuses its own line."""
        for bad in (push_json(b"uri", rb'"cut \ud83d"'), push(b"uri", rb'"cut \ud83d"')):
            answers = self.send(push_json(b"uri", b'"x"') + bad + push_json(b"uri", b'"x"'))
            self.assertEqual(answers[1][:20], "ERR INVALID payload:")
            self.assertEqual([answers[0][:3], answers[2][:3]], ["OK ", "OK "])

    def test_a_block(self):
        """Lines whose tokens are in hex are one submission, whose texts are what they say, of one or of each."""
        self.gateway._rules = replace(OF_TEXT, form=TargetForm.HEX)
        spelled = json.dumps(XML).encode()
        same, other = push_json(payload=spelled), push_json(payload=b'"x"')
        self.assertEqual(self.payloads(same * 3), [XML.encode()] * 3)
        self.assertEqual(self.gateway.submissions[-1].payload, XML.encode())
        self.assertEqual(self.payloads(same + other), [XML.encode(), b"x"])
        self.assertIsNone(read_bulk((same + push_json(payload=b"7")).rstrip(), self.gateway.rules))


class OrderTests(LineTestCase):
    def test_answers_come_in_the_order_of_the_lines(self):
        """Also when a later line is answered first: the answers to one piece wait for each other."""
        self.gateway.holding = True
        self.assertEqual(self.send(push() + b"HELP\n"), [])
        self.assertEqual(self.send(b"STATS\n"), [])
        self.gateway.release()
        answers = [answer[:7] for answer in self.received()]
        self.assertEqual(answers[1:], ["OK PUSH", 'OK {"ap'])
        self.assertEqual(answers[0][:3], "OK ")

    def test_the_answers_to_one_piece_are_one_write(self):
        """However many lines it had."""
        writes = []
        self.connection.transport.write = writes.append
        self.send((push() + b"HELP\n" + push_json()) * 10)
        self.assertEqual([write.count(b"\n") for write in writes], [30])

    def test_however_it_is_cut(self):
        """The same bytes get the same answers, byte by byte or at once."""
        data = push() + b"\r\nHELP\r\n" + push_json() + b"NONSENSE\n" + b"STATUS x\n"
        whole = [answer[:6] for answer in self.send(data)]
        self.assertEqual(len(whole), 5)
        pieces = [data[at : at + 1] for at in range(len(data))]
        self.assertEqual([answer[:6] for answer in self.send(*pieces)], whole)


class RefusalTests(LineTestCase):
    """Every refusal is an answer, none costs the connection."""

    def test_the_field_at_fault_is_named(self):
        """In either form."""
        for line, field in (
            (push(token=b"zz"), "token"),
            (push(token=b"ab" * 101), "token"),
            (push(options=b"expiration=soon"), "expiration"),
            (push(options=b"expiration=" + b"9" * 30), "expiration"),
            (push(options=b"expiration=99999999999"), "expiration"),
            (push(options=b"priority=7"), "priority"),
            (push(options=b"priority=5 priority=5"), "priority"),
            (push(options=b"push_type=spam"), "push_type"),
            (push(options=b"delivery=sometimes"), "delivery"),
            (push(options=b"collapse_id=" + b"x" * 65), "collapse_id"),
            (push(options=b"key="), "key"),
            (push(options=b"expiratoin=1"), "expiratoin"),
            (push(options=b"token=1"), "token"),
            (push(options=b"badge"), "line"),
            (push(options=b"topic=\xff"), "line"),
            (push(payload=b"{"), "payload"),
            (push(payload=b'{"a":"\xff"}'), "payload"),
            (b"PUSH\n", "line"),
            (b"PUSH news\n", "line"),
            (b"PUSH news {}\n", "line"),
            (b"PUSH news abcd\n", "line"),
            (push_json(payload=b"[]"), "payload"),
            (push_json(payload=b'"text"'), "payload"),
            (push_json(fields=b',"priority":"5"'), "priority"),
            (push_json(fields=b',"expiratoin":1'), "expiratoin"),
            (push_json(fields=b',"expiration":' + b"9" * 400), "expiration"),
            (push_json(app=b"\xff"), "line"),
            (b'{"app":"news"}\n', "payload"),
            (b'{"app":"news","payload":{}}\n', "token"),
            (push(token=b"-"), "token"),
            (push(options=b"channel=YQ=="), "channel"),
            (push(token=b"-", options=b"channel="), "channel"),
            (push_json(fields=b',"channel":"YQ=="'), "channel"),
            (b"{}\n", "app"),
            (b"{\n", "line"),
            (b"{" * 100000 + b"\n", "line"),
            (b"[1]\n", "line"),
            (b"\xff\xfe\n", "line"),
            (b"\0\n", "line"),
            (b"STATUS\n", "id"),
            (b"STATUS seven\n", "id"),
            (b"STATUS \xff\n", "id"),
            (b"STATS please\n", "line"),
            (b"LOGIN me\n", "line"),
            (b"GET / HTTP/1.1\n", "line"),
        ):
            with self.subTest(line=line[:80]):
                code, text = self.refusal(line)
                self.assertEqual((code, text.partition(":")[0]), ("INVALID", field))
        self.assertEqual(self.gateway.submissions, [])

    def test_a_payload_beyond_every_limit(self):
        """What fits into no batch is refused by the input, what is too much for the app by the gateway."""
        for size in (3000, 70000):
            payload = b'{"a":"%b"}' % (b"x" * size)
            for line in (push(payload=payload), push_json(payload=payload)):
                code, text = self.refusal(line)
                self.assertEqual((code, text[:8]), ("TOO_LARGE", "payload:"))

    def test_every_refusal_of_the_gateway_has_its_code(self):
        """Programs branch on the code, people read the text."""
        for error in (UnknownApp("news"), Overloaded("queue", 1, 1), ShuttingDown(), Conflict()):
            self.gateway.error = error
            self.assertEqual(self.refusal(push()), (error.code, str(error)))

    def test_an_error_is_one_line(self):
        """Whatever stands in it."""
        self.gateway.error = UnknownApp("two\nlines")
        self.gateway.error.args = ("two\nlines \r\n of text",)
        self.assertEqual(self.refusal(push()), ("UNKNOWN_APP", "two lines of text"))

    def test_a_refusal_does_not_repeat_what_is_secret(self):
        """Tokens and payloads stand in no error: errors are logged by callers."""
        for line in (
            push(token=b"s3cr3t"),
            push(payload=b"{s3cr3t"),
            push_json(payload=b'"s3cr3t"'),
            b"LOGIN me-and-no-more\n",
            b"s3cr3t\n",
        ):
            self.assertNotIn("s3cr3t", self.refusal(line)[1])

    def test_a_bug_is_logged_once_and_unknown_to_the_caller(self):
        """It closes no connection."""
        self.gateway.error = ZeroDivisionError("secret")
        self.assertEqual(self.refusal(push()), ("UNKNOWN", "the gateway failed; its log says why"))
        self.gateway.stats = None
        self.assertEqual(self.refusal(b"STATS\n")[0], "UNKNOWN")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)
        self.gateway.trace = None
        self.assertEqual(self.refusal(b"STATUS " + b"0" * 32 + b"\n")[0], "UNKNOWN")
        self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)

    def test_what_the_input_refuses_is_counted(self):
        """By app, if it is configured: a caller's text never becomes a label."""
        self.server.stopping = True
        self.refusal(push())
        self.refusal(push(app=b"nwes"))
        counts = self.context.metrics.counts["pushgate_refused_total"]
        self.assertEqual(counts, {("news", "line", "SHUTTING_DOWN"): 1, ("", "line", "SHUTTING_DOWN"): 1})

    def test_a_line_too_long_is_refused_alone(self):
        """As soon as that is known, once, and what follows it is answered as usual."""
        self.assertEqual(self.send(b"x" * MAX_LINE), [])
        self.assertEqual([line[:13] for line in self.send(b"yz")], ["ERR TOO_LARGE"])
        self.assertEqual(self.send(b"x" * MAX_LINE, b"more"), [])
        self.assertEqual([line[:7] for line in self.send(b"end\nHELP\n")], ["OK PUSH"])
        block = b"HELP\n" + b"x" * (MAX_LINE + 1) + b"\nHELP\n"
        self.assertEqual([line[:6] for line in self.send(block)], ["OK PUS", "ERR TO", "OK PUS"])


class QuestionTests(LineTestCase):
    NUMBER = 0x018F_0000_0000_7000_8000_0000_0000_0005

    def test_status_is_the_story(self):
        """On one line, as the gateway has it: the outcome record, and what happened when."""
        self.gateway.status = None  # not asked: it knows less
        pending = self.gateway.records[self.NUMBER] = outcome(State.QUEUED)
        [answer] = self.send(b"STATUS %b\n" % str(UUID(int=self.NUMBER)).encode())
        self.assertEqual(answer, f"OK {NotificationTrace((), pending).json()}")

    def test_an_unknown_id(self):
        """Is refused as NOT_FOUND."""
        self.assertEqual(self.refusal(b"STATUS %b\n" % str(UUID(int=5)).encode())[0], "NOT_FOUND")

    def test_stats_are_json(self):
        """What the gateway counts."""
        [answer] = self.send(b"STATS\n")
        self.assertEqual(json.loads(answer.removeprefix("OK ")), {"apps": {"news": {}, "mail": {}}})

    def test_quit(self):
        """What came before is answered, what comes after is not looked at, then the connection is closed."""
        self.gateway.holding = True
        self.assertEqual(self.send(push() + b"QUIT\nHELP\n", b"HELP\n"), [])
        self.assertFalse(self.connection.transport.disconnecting)
        self.gateway.release()
        self.assertEqual([line[:6] for line in self.received()][1:], ["OK bye"])
        self.assertTrue(self.connection.transport.disconnecting)

    def test_one_who_closes_his_side_gets_his_answers(self):
        """``printf 'STATS' | nc`` has no line end and says goodbye at once."""
        self.gateway.holding = True
        self.send(push() + b"STATS")
        self.connection.readConnectionLost()
        self.assertEqual(self.received(), [])
        self.gateway.release()
        self.assertEqual([line[:2] for line in self.received()], ["OK", "OK"])
        self.assertTrue(self.connection.transport.disconnecting)


SECRET = b"a" * 43


class LoginTests(LineTestCase):
    def setUp(self):
        shop = Grant(
            operations=frozenset({Operation.PUSH}),
            apps=frozenset({"news"}),
            secrets=(SecretHash.of(SECRET, b"salt" * 4),),
            rate=5,
            max_batch=2,
        )
        self.grants = {"shop": shop}
        super().setUp()

    def test_nobody_may_do_anything(self):
        """Until he logs in."""
        for line in (push(), push_json() * 2, b"STATS\n", b"STATUS %b\n" % (b"0" * 32)):
            for answer in self.send(line):
                self.assertEqual(answer[:13], "ERR FORBIDDEN")
        self.assertEqual(self.gateway.submissions, [])

    def test_who_has_logged_in_may_do_what_he_is_granted(self):
        """Lines behind the login in the same piece count already; another app is forbidden."""
        answers = self.send(b"LOGIN shop " + SECRET + b"\n" + push() + push(app=b"mail") + b"STATS\n")
        self.assertEqual([answer[:5] for answer in answers], ["OK lo", "OK 01", "ERR F", "ERR F"])

    def test_a_wrong_secret(self):
        """Is answered late, and changes nothing."""
        self.assertEqual(self.send(b"LOGIN shop wrong\n"), [])
        self.clock.advance(1)
        [answer] = self.received()
        self.assertEqual(answer[:13], "ERR FORBIDDEN")
        self.assertNotIn("wrong", answer)

    def test_one_at_a_time(self):
        """What comes behind a login that waits for its answer waits too, and is not read from the network."""
        self.assertEqual(self.send(b"LOGIN shop wrong\n" * 50 + push()), [])
        self.assertEqual(self.connection.transport.producerState, "paused")
        self.assertEqual(self.counted("pushgate_logins_failed_total"), {("line",): 1})
        self.clock.advance(FIRST_DELAY)
        self.assertEqual([answer[:13] for answer in self.received()], ["ERR FORBIDDEN"])
        self.assertEqual(self.counted("pushgate_logins_failed_total"), {("line",): 2})

    def test_one_who_left_in_a_login(self):
        """What it has sent behind it is dropped, and nothing waits for the answer any more."""
        self.send(b"LOGIN shop wrong\n" * 50 + b"LOGIN shop " + SECRET + b"\n" + push())
        self.lose()
        self.clock.advance(LOGIN_TIMEOUT)
        self.assertEqual(self.counted("pushgate_logins_failed_total"), {("line",): 1})
        self.assertEqual(self.gateway.submissions, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_one_that_closes_in_a_login(self):
        """A half-closed connection gets the answers to what it sent, each in its time."""
        self.send(b"LOGIN shop wrong\n" * 2 + b"LOGIN shop " + SECRET + b"\n")
        self.connection.readConnectionLost()
        self.clock.advance(FIRST_DELAY)
        self.clock.advance(FIRST_DELAY * 2)
        self.assertEqual([answer[:6] for answer in self.received()], ["ERR FO", "ERR FO", "OK log"])
        self.assertTrue(self.connection.transport.disconnecting)

    def test_too_many_failures(self):
        """Beyond the limit the connection ends with the answer, and what stands behind is not obeyed."""
        self.patch(login_throttle, "MAX_WAITING", 0)
        answers = self.send(b"HELP\nLOGIN shop wrong\nLOGIN shop " + SECRET + b"\n" + push())
        self.assertEqual([answer[:13] for answer in answers], ["OK PUSH <app>", "ERR FORBIDDEN"])
        self.assertTrue(self.connection.transport.disconnecting)
        self.assertEqual(self.gateway.submissions, [])
        self.assertEqual(self.counted("pushgate_connections_closed_total"), {("line", "logins"): 1})

    def test_a_quota_lets_through_what_it_allows(self):
        """A line is a submission of its own, however many come at once; of too many the first go."""
        self.send(b"LOGIN shop " + SECRET + b"\n")
        answers = self.send(push_json() * 8)
        self.assertEqual([answer[:6] for answer in answers], ["OK 018"] * 5 + ["ERR OV"] * 3)
        self.assertIn("again in", answers[-1])

    def test_one_who_stays_nobody_is_closed(self):
        """He would take others' place."""
        self.clock.advance(LOGIN_TIMEOUT)
        self.assertTrue(self.connection.transport.disconnecting)


class ReadBulkTests(LineTestCase):
    def test_all_at_once_is_the_same_as_one_by_one(self):
        """Whatever the lengths of tokens and payloads."""
        for sizes in product((1, 2, 100), repeat=2):
            lines = [
                push_json((b"%02x" % n) * sizes[0], b'{"a":"%b"}' % (b"x" * n * (sizes[1] - 1)))
                for n in range(1, 5)
            ]
            submission = read_bulk(b"".join(lines).rstrip(), lambda app: APNS_RULES)
            self.assertEqual(list(submission.tokens), [bytes((n,)) * sizes[0] for n in range(1, 5)])
