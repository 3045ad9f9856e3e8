"""The console's requests and permissions, without a browser."""

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
    """The grant of a principal whose secret is its name."""
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
        """The JSON answer to a GET."""
        response = self.ask("GET", API + path, **headers)
        self.assertEqual(response.status, status, response.body)
        return response.json

    def change(self, path, body=None, status=200, **headers):
        """The JSON answer to a change, made with the CSRF token."""
        if self.token is not None:
            headers.setdefault("X_CSRF_Token", self.token)
        response = self.ask("POST", API + path, {} if body is None else body, **headers)
        self.assertEqual(response.status, status, response.body)
        return response.json

    def log_in(self, name):
        """Log in with the name as the secret; keep cookie and token."""
        response = self.ask("POST", f"{API}login", {"name": name, "secret": name})
        self.assertEqual(response.status, 200, response.body)
        self.cookie = response.headers["set-cookie"].partition(";")[0]
        self.token = response.json["token"]
        return response

    def watch(self, path="live"):
        """Open the stream on a new connection."""
        connection = self.connect()
        headers = {} if self.cookie is None else {"cookie": self.cookie}
        connection.dataReceived(request("GET", API + path, **headers))
        return connection

    def events(self, connection):
        """Kind and data of the events since the last call."""
        text = self.taken(connection).decode()
        return [(kind, json.loads(data)) for kind, data in re.findall(r"event: (\w+)\ndata: (.*)\n\n", text)]


class FileTests(ConsoleCase):
    def test_every_file_of_the_list(self):
        """Pages and assets have their media types and caching headers."""
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

    def test_revalidation(self):
        """A current copy is answered 304, without a body."""
        etag = self.ask("GET", "/console/").headers["etag"]
        for said in (etag, f'"other", W/{etag}'):
            [response] = self.send(request("GET", "/console/", if_none_match=said))
            self.assertEqual((response.status, response.body), (304, b""))
            self.assertNotIn(
                "content-length", response.headers
            )  # it would be that of the file: RFC 9110, 8.6
        self.assertEqual(self.ask("GET", "/console/", if_none_match='"other"').status, 200)

    def test_paths_outside_the_list(self):
        """Only the listed paths exist: files are looked up, not opened."""
        base = re.search(rb'"(/console/static/[^/]+)/', self.ask("GET", "/console/").body)[1].decode()
        for path in (
            "/console/static/", f"{base}/", f"{base}/../files.py", f"{base}/..%2f..%2fconsole.py", f"{base}/uPlot.LICENSE.txt",
            "/console/static/0000000000000000/console.js", "/console/index.html", "/consoles", "/console//etc/passwd",
        ):  # fmt: skip
            self.assertEqual(self.ask("GET", path).status, 404, path)

    def test_methods_of_files(self):
        """Files take GET and HEAD only."""
        self.refusal(self.ask("POST", "/console/", {}), 405, "INVALID")
        [response] = self.send(request("HEAD", "/console/"))[:1] or [None]
        self.assertEqual(response.status, 200)

    def test_redirect_to_the_slash(self):
        """/console redirects to /console/, where relative links work."""
        response = self.ask("GET", "/console")
        self.assertEqual((response.status, response.headers["location"]), (308, "/console/"))

    def test_a_link_from_another_site(self):
        """Other sites may link to a page; their requests for data are refused."""
        foreign = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}
        self.assertEqual(self.ask("GET", "/console/", **foreign).status, 200)
        self.refusal(self.ask("GET", f"{API}session", **foreign), 403, "INVALID")
        self.refusal(self.ask("POST", f"{API}login", {}, origin="https://evil.example"), 403, "INVALID")

    def test_every_answer_has_the_policy(self):
        """Pages, data and errors have the security headers; data and errors are no-store."""
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
        """The pages have no inline scripts, styles and handlers."""
        for path in PAGES:
            text = StaticFiles().find(path).body.decode()
            self.assertEqual(
                re.findall(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|javascript:|https?://", text), []
            )


class OpenTests(ConsoleCase):
    """Without principals, on loopback."""

    def test_reading(self):
        """Everything is readable without a login."""
        found = self.get("session")
        self.assertEqual((found["admin"], found["may_log_in"], found["token"]), (False, False, None))
        self.get("hubs")
        self.get("apps/news/dead-tokens")

    def test_changes_are_refused(self):
        """Changes and full tokens need a login."""
        self.refusal(self.ask("POST", f"{API}apps/news/rate", {"rate": 1}), 403, "FORBIDDEN")
        self.get("apps/news/dead-tokens?full=true", 403)
        self.assertEqual(self.gateway.rates, {})


class ElsewhereTests(ConsoleCase):
    """Without principals, where other machines can connect, after a reload removed the principals."""

    local = False

    def test_reading_is_refused(self):
        """Requests are answered 401."""
        self.get("session", 401)


class NoLongerGuardedTests(ConsoleCase):
    """With an anonymous principal, where other machines can connect."""

    local = False
    grants: ClassVar = {"anonymous": Grant(operations=READS)}

    def test_a_reload_without_principals(self):
        """Open streams end, as new requests are refused."""
        page = self.watch()
        self.assertEqual([kind for kind, _ in self.events(page)], ["hello"])
        self.context.principals.replace({})
        self.clock.advance(1.0)
        self.assertEqual([kind for kind, _ in self.events(page)], ["ended"])
        self.get("session", 401)


class OffTests(HTTPTestCase):
    def test_it_is_off(self):
        """The console is off by default."""
        for path in ("/console", "/console/", f"{API}session"):
            self.refusal(self.ask("GET", path), 404, "NOT_FOUND")


class LoginTests(ConsoleCase):
    grants: ClassVar = GRANTS

    def test_requests_need_a_login(self):
        """Every request needs a login at the console; the Authorization header of the API is not one."""
        for action in ACTIONS:
            path = action.path.format(id=id_text(1), app="news", hub="main")
            response = self.ask(action.method, path, {} if action.method == "POST" else None)
            self.refusal(response, 401, "FORBIDDEN")
        self.get("session", 401, authorization="Bearer ops")

    def test_a_login(self):
        """The answer has a cookie with its flags, and the permissions."""
        response = self.log_in("ops")
        given = response.headers["set-cookie"]
        for part in ("HttpOnly", "SameSite=Strict", "Path=/"):
            self.assertIn(part, given)
        self.assertNotIn("Secure", given)
        found = self.get("session")
        self.assertEqual((found["name"], found["admin"], found["logged_in"]), ("ops", True, True))
        self.assertNotIn(self.cookie.partition("=")[2], response.body.decode())

    def test_a_second_login(self):
        """It has another id and ends the first login of the browser."""
        self.log_in("desk")
        old = self.cookie
        self.log_in("ops")
        self.assertNotEqual(self.cookie, old)
        self.get("session", 401, cookie=old)

    def test_a_wrong_secret(self):
        """The answer is delayed, counted, and sets no cookie."""
        body = {"name": "ops", "secret": "guess"}
        self.assertEqual(self.send(request("POST", f"{API}login", body)), [])
        self.clock.advance(FIRST_DELAY)
        [response] = self.received()
        self.refusal(response, 401, "FORBIDDEN")
        self.assertNotIn("set-cookie", response.headers)
        self.assertEqual(self.counted("pushgate_logins_failed_total"), {("http",): 1})
        self.assertNotIn("guess", "".join(self.logged()))

    def test_invalid_bodies(self):
        """The error names the rule, and no failed login is counted."""
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

    def test_a_principal_without_read_and_admin(self):
        """Its login is refused."""
        response = self.ask("POST", f"{API}login", {"name": "sender", "secret": "sender"})
        self.refusal(response, 403, "FORBIDDEN")
        self.assertNotIn("set-cookie", response.headers)

    def test_idle(self):
        """An unused login ends."""
        self.log_in("ops")
        self.clock.advance(IDLE - 1)
        self.get("session")
        self.clock.advance(IDLE)
        self.get("session", 401)

    def test_the_longest_login(self):
        """A login in use ends after `ABSOLUTE`."""
        self.log_in("ops")
        for _ in range(int(ABSOLUTE / 1000)):
            self.get("session")
            self.clock.advance(1000)
        self.clock.advance(1000)
        self.get("session", 401)

    def test_a_log_out(self):
        """Logging out ends the login in the gateway."""
        self.log_in("ops")
        response = self.ask("POST", f"{API}logout", {}, X_CSRF_Token=self.token)
        self.assertIn("Max-Age=0", response.headers["set-cookie"])
        self.get("session", 401)

    def test_a_principal_that_is_removed(self):
        """A reload applies at once."""
        self.log_in("ops")
        self.context.principals.replace({"desk": GRANTS["desk"]})
        self.get("session", 401)

    def test_invalid_cookies(self):
        """They are not a login."""
        for said in ("pushgate_console=", "pushgate_console=x", "pushgate_console=\xe9", "=;;=", "a" * 3000):
            self.assertEqual(self.ask("GET", f"{API}session", cookie=said).status, 401, said)

    def test_cookies_of_other_programs(self):
        """Cookies do not distinguish ports: those of other servers on the host do not hide the login."""
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
        """Over TLS the cookie is Secure and has the prefix __Host-; without the prefix it is ignored."""
        response = self.log_in("ops")
        self.assertTrue(self.cookie.startswith("__Host-pushgate_console="))
        self.assertIn("; Secure", response.headers["set-cookie"])
        self.get("session")
        self.get("session", 401, cookie=self.cookie.removeprefix("__Host-"))


class ConfigurationTests(SynchronousTestCase):
    def test_a_console_without_principals(self):
        """The start is refused if other machines can connect."""
        table = HTTPTable(type="http", listen="tcp:0", insecure=True, console=True)
        with self.assertRaises(CannotStart) as caught:
            factory.input("http", table, RecordingGateway(), context(MemoryReactorClock()))
        self.assertIn("inputs.http.console: anyone could look", str(caught.exception))
        guarded = context(MemoryReactorClock(), {"ops": GRANTS["ops"]})
        factory.input("http", table, RecordingGateway(), guarded)


class AnonymousTests(ConsoleCase):
    grants: ClassVar = {"anonymous": Grant(operations=READS, apps=frozenset({"news"})), "ops": GRANTS["ops"]}

    def test_the_anonymous_principal(self):
        """A caller without a login has its permissions, and may log in."""
        found = self.get("session")
        self.assertEqual((found["name"], found["admin"], found["may_log_in"]), ("anonymous", False, True))
        self.get("apps/mail/dead-tokens", 403)
        self.log_in("ops")
        self.get("apps/mail/dead-tokens")


class ChangeTests(ConsoleCase):
    grants: ClassVar = GRANTS

    def test_a_rate(self):
        """An administrator changes it; the log has the principal."""
        self.log_in("ops")
        self.assertEqual(self.change("apps/news/rate", {"rate": 250}), {"rate": 250.0})
        self.assertEqual(self.gateway.rates, {"news": 250.0})
        self.assertIn("ops set the rate of news to 250", "".join(self.logged()))

    def test_without_the_token(self):
        """A change without the CSRF token is refused."""
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
        """A principal with read only reads everything and changes nothing."""
        self.log_in("desk")
        self.assertFalse(self.get("session")["admin"])
        for action in ACTIONS:
            if action.changes and action.operation is not None:
                path = action.path.removeprefix(API).format(id=id_text(1), app="news", hub="main")
                self.change(path, status=403)
        self.assertEqual(self.gateway.rates, {})

    def test_of_another_app(self):
        """An administrator of some apps changes only these."""
        self.log_in("chief")
        self.change("apps/news/rate", {"rate": 1})
        self.change("apps/mail/rate", {"rate": 1}, 403)
        self.assertEqual(self.gateway.rates, {"news": 1.0})

    def test_invalid_rates(self):
        """The error names the rule."""
        self.log_in("ops")
        for rate in (-1, "fast", None, 1e300):
            self.change("apps/news/rate", {"rate": rate}, 400)
        self.change("apps/none/rate", {"rate": 1}, 404)
        self.assertEqual(self.gateway.rates, {})

    def test_methods(self):
        """Changes need POST, reading needs GET; other paths do not exist."""
        self.log_in("ops")
        self.refusal(self.ask("GET", f"{API}apps/news/rate"), 405, "INVALID")
        self.get("nothing", 404)
        self.get("session?x=1", 400)

    def test_a_notification_is_cancelled(self):
        """Cancelling a notification needs push and admin."""
        self.gateway.waiting = {1}
        self.log_in("chief")  # has no push
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
        """The trace has a hash of the token."""
        self.log_in("desk")
        found = self.story()
        self.assertEqual((found["state"], found["reason"]), ("rejected", "BadDeviceToken"))
        self.assertEqual([each["event"] for each in found["events"]], ["submitted", "queued", "outcome"])
        self.assertEqual(found["token"], hash_token(TOKEN))
        self.story("?full=true", 403)

    def test_with_the_token(self):
        """An administrator may request the full token."""
        self.log_in("ops")
        self.assertEqual(self.story()["token"], hash_token(TOKEN))
        self.assertEqual(self.story("?full=true")["token"], TOKEN.hex())

    def test_of_another_app(self):
        """The trace of a notification of another app is refused."""
        self.gateway.records[self.id] = outcome(app="mail", order=5)
        self.log_in("shop")
        self.story(status=403)

    def test_unknown_ids(self):
        """An unknown id is not found, an invalid one is refused."""
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
        """The tokens on each page."""
        after = ""
        while True:
            found = self.get(f"apps/news/dead-tokens?after={after}{query}")
            yield [each["token"] for each in found["tokens"]]
            after = found["next"]
            if not after:
                return

    def test_hashed(self):
        """All pages are hashed, and the position of the next page does not reveal a token."""
        self.log_in("desk")
        pages = list(self.pages())
        self.assertEqual([len(each) for each in pages], [100, 100, 30])
        self.assertEqual(list(chain(*pages)), [hash_token(each) for each in self.tokens])
        first = self.ask("GET", f"{API}apps/news/dead-tokens").body.decode()
        self.assertNotIn(self.tokens[99].hex(), first)

    def test_in_full(self):
        """An administrator may request full tokens."""
        self.log_in("ops")
        self.assertEqual(list(chain(*self.pages("&full=true"))), [each.hex() for each in self.tokens])
        self.log_in("desk")
        self.get("apps/news/dead-tokens?full=true", 403)

    def test_of_another_app(self):
        """Dead tokens of other apps are refused."""
        self.log_in("shop")
        self.get("apps/mail/dead-tokens", 403)
        self.get("apps/none/dead-tokens", 403)
        self.log_in("desk")
        self.get("apps/none/dead-tokens", 404)

    def test_invalid_positions(self):
        """They are refused."""
        self.log_in("desk")
        for after in ("x", "%C3%A9", "%FF", "%00", "=", "A" * 2000):
            self.get(f"apps/news/dead-tokens?after={after}", 400)


class HostileParameterTests(ConsoleCase):
    grants: ClassVar = GRANTS
    hostile = ("%C3%A9", "%00", "%FF", "..", "%2F", "%25", "x" * 3000, "%22%3Cb%3E", "%0D%0AX:%20y", "-1")
    known: ClassVar = {"app": "news", "hub": "main", "id": id_text(1 << 100)}

    def test_every_parameter(self):
        """Hostile values in path and query are answered below 500, and nothing is logged as a failure."""
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
        """The paths of an action with a hostile value for each parameter."""
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
        """An administrator with push gets the outcome for each device."""
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

    def test_permissions(self):
        """A test send needs admin and push, for this app."""
        for name in ("desk", "chief"):
            self.log_in(name)
            self.change("apps/news/test-sends", self.body, 403)
        self.log_in("ops")
        self.change("apps/none/test-sends", self.body, 404)
        self.assertEqual(self.gateway.submissions, [])

    def test_invalid_bodies(self):
        """The error names the rule, and nothing is sent."""
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
        """Findings have their meaning and advice."""
        self.log_in("desk")
        self.assertEqual(self.found(), {"apps.news", "apps.mail", "the running gateway"})
        [each] = [
            each
            for each in self.get("findings")["findings"]
            if each["part"] == "apps.news" and "expired" in str(each)
        ]
        self.assertTrue(each["meaning"] and each["advice"])

    def test_of_other_apps(self):
        """A principal of one app gets no findings about others."""
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

    def test_an_overview(self):
        """Counts by platform and tag, and sends without bodies and handles."""
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
        """Pages follow each other to the last one."""
        self.log_in("desk")
        seen, after = [], ""
        while after or not seen:
            found = self.get(f"hubs/main/tags?after={after}")
            seen, after = seen + found["tags"], found["next"]
        self.assertEqual(len(seen), 40)

    def test_of_other_apps(self):
        """A hub needs read for all of its apps."""
        self.log_in("mail")
        self.assertEqual(self.get("hubs"), {"hubs": []})
        for part in ("count", "tags", "sends"):
            self.get(f"hubs/main/{part}", 403)
            self.get(f"hubs/none/{part}", 404)

    def test_a_scheduled_send_is_cancelled(self):
        """Cancelling a send needs push and admin for all apps of the hub."""
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
        """Count and report outcomes, each in a report of its own."""
        outcomes = self.gateway.stats()["outcomes"]
        outcomes[app] = {state: outcomes[app].get(state, 0) + times}
        before = self.gateway.stats
        self.gateway.stats = lambda: {**before(), "outcomes": outcomes}
        for order in range(times):
            self.gateway.report(outcome(state, app=app, order=order))

    def second(self, connection):
        self.clock.advance(1.0)
        return self.events(connection)

    def test_summaries(self):
        """A page gets the whole state, then a summary each second: all counts, a sample of records, hashed tokens."""
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
        """Summaries have only the apps that changed."""
        self.log_in("desk")
        page = self.watch()
        self.events(page)
        before = self.gateway.stats()
        apps = {"news": {"queue": 9}, "web": {"queue": 0}}
        self.gateway.stats = lambda: {**before, "apps": apps}
        [(_, news)] = self.second(page)
        self.assertEqual((sorted(news["apps"]), news["gone"]), (["news", "web"], ["mail"]))
        self.assertEqual(news["apps"]["news"]["queue"], 9)

    def test_a_principal_of_one_app(self):
        """It gets no state, rates and records of others, and no sinks."""
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
        """The points are of this app; the state of all apps is sent for the other pages."""
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

    def test_a_page_that_is_opened_later(self):
        """It gets the earlier points if a page was open within the last minute."""
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
        """Messages to it are dropped; after it has read, it gets the whole state."""
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
        """The stream ends with the login; an open stream does not prolong it."""
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
        """Another page is refused until one is closed."""
        pages = []
        for name in ("ops", "desk", "shop"):
            self.log_in(name)
            pages += [self.watch() for _ in range(min(MOST_EACH, MOST - len(pages)))]
        self.assertEqual(len(pages), MOST)
        self.refusal(self.ask("GET", f"{API}live"), 429, "OVERLOADED")
        self.lose(pages[0])
        self.assertEqual([kind for kind, _ in self.events(self.watch())], ["hello"])

    def test_too_many_pages_of_one_principal(self):
        """One principal cannot use up the streams."""
        self.log_in("shop")
        for _ in range(MOST_EACH):
            self.watch()
        text = self.refusal(self.ask("GET", f"{API}live"), 429, "OVERLOADED")
        self.assertIn(f"at most {MOST_EACH}", text)
        self.log_in("desk")
        self.assertEqual([kind for kind, _ in self.events(self.watch())], ["hello"])

    def test_the_gateway_stops(self):
        """Streams end, and the sampler is closed."""
        self.log_in("desk")
        page = self.watch()
        self.server.console.close()
        self.assertEqual(page.requests, {})
        self.assertEqual(self.gateway.samples, [])

    def test_a_summary_that_fails(self):
        """The failure is logged once, and pages can reconnect."""
        self.log_in("desk")
        page = self.watch()
        before, self.gateway.stats = self.gateway.stats, dict
        self.clock.advance(1.0)
        self.assertEqual(page.requests, {})
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
        self.gateway.stats = before
        self.assertEqual([kind for kind, _ in self.events(self.watch())], ["hello"])


def test_paths_are_not_part_of_the_api():
    """The API's description has no path of the console."""
    assert not [each.described.path for each in ROUTES if each.described.path.startswith("/console")]
    assert {each.path.startswith(API) for each in ACTIONS} == {True}


VENDORED = {
    "uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
}
"""SHA-256 of the files of uPlot 1.6.32 as npm has them."""


def test_the_charts_library_is_unchanged():
    """The files of uPlot are as published, and its licence is included."""
    static = resources.files("pushgate.inputs.http.console") / "static"
    assert {name: sha256((static / name).read_bytes()).hexdigest() for name in VENDORED} == VENDORED
    assert "Permission is hereby granted" in (static / "uPlot.LICENSE.txt").read_text()


def test_every_file_is_in_the_list():
    """The list has exactly the installed files."""
    static = resources.files("pushgate.inputs.http.console") / "static"
    assert {each.name for each in static.iterdir()} == {*ASSETS, *PAGES.values(), "uPlot.LICENSE.txt"}
