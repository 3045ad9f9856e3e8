"""The console in a browser: headless Chromium, over real connections. One browser for all tests of this file."""

import time

import pytest
from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from bench.console_browser import DESKTOP, PHONE, Browser, missing
from bench.console_stage import SECRETS, Stage, grants
from pushgate.model.hub.send import SendState
from pushgate.model.outcome_record import id_text

why = missing()
pytestmark = pytest.mark.skipif(why is not None, reason=str(why))
MARKUP = '<img src=x onerror="window.ran=1"><script>window.ran=1</script>'
"""What would run a script if a page took text for markup."""
PAGES = ("overview", "apps", "outcomes", "notification", "dead-tokens", "findings", "test", "hubs")


@pytest.fixture(scope="module", autouse=True)
def _browser():
    """The browser, for the time of this file."""
    BrowserCase.browser = Browser()
    yield
    BrowserCase.browser.quit()


class BrowserCase(TestCase):
    """A console, and what is done with it in the browser: in a thread, since the console runs in this one."""

    timeout = 110
    browser: Browser

    async def visit(self, look, **options):
        """Serve a made-up gateway's console, and look at it."""
        stage = Stage(grants(), **options) if options.pop("principals", True) else Stage(**options)
        url = await stage.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(stage.stop()))
        self.browser.show_as(DESKTOP)
        await deferToThread(look, url, stage)
        self.assertEqual(await deferToThread(self.browser.errors), [])

    def until(self, selector, *texts):
        """Wait until these texts are seen there."""
        browser = self.browser
        browser.until(lambda: all(each in browser.text(selector) for each in texts), f"{texts} was seen")


class PageTests(BrowserCase):
    async def test_every_page(self):
        """Each page shows its content to a principal with read, without errors of scripts."""

        def look(url, stage):
            browser = self.browser
            browser.log_in(url, "desk", SECRETS["desk"])
            self.until("#tiles", "Outcomes a second", "1 of 4")
            browser.until(
                lambda: browser.run("return document.querySelectorAll('.chart canvas').length") == 4, "charts"
            )
            self.until("#chart-states .u-legend", "accepted", "rejected")
            browser.go("apps")
            self.until(
                "#apps-rows",
                "open: handshake-failed",
                "4 days",
                "https://push.example.net: open, timeout",
                "48,213",
            )
            browser.go("outcomes")
            self.until("#outcomes-rows", "accepted", "Unregistered")
            browser.go(f"notification/{id_text(stage.known.span.batch.id)}")
            self.until("#story", "410 Unregistered", "discarded", "through the input http")
            browser.go("dead-tokens")
            browser.until(lambda: "news" in browser.text("#dead-app"), "there were apps")
            browser.run("document.getElementById('dead-app').value = 'news'")
            browser.click("#dead-form button")
            self.until("#dead-status", "100 of 250")
            browser.click("#dead-more")
            self.until("#dead-status", "200 of 250")
            browser.go("hubs")
            self.until("#platform-rows", "apns", "60", "90")
            self.until("#tag-rows", "lang:de")
            self.until("#send-rows", "Scheduled", "lang:fr || lang:en")
            browser.type("#expression", "lang:de && !muted")
            browser.click("#expression-form button")
            self.until("#expression-result", "90 registrations: apns 60, fcmv1 30")
            browser.go("findings")
            self.until("#findings-list", "apps.mail", "What to do")

        await self.visit(look)

    async def test_read_only(self):
        """A principal without admin is offered no changes and no full tokens."""

        def look(url, stage):
            browser = self.browser
            browser.log_in(url, "desk", SECRETS["desk"])
            self.assertIn("read only", browser.text("#principal"))
            browser.go(f"notification/{id_text(stage.known.span.batch.id)}")
            self.until("#story", "Token, hashed")
            offered = browser.text("button")
            self.assertNotIn("full", offered)
            self.assertEqual(browser.text("#pace, #dead-full-field, #test-link"), "")

        await self.visit(look)

    async def test_a_principal_of_one_app(self):
        """No page has the name of another app."""

        def look(url, stage):
            browser = self.browser
            browser.log_in(url, "shop", SECRETS["shop"])
            browser.go("apps")
            self.until("#apps-rows", "news")
            time.sleep(1.2)
            for page in PAGES[:-1]:
                browser.go(page)
                text = browser.run("return document.body.textContent")
                self.assertNotIn("shop-android", text, page)
                self.assertNotIn("mail", text, page)
            self.assertEqual(browser.text("#chart-lags"), "")

        await self.visit(look)

    async def test_without_principals(self):
        """On loopback no login is needed, and no changes are offered."""

        def look(url, stage):
            browser = self.browser
            browser.open(url)
            self.until("#connection", "live")
            self.assertEqual(browser.text("#log-in, #log-out, #pace"), "")

        await self.visit(look, principals=False)


class ChangeTests(BrowserCase):
    async def test_a_rate(self):
        """The form changes the rate of an app in the gateway."""

        def look(url, stage):
            browser = self.browser
            browser.log_in(url, "ops", SECRETS["ops"])
            browser.go("apps")
            browser.until(lambda: browser.text("#pace-app"), "there were apps")
            browser.run("document.getElementById('pace-app').value = 'web'")
            browser.type("#pace-rate", "250")
            browser.click("#pace button")
            self.until("#pace-result", "web: 250 a second at most")
            self.assertEqual(stage.gateway.rates, {"web": 250.0})

        await self.visit(look)

    async def test_a_full_token(self):
        """It is shown on an administrator's request, and not before."""

        def look(url, stage):
            browser = self.browser
            token = stage.known.span.tokens()[0].hex()
            browser.log_in(url, "ops", SECRETS["ops"])
            browser.go("notification")
            browser.type("#look-up-id", id_text(stage.known.span.batch.id))
            browser.click("#look-up button")
            self.until("#story", "Token, hashed")
            self.assertNotIn(token, browser.text("#story"))
            browser.click("#story button")
            self.until("#story", token)

        await self.visit(look)

    async def test_a_scheduled_send_is_cancelled(self):
        """The button cancels it, and the list is loaded again."""

        def look(url, stage):
            browser = self.browser
            browser.log_in(url, "ops", SECRETS["ops"])
            browser.go("hubs")
            self.until("#send-rows", "Scheduled", "Cancel")
            browser.click("#send-rows button")
            self.until("#send-rows", "Canceled")

        await self.visit(look)

    async def test_a_cancellation_that_comes_too_late(self):
        """A send that has begun since the list was loaded goes on, which is said."""

        def look(url, stage):
            browser = self.browser
            browser.log_in(url, "ops", SECRETS["ops"])
            browser.go("hubs")
            self.until("#send-rows", "Scheduled", "Cancel")
            for each in list(stage.hub.sent.values()):
                if each.state is SendState.SCHEDULED:
                    stage.hub.sent[each.id] = replace(each, state=SendState.PROCESSING)
            browser.click("#send-rows button")
            self.until("#notice", "The send has begun already")
            self.until("#send-rows", "Processing")

        await self.visit(look)

    async def test_a_test_send(self):
        """Refused and tried devices are listed, each with reason and advice."""

        def look(url, stage):
            browser = self.browser
            browser.log_in(url, "ops", SECRETS["ops"])
            browser.go("test")
            browser.until(lambda: browser.text("#test-app"), "there were apps")
            browser.type("#test-tokens", f"{'0a' * 32}\nnot hex")
            payload = '{"aps": {"alert": "Hi"}, "id": 12345678901234567890, "share": 1.0}'
            browser.run("document.getElementById('test-payload').value = arguments[0]", payload)
            browser.click("#test-button")
            self.until("#test-rows", "0a" * 32, "not hex", "refused")
            [submission] = stage.gateway.submissions
            self.assertEqual(submission.payload, payload.encode())  # JavaScript would round its numbers

        await self.visit(look)


class ConcurrentRequestTests(BrowserCase):
    async def test_concurrent_requests(self):
        """Only the answer to the latest request is shown, and once."""

        def look(url, stage):
            browser = self.browser
            rows = "return document.querySelectorAll(arguments[0]).length"
            browser.log_in(url, "ops", SECRETS["ops"])
            browser.go("dead-tokens")
            browser.until(lambda: "news" in browser.text("#dead-app"), "there were apps")
            browser.run(
                "const form = document.getElementById('dead-form'), app = document.getElementById('dead-app');"
                "for (const name of ['news', 'mail', 'news']) { app.value = name; form.requestSubmit(); }"
            )
            self.until("#dead-status", "100 of 250")
            browser.run("const more = document.getElementById('dead-more'); more.click(); more.click()")
            self.until("#dead-status", "200 of 250")
            self.assertEqual(browser.run(rows, "#dead-rows tr"), 200)
            browser.go("hubs")
            browser.until(lambda: browser.run(rows, "#tag-rows tr") == 15, "there was a page of tags")
            browser.run("const more = document.getElementById('tags-more'); more.click(); more.click()")
            browser.until(lambda: browser.run(rows, "#tag-rows tr") == 30, "there were two pages of tags")
            browser.run("for (let n = 0; n < 3; n += 1) document.getElementById('hub-again').click()")
            browser.until(lambda: browser.run(rows, "#tag-rows tr") == 15, "there was one page again")
            browser.until(
                lambda: browser.run(rows, "#platform-rows tr") == 3, "there were the platforms once"
            )

        await self.visit(look)

    async def test_one_app_on_the_overview(self):
        """The other pages still show all apps; when the app is removed, the charts show all apps."""

        def look(url, stage):
            browser = self.browser
            browser.log_in(url, "ops", SECRETS["ops"])
            browser.until(lambda: "mail" in browser.text("#app-filter"), "there were apps")
            chosen = "return document.getElementById('app-filter').value"
            browser.run(
                "const filter = document.getElementById('app-filter');"
                "filter.value = 'mail'; filter.dispatchEvent(new Event('change'))"
            )
            self.until("#tiles", "1 of 1")
            browser.go("apps")
            self.until("#apps-rows", "mail", "news", "web")
            browser.go("overview")
            self.assertEqual(browser.run(chosen), "mail")
            stage.names = tuple(name for name in stage.names if name != "mail")
            browser.until(lambda: browser.run(chosen) == "", "the charts were of all apps")
            self.until("#connection", "live")

        await self.visit(look)


class LoginTests(BrowserCase):
    async def test_a_link_to_a_notification(self):
        """After the login it shows the notification."""

        def look(url, stage):
            browser = self.browser
            browser.open(f"{url}#notification/{id_text(stage.known.span.batch.id)}")
            self.until("h2", "Log in")
            browser.type("#name", "ops")
            browser.type("#secret", SECRETS["ops"])
            browser.click("#submit")
            self.until("#story", "Unregistered")

        await self.visit(look)

    async def test_a_wrong_secret(self):
        """The error is shown; the right secret then leads to the requested page."""

        def look(url, stage):
            browser = self.browser
            browser.open(f"{url}#apps")
            self.until("h2", "Log in")
            browser.type("#name", "ops")
            browser.type("#secret", "guess")
            browser.click("#submit")
            self.until("#fault", "no principal of this name has this secret")
            browser.type("#secret", SECRETS["ops"])
            browser.click("#submit")
            self.until("h1", "Apps")

        await self.visit(look)

    async def test_a_login_that_ends(self):
        """Open pages, requests and logging out lead to the login page."""

        def look(url, stage):
            browser = self.browser
            browser.log_in(url, "ops", SECRETS["ops"])
            stage.context.principals.replace({"desk": grants()["desk"]})
            self.until("h2", "Log in")
            browser.log_in(url, "desk", SECRETS["desk"])
            browser.run("return fetch('/console/api/logout', {method: 'POST', headers: {'Content-Type': 'application/json',"
                        " 'X-CSRF-Token': arguments[0]}, body: '{}'}).then(() => 1)", self.token(url))  # fmt: skip
            browser.go("hubs")
            self.until("h2", "Log in")
            browser.log_in(url, "desk", SECRETS["desk"])
            browser.click("#log-out")
            self.until("h2", "Log in")
            self.assertEqual(browser.run("return document.cookie"), "")

        await self.visit(look)

    def token(self, url):
        """The token of the login that the browser has."""
        return self.browser.run(
            "return fetch('/console/api/session').then(each => each.json()).then(each => each.token)"
        )


class HostileTests(BrowserCase):
    async def test_markup_in_names_and_reasons(self):
        """Markup is shown as text on every page: no script runs, and no element is made."""

        def look(url, stage):
            browser = self.browser
            browser.log_in(url, "ops", SECRETS["ops"])
            self.until("#app-filter", MARKUP)
            browser.go("apps")
            self.until("#apps-rows", MARKUP)
            browser.go("outcomes")
            self.until("#outcomes-rows", MARKUP)
            browser.go(f"notification/{id_text(stage.known.span.batch.id)}")
            self.until("#story", MARKUP)
            browser.go(f"notification/{MARKUP}")
            self.until("#story .notice", "id")
            browser.go("dead-tokens")
            self.until("#dead-app", MARKUP)
            self.assertIsNone(browser.run("return window.ran ?? null"))
            self.assertEqual(
                browser.run("return document.querySelectorAll('main img, main script').length"), 0
            )

        await self.visit(look, names=(MARKUP, "mail"), reason=MARKUP)

    async def test_names_of_properties(self):
        """An app may have the name of an inherited property of JavaScript objects."""

        def look(url, stage):
            browser = self.browser
            browser.log_in(url, "ops", SECRETS["ops"])
            browser.go("apps")
            self.until("#apps-rows", *names)
            time.sleep(1.2)
            rates = [
                browser.text(f"#apps-rows tr:nth-child({place}) [data-label='Outcomes/s']")
                for place in (1, 2, 3)
            ]
            self.assertEqual(rates, ["0"] * 3)
            browser.run("const app = document.getElementById('pace-app'); app.value = '__proto__'")
            browser.type("#pace-rate", "5")
            browser.click("#pace button")
            self.until("#pace-result", "__proto__: 5 a second at most")

        names = ("__proto__", "constructor", "toString")
        await self.visit(look, names=names, rate=0)

    async def test_the_back_button(self):
        """A page in the back/forward cache has no stream, and requests its session again when it is shown."""

        def look(url, stage):
            browser = self.browser
            browser.log_in(url, "ops", SECRETS["ops"])
            for _ in range(8):
                browser.driver.get("about:blank")
                browser.driver.get(f"{url}#apps")
                self.until("#connection", "live")
            self.until("#apps-rows", "news")
            browser.click("#log-out")
            self.until("h2", "Log in")
            browser.driver.back()
            self.until("h2", "Log in")
            self.assertEqual(browser.text("#apps-rows"), "")

        await self.visit(look)

    async def test_invalid_fragments(self):
        """The console works with any fragment in its address."""

        def look(url, stage):
            browser = self.browser
            browser.log_in(url, "ops", SECRETS["ops"])
            for link, title in (
                ("toString", "Overview"), ("__proto__", "Overview"), ("constructor/x", "Overview"), ("%", "Overview"),
                ("apps/x", "Apps"), ("notification/%E0%A4%A", "Look up"), ("notification/%", "Look up"),
            ):  # fmt: skip
                browser.driver.get("about:blank")
                browser.driver.get(f"{url}#{link}")
                self.until("h1", title)
                self.until("#connection", "live")

        await self.visit(look)

    async def test_the_content_security_policy(self):
        """An injected script does not run, and requests to other hosts are blocked."""

        def look(url, stage):
            browser = self.browser
            browser.log_in(url, "desk", SECRETS["desk"])
            browser.run("document.body.insertAdjacentHTML('beforeend', arguments[0]);"
                        "const s = document.createElement('script'); s.textContent = 'window.ran=1'; document.body.append(s)", MARKUP)  # fmt: skip
            left = browser.run("return fetch('http://localhost:1/').then(() => 'sent', each => String(each))")
            self.assertIn("TypeError", left)
            time.sleep(0.2)
            self.assertIsNone(browser.run("return window.ran ?? null"))
            said = []

            def blocked():
                said.extend(browser.errors())
                return any("Content Security Policy" in each for each in said)

            browser.until(blocked, "the policy was named")

        await self.visit(look)


class LookTests(BrowserCase):
    async def test_a_phone(self):
        """No page is wider than 360 pixels."""

        def look(url, stage):
            browser = self.browser
            browser.show_as(PHONE)
            browser.log_in(url, "ops", SECRETS["ops"])
            self.until("#tiles", "Outcomes a second")
            for page in PAGES:
                browser.go(page)
                time.sleep(0.3)
                self.assertLessEqual(
                    browser.run("return document.documentElement.scrollWidth"), PHONE[0], page
                )

        await self.visit(look)

    async def test_light_and_dark(self):
        """All text has a contrast of 4.5 at least in both (WCAG 2.2, 1.4.3)."""

        def look(url, stage):
            browser = self.browser
            for dark in (False, True):
                browser.show_as(DESKTOP, dark)
                browser.log_in(url, "ops", SECRETS["ops"])
                browser.go("apps")
                self.until("#apps-rows", "handshake-failed")
                for selector in (
                    "main h1",
                    "thead th",
                    ".muted",
                    ".pill.good",
                    ".pill.bad",
                    "#pace button",
                    "nav a",
                    "td",
                ):
                    self.assertGreaterEqual(
                        browser.run(CONTRAST, f"#apps {selector}, {selector}"), 4.5, (selector, dark)
                    )

        await self.visit(look)

    async def test_the_keyboard_and_a_screen_reader(self):
        """Fields have labels, pages headings and landmarks; focus is visible and moves to the shown page."""

        def look(url, stage):
            browser = self.browser
            browser.log_in(url, "ops", SECRETS["ops"])
            self.assertEqual(browser.run(UNLABELLED), [])
            self.assertEqual(
                browser.run("return ['header', 'nav', 'main'].filter(each => !document.querySelector(each))"),
                [],
            )
            browser.run("document.querySelector('nav a[href=\"#apps\"]').focus()")
            browser.run("document.activeElement.click()")
            self.until("h1", "Apps")
            self.assertEqual(browser.run("return document.activeElement.id"), "main")
            self.assertEqual(
                browser.run("return document.querySelector('[aria-current]').textContent"), "Apps"
            )
            self.assertEqual(browser.run("return document.title"), "Apps · pushgate console")
            self.assertIn(
                "Outcomes a second: accepted",
                browser.run("return document.getElementById('chart-states').ariaLabel"),
            )

        await self.visit(look)


class LoadTests(BrowserCase):
    async def test_ten_thousand_outcomes_a_second(self):
        """The page stays responsive: each update costs less than a tenth of a second; and its memory does not grow."""

        def look(url, stage):
            browser = self.browser
            browser.log_in(url, "desk", SECRETS["desk"])
            browser.go("outcomes")
            self.until("#outcomes-rows", "accepted")
            browser.run(UPDATES)
            began = browser.cpu()
            updates = browser.until(
                lambda: (seen := browser.run("return window.updates")) >= 5 and seen, "the page was updated"
            )
            self.assertLess((browser.cpu() - began) / updates, 0.1, "seconds for each second")
            self.assertLessEqual(
                browser.run("return document.querySelectorAll('#outcomes-rows tr').length"), 100
            )
            browser.go("overview")
            self.until("#tiles", "9,")

        await self.visit(look, rate=10_000.0)


CONTRAST = """
const parse = (text) => text.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => [r, g, b].map(each => (each /= 255) <= .03928 ? each / 12.92 : ((each + .055) / 1.055) ** 2.4)
  .reduce((sum, each, index) => sum + each * [.2126, .7152, .0722][index], 0);
const ground = (each) => { const found = parse(getComputedStyle(each).backgroundColor); return found.length < 4 || found[3] ? found : ground(each.parentElement); };
return Math.min(...[...document.querySelectorAll(arguments[0])].filter(each => each.checkVisibility()).map(each => {
  const [one, other] = [light(parse(getComputedStyle(each).color)), light(ground(each))].sort((a, b) => b - a);
  return (one + .05) / (other + .05);
}));
"""
UNLABELLED = """
return [...document.querySelectorAll('main input, main select, main textarea')].filter(each => !each.labels.length && !each.ariaLabel).map(each => each.id);
"""
UPDATES = """
window.updates = 0;
new MutationObserver(() => { window.updates += 1; }).observe(document.getElementById('outcomes-rows'), { childList: true });
"""
