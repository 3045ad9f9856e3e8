"""The console as a browser's requests find it: who may see and change what."""

import json
import re
from hashlib import sha256
from importlib import resources
from itertools import chain
from typing import ClassVar

from twisted.internet.interfaces import ISSLTransport
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import directlyProvides

from pushgate.inputs.common.login_throttle import FIRST_DELAY
from pushgate.inputs.http.console.files import ASSETS, PAGES, StaticFiles
from pushgate.inputs.http.console.live import LINGER, MOST, MOST_EACH
from pushgate.inputs.http.console.logins import ABSOLUTE, IDLE
from pushgate.inputs.http.console.routes import ACTIONS
from pushgate.inputs.http.routes import ROUTES
from pushgate.inputs.http.server import HTTPServer
from pushgate.inputs.http.settings import HTTPTable
from pushgate.model.dead_token import DeadReason, DeadTokenEntry
from pushgate.model.errors import CannotStart, UnknownApp
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Registration
from pushgate.model.hub.send import SendRequest
from pushgate.model.outcome import State
from pushgate.model.outcome_record import hash_token, id_text
from pushgate.model.principals import Grant, Operation
from pushgate.model.secret_hash import SecretHash
from pushgate.plugins.builtin import http as factory
from pushgate.testing import RecordingGateway, outcome
from tests.http_rig import HTTPTestCase, request
from tests.input_rig import Transport, context
from tests.samples import TOKEN

API = "/console/api/"


def proven(name, **limits):
    """What a principal is allowed whose secret is its name."""
    return Grant(secrets=(SecretHash.of(name.encode(), bytes(16)),), **limits)


READS = frozenset({Operation.READ})
GRANTS = {
    "ops": proven("ops"),
    "desk": proven("desk", operations=READS),
    "shop": proven("shop", operations=READS, apps=frozenset({"news"})),
    "chief": proven(
        "chief", operations=frozenset({Operation.READ, Operation.ADMIN}), apps=frozenset({"news"})
    ),
    "sender": proven("sender", operations=frozenset({Operation.PUSH})),
}


class ConsoleCase(HTTPTestCase):
    """An input with the console, on loopback unless a test says otherwise."""

    options: ClassVar = {"console": True}
    local = True

    def factory(self, *arguments):
        return HTTPServer(*arguments, local=self.local)

    def opened(self):
        super().opened()
        self.gateway.stats = lambda: {
            "apps": {app: {"queue": 1, "dead_tokens": 0} for app in self.gateway.apps},
            "sinks": {"log": {"lag": 2}},
            "outcomes": {app: {} for app in self.gateway.apps},
        }
        self.cookie = self.token = None

    def ask(self, method, path, body=None, **headers):
        """The one response to a request on a new connection, with the cookie, if there is one."""
        if self.cookie is not None:
            headers.setdefault("cookie", f"theme=x; {self.cookie}")
        connection = self.connect()
        [response] = self.send(request(method, path, body, **headers), connection=connection)
        self.lose(connection)
        return response

    def get(self, path, status=200, **headers):
        """What the console answers to a question, as JSON."""
        response = self.ask("GET", API + path, **headers)
        self.assertEqual(response.status, status, response.body)
        return response.json

    def change(self, path, body=None, status=200, **headers):
        """What it answers to a change, with the token of the login."""
        if self.token is not None:
            headers.setdefault("X_CSRF_Token", self.token)
        response = self.ask("POST", API + path, {} if body is None else body, **headers)
        self.assertEqual(response.status, status, response.body)
        return response.json

    def log_in(self, name):
        """Log in with a secret that is the name; keep cookie and token as a browser does."""
        response = self.ask("POST", f"{API}login", {"name": name, "secret": name})
        self.assertEqual(response.status, 200, response.body)
        self.cookie = response.headers["set-cookie"].partition(";")[0]
        self.token = response.json["token"]
        return response

    def watch(self, path="live"):
        """Begin to look on, on a connection of its own."""
        connection = self.connect()
        headers = {} if self.cookie is None else {"cookie": self.cookie}
        connection.dataReceived(request("GET", API + path, **headers))
        return connection

    def events(self, connection):
        """Kind and data of each event that came since the last look."""
        text = self.taken(connection).decode()
        return [(kind, json.loads(data)) for kind, data in re.findall(r"event: (\w+)\ndata: (.*)\n\n", text)]


class FileTests(ConsoleCase):
    def test_every_file_of_the_list(self):
        """Pages and what they load: of the right kind, with the policy, and kept as long as is right."""
        page = self.ask("GET", "/console/")
        self.assertEqual(page.status, 200)
        self.assertEqual(page.headers["cache-control"], "no-cache")
        base = re.search(rb'src="(/console/static/[0-9a-f]{16})/console.js"', page.body)[1].decode()
        self.assertNotIn(b"@static@", page.body)
        for name in ASSETS:
            response = self.ask("GET", f"{base}/{name}")
            self.assertEqual(response.status, 200, name)
            self.assertIn("immutable", response.headers["cache-control"])
            self.assertIn(
                response.headers["content-type"].partition(";")[0].rpartition("/")[2],
                {"javascript", "css", "svg+xml"},
            )
        for path in PAGES:
            self.assertIn("text/html", self.ask("GET", path).headers["content-type"])

    def test_a_browser_that_has_it(self):
        """Is told so, and gets no body."""
        etag = self.ask("GET", "/console/").headers["etag"]
        for said in (etag, f'"other", W/{etag}'):
            [response] = self.send(request("GET", "/console/", if_none_match=said))
            self.assertEqual((response.status, response.body), (304, b""))
            self.assertNotIn(
                "content-length", response.headers
            )  # it would be that of the file: RFC 9110, 8.6
        self.assertEqual(self.ask("GET", "/console/", if_none_match='"other"').status, 200)

    def test_nothing_else(self):
        """There is no way out of the list: paths are looked up, not opened."""
        base = re.search(rb'"(/console/static/[^/]+)/', self.ask("GET", "/console/").body)[1].decode()
        for path in (
            "/console/static/", f"{base}/", f"{base}/../files.py", f"{base}/..%2f..%2fconsole.py", f"{base}/uPlot.LICENSE.txt",
            "/console/static/0000000000000000/console.js", "/console/index.html", "/consoles", "/console//etc/passwd",
        ):  # fmt: skip
            self.assertEqual(self.ask("GET", path).status, 404, path)

    def test_only_reading(self):
        """A file is read; nothing can be sent to it."""
        self.refusal(self.ask("POST", "/console/", {}), 405, "INVALID")
        [response] = self.send(request("HEAD", "/console/"))[:1] or [None]
        self.assertEqual(response.status, 200)

    def test_without_the_slash(self):
        """The page is where its links are right."""
        response = self.ask("GET", "/console")
        self.assertEqual((response.status, response.headers["location"]), (308, "/console/"))

    def test_a_link_from_elsewhere(self):
        """Leads to the page, in which there is nothing secret; what the page fetches cannot be had so."""
        foreign = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}
        self.assertEqual(self.ask("GET", "/console/", **foreign).status, 200)
        self.refusal(self.ask("GET", f"{API}session", **foreign), 403, "INVALID")
        self.refusal(self.ask("POST", f"{API}login", {}, origin="https://evil.example"), 403, "INVALID")

    def test_every_answer_has_the_policy(self):
        """Of pages, data and errors alike; data is stored nowhere."""
        for path, stored in (
            ("/console/", "no-cache"),
            (f"{API}session", "no-store"),
            (f"{API}nothing", "no-store"),
            (f"{API}session?x=1", "no-store"),
            ("/console/?x=1&x=2", "no-store"),
            (f"{API}live?{'&'.join(map('x{}=1'.format, range(20)))}", "no-store"),
        ):
            headers = self.ask("GET", path).headers
            for part in (
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "frame-ancestors 'none'",
                "form-action 'self'",
                "base-uri 'none'",
            ):
                self.assertIn(part, headers["content-security-policy"])
            self.assertNotIn("unsafe", headers["content-security-policy"])
            self.assertEqual(headers["x-content-type-options"], "nosniff")
            self.assertEqual(headers["referrer-policy"], "no-referrer")
            self.assertEqual(headers["cache-control"], stored)

    def test_no_script_or_style_in_the_pages(self):
        """The policy would stop them; there are none."""
        for path in PAGES:
            text = StaticFiles().find(path).body.decode()
            self.assertEqual(
                re.findall(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|javascript:|https?://", text), []
            )


class OpenTests(ConsoleCase):
    """Without principals, on loopback."""

    def test_everything_may_be_seen(self):
        """And nobody is asked to log in."""
        found = self.get("session")
        self.assertEqual((found["admin"], found["may_log_in"], found["token"]), (False, False, None))
        self.get("hubs")
        self.get("apps/news/dead-tokens")

    def test_nothing_may_be_changed(self):
        """Any program on this machine could: the console only shows."""
        self.refusal(self.ask("POST", f"{API}apps/news/rate", {"rate": 1}), 403, "FORBIDDEN")
        self.get("apps/news/dead-tokens?full=true", 403)
        self.assertEqual(self.gateway.rates, {})


class ElsewhereTests(ConsoleCase):
    """Without principals, where other machines can connect: a reload took them away."""

    local = False

    def test_nothing_may_be_seen(self):
        """A console that anybody could look at is none."""
        self.get("session", 401)


class NoLongerGuardedTests(ConsoleCase):
    """With a principal for those who have not logged in, where other machines can connect."""

    local = False
    grants: ClassVar = {"anonymous": Grant(operations=READS)}

    def test_a_reload_without_principals(self):
        """A page that looks on is ended as a request is refused."""
        page = self.watch()
        self.assertEqual([kind for kind, _ in self.events(page)], ["hello"])
        self.context.principals.replace({})
        self.clock.advance(1.0)
        self.assertEqual([kind for kind, _ in self.events(page)], ["ended"])
        self.get("session", 401)


class OffTests(HTTPTestCase):
    def test_it_is_off(self):
        """Unless the configuration says otherwise."""
        for path in ("/console", "/console/", f"{API}session"):
            self.refusal(self.ask("GET", path), 404, "NOT_FOUND")


class LoginTests(ConsoleCase):
    grants: ClassVar = GRANTS

    def test_nobody_sees_anything(self):
        """Each of the console's questions needs a login; who has a header for the API is not logged in here."""
        for action in ACTIONS:
            path = action.path.format(id=id_text(1), app="news", hub="main")
            response = self.ask(action.method, path, {} if action.method == "POST" else None)
            self.refusal(response, 401, "FORBIDDEN")
        self.get("session", 401, authorization="Bearer ops")

    def test_a_login(self):
        """Gives a cookie that scripts and other sites do not get, and says what may be done."""
        response = self.log_in("ops")
        given = response.headers["set-cookie"]
        for part in ("HttpOnly", "SameSite=Strict", "Path=/"):
            self.assertIn(part, given)
        self.assertNotIn("Secure", given)
        found = self.get("session")
        self.assertEqual((found["name"], found["admin"], found["logged_in"]), ("ops", True, True))
        self.assertNotIn(self.cookie.partition("=")[2], response.body.decode())

    def test_a_new_login_in_the_place_of_an_old_one(self):
        """Has another id, and the old one leads nowhere."""
        self.log_in("desk")
        old = self.cookie
        self.log_in("ops")
        self.assertNotEqual(self.cookie, old)
        self.get("session", 401, cookie=old)

    def test_a_wrong_secret(self):
        """Is answered late, counted, and gives no cookie."""
        body = {"name": "ops", "secret": "guess"}
        self.assertEqual(self.send(request("POST", f"{API}login", body)), [])
        self.clock.advance(FIRST_DELAY)
        [response] = self.received()
        self.refusal(response, 401, "FORBIDDEN")
        self.assertNotIn("set-cookie", response.headers)
        self.assertEqual(self.counted("pushgate_logins_failed_total"), {("http",): 1})
        self.assertNotIn("guess", "".join(self.logged()))

    def test_a_body_that_is_none(self):
        """Names the rule, and is no failed login."""
        for body in (
            {},
            {"name": "ops"},
            {"name": "ops", "secret": 5},
            {"name": "a", "secret": "b", "c": 1},
            [],
        ):
            self.refusal(self.ask("POST", f"{API}login", body), 400, "INVALID")
        self.refusal(self.ask("POST", f"{API}login", b"x" * 70_000), 413, "TOO_LARGE")
        self.refusal(self.ask("POST", f"{API}login", {}, content_type="text/plain"), 415, "INVALID")
        self.assertEqual(self.counted("pushgate_logins_failed_total"), {})

    def test_one_who_may_see_nothing(self):
        """Gets no login."""
        response = self.ask("POST", f"{API}login", {"name": "sender", "secret": "sender"})
        self.refusal(response, 403, "FORBIDDEN")
        self.assertNotIn("set-cookie", response.headers)

    def test_idle(self):
        """A login that is not used ends."""
        self.log_in("ops")
        self.clock.advance(IDLE - 1)
        self.get("session")
        self.clock.advance(IDLE)
        self.get("session", 401)

    def test_in_the_end(self):
        """A login that is used ends as well."""
        self.log_in("ops")
        for _ in range(int(ABSOLUTE / 1000)):
            self.get("session")
            self.clock.advance(1000)
        self.clock.advance(1000)
        self.get("session", 401)

    def test_a_log_out(self):
        """Ends the login here, not only in the browser."""
        self.log_in("ops")
        response = self.ask("POST", f"{API}logout", {}, X_CSRF_Token=self.token)
        self.assertIn("Max-Age=0", response.headers["set-cookie"])
        self.get("session", 401)

    def test_a_principal_that_is_taken_away(self):
        """A reload holds at once."""
        self.log_in("ops")
        self.context.principals.replace({"desk": GRANTS["desk"]})
        self.get("session", 401)

    def test_cookies_that_are_none(self):
        """Are no login, whatever they hold."""
        for said in ("pushgate_console=", "pushgate_console=x", "pushgate_console=\xe9", "=;;=", "a" * 3000):
            self.assertEqual(self.ask("GET", f"{API}session", cookie=said).status, 401, said)

    def test_cookies_of_other_programs(self):
        """Cookies know no ports: what other servers at this host set, in whatever form, hides no login."""
        self.log_in("ops")
        for other in (
            'theme={"dark": true}', "a b=1", "path=/", "$Version=1", "flag", 'x="y', "x=\xe9", "x[0]=1", "", "=",
            "pushgate_console_x=1", "x=pushgate_console=1",
        ):  # fmt: skip
            for said in (
                f"{other}; {self.cookie}",
                f"{self.cookie}; {other}",
                f"{other};{self.cookie};{other}",
            ):
                self.assertEqual(self.ask("GET", f"{API}session", cookie=said).status, 200, said)


class SecureTests(ConsoleCase):
    grants: ClassVar = GRANTS

    def connect(self):
        """A connection over TLS."""
        connection = self.server.buildProtocol(None)
        transport = Transport()
        directlyProvides(transport, ISSLTransport)
        connection.makeConnection(transport)
        return connection

    def test_the_cookie(self):
        """Comes back over TLS only, and to this host only; another one counts for nothing."""
        response = self.log_in("ops")
        self.assertTrue(self.cookie.startswith("__Host-pushgate_console="))
        self.assertIn("; Secure", response.headers["set-cookie"])
        self.get("session")
        self.get("session", 401, cookie=self.cookie.removeprefix("__Host-"))


class ConfigurationTests(SynchronousTestCase):
    def test_a_console_for_everybody(self):
        """The start is refused where other machines can connect and there are no principals."""
        table = HTTPTable(type="http", listen="tcp:0", insecure=True, console=True)
        with self.assertRaises(CannotStart) as caught:
            factory.input("http", table, RecordingGateway(), context(MemoryReactorClock()))
        self.assertIn("inputs.http.console: anyone could look", str(caught.exception))
        guarded = context(MemoryReactorClock(), {"ops": GRANTS["ops"]})
        factory.input("http", table, RecordingGateway(), guarded)


class AnonymousTests(ConsoleCase):
    grants: ClassVar = {"anonymous": Grant(operations=READS, apps=frozenset({"news"})), "ops": GRANTS["ops"]}

    def test_who_need_not_log_in(self):
        """Sees what the anonymous principal may, and may log in for more."""
        found = self.get("session")
        self.assertEqual((found["name"], found["admin"], found["may_log_in"]), ("anonymous", False, True))
        self.get("apps/mail/dead-tokens", 403)
        self.log_in("ops")
        self.get("apps/mail/dead-tokens")


class ChangeTests(ConsoleCase):
    grants: ClassVar = GRANTS

    def test_a_rate(self):
        """An administrator changes it, and the log says who did."""
        self.log_in("ops")
        self.assertEqual(self.change("apps/news/rate", {"rate": 250}), {"rate": 250.0})
        self.assertEqual(self.gateway.rates, {"news": 250.0})
        self.assertIn("ops set the rate of news to 250", "".join(self.logged()))

    def test_without_the_token(self):
        """Nothing is changed: a page that had the browser send it does not know it."""
        self.log_in("ops")
        for token in (None, "", "x" * 43):
            headers = {} if token is None else {"X_CSRF_Token": token}
            response = self.ask("POST", f"{API}apps/news/rate", {"rate": 1}, **headers)
            self.assertIn("X-CSRF-Token", self.refusal(response, 403, "FORBIDDEN"))
        response = self.ask("POST", f"{API}logout", {})
        self.refusal(response, 403, "FORBIDDEN")
        self.assertEqual(self.gateway.rates, {})
        self.get("session")

    def test_without_admin(self):
        """Everything can be looked at, nothing changed."""
        self.log_in("desk")
        self.assertFalse(self.get("session")["admin"])
        for action in ACTIONS:
            if action.changes and action.operation is not None:
                path = action.path.removeprefix(API).format(id=id_text(1), app="news", hub="main")
                self.change(path, status=403)
        self.assertEqual(self.gateway.rates, {})

    def test_of_another_app(self):
        """An administrator of some apps changes these only."""
        self.log_in("chief")
        self.change("apps/news/rate", {"rate": 1})
        self.change("apps/mail/rate", {"rate": 1}, 403)
        self.assertEqual(self.gateway.rates, {"news": 1.0})

    def test_what_is_no_rate(self):
        """Is refused with the rule."""
        self.log_in("ops")
        for rate in (-1, "fast", None, 1e300):
            self.change("apps/news/rate", {"rate": rate}, 400)
        self.change("apps/none/rate", {"rate": 1}, 404)
        self.assertEqual(self.gateway.rates, {})

    def test_a_change_is_no_question(self):
        """It cannot be made by loading an address; nor can what is unknown."""
        self.log_in("ops")
        self.refusal(self.ask("GET", f"{API}apps/news/rate"), 405, "INVALID")
        self.get("nothing", 404)
        self.get("session?x=1", 400)

    def test_a_notification_is_withdrawn(self):
        """By who may submit and administer."""
        self.gateway.waiting = {1}
        self.log_in("chief")  # who may not submit
        self.change(f"notifications/{id_text(1)}/cancel", status=403)
        self.log_in("ops")
        self.assertEqual(self.change(f"notifications/{id_text(1)}/cancel"), {"cancelled": True})


class StoryTests(ConsoleCase):
    grants: ClassVar = GRANTS

    def opened(self):
        super().opened()
        self.id = outcome(order=5).span.batch.id
        self.gateway.records[self.id] = outcome(State.REJECTED, reason="BadDeviceToken", status=400, order=5)

    def story(self, query="", status=200):
        return self.get(f"notifications/{id_text(self.id)}{query}", status)

    def test_without_the_token(self):
        """The whole story, and of the token a hash."""
        self.log_in("desk")
        found = self.story()
        self.assertEqual((found["state"], found["reason"]), ("rejected", "BadDeviceToken"))
        self.assertEqual([each["event"] for each in found["events"]], ["submitted", "queued", "outcome"])
        self.assertEqual(found["token"], hash_token(TOKEN))
        self.story("?full=true", 403)

    def test_with_the_token(self):
        """An administrator asks for it."""
        self.log_in("ops")
        self.assertEqual(self.story()["token"], hash_token(TOKEN))
        self.assertEqual(self.story("?full=true")["token"], TOKEN.hex())

    def test_of_another_app(self):
        """Is not told, nor that there is such a notification's story to tell."""
        self.gateway.records[self.id] = outcome(app="mail", order=5)
        self.log_in("shop")
        self.story(status=403)

    def test_of_none(self):
        """Is not known; what is no id is refused."""
        self.log_in("desk")
        self.get(f"notifications/{id_text(99)}", 404)
        self.get("notifications/%3Cscript%3E", 400)


class DeadTokenTests(ConsoleCase):
    grants: ClassVar = GRANTS

    def opened(self):
        super().opened()
        tokens = [number.to_bytes(32) for number in range(1, 231)]
        self.tokens = tokens
        self.gateway.dead["news"] = {each: DeadTokenEntry(each, 1000, DeadReason.FEEDBACK) for each in tokens}

    def pages(self, query=""):
        """The tokens of each page."""
        after = ""
        while True:
            found = self.get(f"apps/news/dead-tokens?after={after}{query}")
            yield [each["token"] for each in found["tokens"]]
            after = found["next"]
            if not after:
                return

    def test_hashed(self):
        """A reader sees all of them, hashed; what leads to the next page says nothing of a token."""
        self.log_in("desk")
        pages = list(self.pages())
        self.assertEqual([len(each) for each in pages], [100, 100, 30])
        self.assertEqual(list(chain(*pages)), [hash_token(each) for each in self.tokens])
        first = self.ask("GET", f"{API}apps/news/dead-tokens").body.decode()
        self.assertNotIn(self.tokens[99].hex(), first)

    def test_in_full(self):
        """On an administrator's request."""
        self.log_in("ops")
        self.assertEqual(list(chain(*self.pages("&full=true"))), [each.hex() for each in self.tokens])
        self.log_in("desk")
        self.get("apps/news/dead-tokens?full=true", 403)

    def test_of_another_app(self):
        """Are not told."""
        self.log_in("shop")
        self.get("apps/mail/dead-tokens", 403)
        self.get("apps/none/dead-tokens", 403)
        self.log_in("desk")
        self.get("apps/none/dead-tokens", 404)

    def test_a_page_that_is_none(self):
        """Is refused."""
        self.log_in("desk")
        for after in ("x", "%C3%A9", "%FF", "%00", "=", "A" * 2000):
            self.get(f"apps/news/dead-tokens?after={after}", 400)


class HostileParameterTests(ConsoleCase):
    grants: ClassVar = GRANTS
    hostile = ("%C3%A9", "%00", "%FF", "..", "%2F", "%25", "x" * 3000, "%22%3Cb%3E", "%0D%0AX:%20y", "-1")
    known: ClassVar = {"app": "news", "hub": "main", "id": id_text(1 << 100)}

    def test_every_parameter(self):
        """Whatever stands in a path or a query is a fault of the caller, and none is logged as one of ours."""
        self.log_in("ops")
        for action in ACTIONS:
            if action.path.endswith(("/live", "/logout")):
                continue
            for path in self.paths(action):
                body = {} if action.changes else None
                status = self.ask(action.method, path, body, X_CSRF_Token=self.token).status
                self.assertLess(status, 500, path)
        self.assertEqual(self.flushLoggedErrors(), [])

    def paths(self, action):
        """The paths of an action with something hostile in the place of each parameter."""
        known = re.sub(r"\{(\w+)\}", lambda match: self.known[match[1]], action.path)
        for hostile in self.hostile:
            yield re.sub(r"\{\w+\}", hostile, action.path)
            for name in action.query:
                yield f"{known}?{name}={hostile}"


class TestSendTests(ConsoleCase):
    grants: ClassVar = GRANTS
    body: ClassVar = {
        "tokens": [TOKEN.hex(), "no hex"],
        "payload": {"aps": {"alert": "Hi"}},
        "topic": "com.example",
    }

    def test_its_result(self):
        """An administrator who may submit sends to a few devices, and reads what became of each."""
        self.log_in("ops")
        found = self.change("apps/news/test-sends", self.body)
        [submission] = self.gateway.submissions
        self.assertEqual(
            (submission.payload, submission.terms.topic), (b'{"aps": {"alert": "Hi"}}', "com.example")
        )
        self.assertEqual([each[0] for each in found["refused"]], [1])
        [device] = found["devices"]
        self.assertEqual(device["index"], 0)
        self.assertTrue(device["meaning"])

    def test_who_may_not(self):
        """Neither who may only look, nor an administrator who may not submit, nor for another app."""
        for name in ("desk", "chief"):
            self.log_in(name)
            self.change("apps/news/test-sends", self.body, 403)
        self.log_in("ops")
        self.change("apps/none/test-sends", self.body, 404)
        self.assertEqual(self.gateway.submissions, [])

    def test_what_is_none(self):
        """Is refused with the rule, and nothing is sent."""
        self.log_in("ops")
        for tokens, status in (([], 400), ([TOKEN.hex()] * 11, 413), ("x", 400)):
            self.change("apps/news/test-sends", self.body | {"tokens": tokens}, status)
        self.change("apps/news/test-sends", self.body | {"payload": 5}, 400)
        self.change("apps/news/test-sends", self.body | {"priority": 3}, 400)
        self.assertEqual(self.gateway.submissions, [])


class FindingTests(ConsoleCase):
    grants: ClassVar = GRANTS

    def opened(self):
        super().opened()
        circuit = {"open": True, "cause": "certificate-expired"}
        apps = {app: {"queue": 5, "queue_age": 900.0, "circuit": circuit} for app in ("news", "mail")}
        self.gateway.stats = lambda: {
            "apps": apps,
            "outcomes": {},
            "sinks": {"log": {"lag": 0}},
            "accepting": False,
        }

    def found(self):
        return {each["part"] for each in self.get("findings")["findings"] if each["level"] != "ok"}

    def test_what_is_wrong(self):
        """What doctor says of the running gateway, with what it means and what to do."""
        self.log_in("desk")
        self.assertEqual(self.found(), {"apps.news", "apps.mail", "the running gateway"})
        [each] = [
            each
            for each in self.get("findings")["findings"]
            if each["part"] == "apps.news" and "expired" in str(each)
        ]
        self.assertTrue(each["meaning"] and each["advice"])

    def test_of_other_apps(self):
        """Nothing is said to who may see one app."""
        self.log_in("shop")
        self.assertEqual(self.found(), {"apps.news"})


class HubTests(ConsoleCase):
    grants: ClassVar = GRANTS | {"mail": proven("mail", operations=READS, apps=frozenset({"mail"}))}

    def opened(self):
        super().opened()
        for number in range(40):
            name = f"{number}-1-1"
            self.hub.kept[name] = Registration(
                platform=Platform.APNS, handle=b"secret-handle", tags=(f"tag:{number:02}",), id=name
            )
        body = b'{"secret":"payload"}'
        self.hub.send(SendRequest(body=body, platform=Platform.APNS, expression="a && b", scheduled_for=2e9))
        self.hub.send(SendRequest(body=body, platform=Platform.APNS))

    def test_what_there_is(self):
        """Counts by platform and tag, sends without what is sent, and no handle."""
        self.log_in("shop")
        bodies = [
            self.ask("GET", f"{API}hubs{path}").body.decode()
            for path in ("", "/main/count", "/main/count?expression=tag", "/main/tags", "/main/sends")
        ]
        hubs, count, _, tags, sends = map(json.loads, bodies)
        self.assertEqual([each["name"] for each in hubs["hubs"]], ["main"])
        self.assertEqual(count, {"platforms": {"apns": 40}, "total": 40})
        self.assertEqual((len(tags["tags"]), tags["next"]), (15, "tag:14"))
        self.assertEqual([each["expression"] for each in sends["scheduled"]], ["a && b"])
        self.assertEqual(len(sends["latest"]), 1)
        self.assertNotIn("secret", "".join(bodies))

    def test_pages_of_tags(self):
        """Follow one another to the last."""
        self.log_in("desk")
        seen, after = [], ""
        while after or not seen:
            found = self.get(f"hubs/main/tags?after={after}")
            seen, after = seen + found["tags"], found["next"]
        self.assertEqual(len(seen), 40)

    def test_of_other_apps(self):
        """A hub is for who may see all of its apps."""
        self.log_in("mail")
        self.assertEqual(self.get("hubs"), {"hubs": []})
        for part in ("count", "tags", "sends"):
            self.get(f"hubs/main/{part}", 403)
            self.get(f"hubs/none/{part}", 404)

    def test_a_send_is_cancelled(self):
        """A scheduled one, by who may submit and administer."""
        [number] = [each["id"] for each in self._scheduled()]
        self.log_in("chief")
        self.change(f"hubs/main/sends/{number}/cancel", status=403)
        self.log_in("ops")
        self.assertEqual(self.change(f"hubs/main/sends/{number}/cancel"), {"cancelled": True})
        self.assertEqual(self._scheduled(), [])

    def _scheduled(self):
        self.log_in("ops")
        return self.get("hubs/main/sends")["scheduled"]


class LiveTests(ConsoleCase):
    grants: ClassVar = GRANTS

    def count(self, app, state, times):
        """Outcomes are counted and reported, each alone."""
        outcomes = self.gateway.stats()["outcomes"]
        outcomes[app] = {state: outcomes[app].get(state, 0) + times}
        before = self.gateway.stats
        self.gateway.stats = lambda: {**before(), "outcomes": outcomes}
        for order in range(times):
            self.gateway.report(outcome(state, app=app, order=order))

    def second(self, connection):
        self.clock.advance(1.0)
        return self.events(connection)

    def test_a_page_that_looks_on(self):
        """Is told how things are, and once a second what is new: counts of all, records of some, tokens hashed."""
        self.log_in("desk")
        page = self.watch()
        [(kind, first)] = self.events(page)
        self.assertEqual((kind, first["points"], list(first["apps"])), ("hello", [], ["news", "mail"]))
        self.count("news", State.ACCEPTED, 500)
        [(kind, news)] = self.second(page)
        self.assertEqual(kind, "tick")
        self.assertEqual(news["point"]["states"], {"accepted": 500.0})
        self.assertEqual(news["rates"], {"news": 500.0})
        self.assertEqual(news["point"]["lags"], {"log": 2})
        self.assertLessEqual(1, len(news["latest"]))
        self.assertLessEqual(len(news["latest"]), 20)
        self.assertEqual(news["latest"][0]["token"], hash_token(TOKEN))
        self.assertEqual(news["apps"], {})
        [(_, next_news)] = self.second(page)
        self.assertEqual((next_news["point"]["states"], next_news["latest"]), ({}, []))

    def test_an_app_that_changes_comes_or_goes(self):
        """Only what changed is told."""
        self.log_in("desk")
        page = self.watch()
        self.events(page)
        before = self.gateway.stats()
        apps = {"news": {"queue": 9}, "web": {"queue": 0}}
        self.gateway.stats = lambda: {**before, "apps": apps}
        [(_, news)] = self.second(page)
        self.assertEqual((sorted(news["apps"]), news["gone"]), (["news", "web"], ["mail"]))
        self.assertEqual(news["apps"]["news"]["queue"], 9)

    def test_who_may_see_one_app(self):
        """Is told of no other: neither state, nor rates, nor records, nor sinks."""
        self.log_in("shop")
        page = self.watch()
        [(_, first)] = self.events(page)
        self.assertEqual(list(first["apps"]), ["news"])
        self.count("mail", State.ACCEPTED, 3)
        [(_, news)] = self.second(page)
        self.assertEqual(
            (news["point"]["states"], news["rates"], news["latest"], news["point"]["lags"]), ({}, {}, [], {})
        )
        self.assertEqual(self.ask("GET", f"{API}live?app=mail").status, 403)

    def test_one_app_of_all(self):
        """Its points are of this one; the state of the others is there as well, for the other pages."""
        self.log_in("desk")
        page = self.watch("live?app=mail")
        self.count("news", State.ACCEPTED, 3)
        self.count("mail", State.EXPIRED, 2)
        (_, first), (_, news) = [*self.events(page), *self.second(page)]
        self.assertEqual(news["point"]["states"], {"expired": 2.0})
        self.assertEqual(list(first["apps"]), ["news", "mail"])
        self.assertEqual(news["rates"], {"news": 3.0, "mail": 2.0})
        self.assertEqual({each["app"] for each in news["latest"]}, {"news", "mail"})
        self.refusal(self.ask("GET", f"{API}live?app=none"), 404, UnknownApp.code)

    def test_a_page_that_comes_later(self):
        """Gets what the charts had, as long as somebody looked on within the last minute."""
        self.log_in("desk")
        page = self.watch()
        self.count("news", State.ACCEPTED, 3)
        for _ in range(5):
            self.second(page)
        self.lose(page)
        self.pass_time(10)
        later = self.watch()
        [(_, first)] = self.events(later)
        self.assertEqual(len(first["points"]), 15)
        self.assertEqual(len(first["latest"]), 3)
        self.lose(later)
        self.pass_time(LINGER + 5)
        self.assertEqual(self.gateway.samples, [])
        [(_, first)] = self.events(self.watch())
        self.assertEqual((first["points"], first["latest"]), ([], []))

    def test_a_page_that_does_not_read(self):
        """Is left out, and is told everything once it has read."""
        self.log_in("desk")
        page = self.watch()
        self.events(page)
        page.pauseProducing()
        for _ in range(5):
            self.second(page)
        page.resumeProducing()
        self.assertLessEqual(len(self.events(page)), 1)
        self.assertEqual([kind for kind, _ in self.second(page)], ["hello"])
        self.assertEqual([kind for kind, _ in self.second(page)], ["tick"])

    def test_a_login_that_ends(self):
        """Ends the stream, in whatever way it ends; looking on is no use of it."""
        self.log_in("ops")
        page = self.watch()
        self.events(page)
        self.change("logout")
        self.assertEqual([kind for kind, _ in self.second(page)], ["ended"])
        self.assertEqual(page.requests, {})
        self.log_in("ops")
        page = self.watch()
        for _ in range(int(IDLE)):
            self.clock.advance(1.0)
        self.assertEqual([kind for kind, _ in self.events(page)][-1], "ended")
        self.log_in("ops")
        page = self.watch()
        self.events(page)
        self.context.principals.replace({})
        self.assertEqual([kind for kind, _ in self.second(page)], ["ended"])

    def test_too_many_pages(self):
        """One more is refused, and may come back when there is room."""
        pages = []
        for name in ("ops", "desk", "shop"):
            self.log_in(name)
            pages += [self.watch() for _ in range(min(MOST_EACH, MOST - len(pages)))]
        self.assertEqual(len(pages), MOST)
        self.refusal(self.ask("GET", f"{API}live"), 429, "OVERLOADED")
        self.lose(pages[0])
        self.assertEqual([kind for kind, _ in self.events(self.watch())], ["hello"])

    def test_too_many_pages_of_one_principal(self):
        """One principal cannot keep the others out."""
        self.log_in("shop")
        for _ in range(MOST_EACH):
            self.watch()
        text = self.refusal(self.ask("GET", f"{API}live"), 429, "OVERLOADED")
        self.assertIn(f"at most {MOST_EACH}", text)
        self.log_in("desk")
        self.assertEqual([kind for kind, _ in self.events(self.watch())], ["hello"])

    def test_the_gateway_stops(self):
        """The streams end, and nothing is counted any more."""
        self.log_in("desk")
        page = self.watch()
        self.server.console.close()
        self.assertEqual(page.requests, {})
        self.assertEqual(self.gateway.samples, [])

    def test_a_summary_that_fails(self):
        """Is logged once, and the pages come back for the next."""
        self.log_in("desk")
        page = self.watch()
        before, self.gateway.stats = self.gateway.stats, dict
        self.clock.advance(1.0)
        self.assertEqual(page.requests, {})
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
        self.gateway.stats = before
        self.assertEqual([kind for kind, _ in self.events(self.watch())], ["hello"])


def test_no_path_is_of_the_api():
    """The description of the API says nothing of the console, and none of its paths is the console's."""
    assert not [each.described.path for each in ROUTES if each.described.path.startswith("/console")]
    assert {each.path.startswith(API) for each in ACTIONS} == {True}


VENDORED = {
    "uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
}
"""SHA-256 of the files of uPlot 1.6.32 as npm has them."""


def test_the_charts_library_is_unchanged():
    """What is not ours is what its makers published, with its licence beside it."""
    static = resources.files("pushgate.inputs.http.console") / "static"
    assert {name: sha256((static / name).read_bytes()).hexdigest() for name in VENDORED} == VENDORED
    assert "Permission is hereby granted" in (static / "uPlot.LICENSE.txt").read_text()


def test_every_file_is_in_the_list():
    """No file is forgotten, and none is left over."""
    static = resources.files("pushgate.inputs.http.console") / "static"
    assert {each.name for each in static.iterdir()} == {*ASSETS, *PAGES.values(), "uPlot.LICENSE.txt"}
