"""The description of the HTTP input is true: requests that are made of it are answered as it says."""

import json
import re

import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from schemathesis import GenerationMode
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from pushgate.inputs.http.schemas import SCHEMAS
from pushgate.testing import FakeHub, RecordingGateway
from tests.hub_samples import SUBSCRIPTION
from tests.inputs.http.test_input import listening_input
from tests.samples import WITH_CHANNELS

schemathesis.openapi.format("push-subscription", st.just(json.dumps(SUBSCRIPTION)))
TAKES_ALL = replace(WITH_CHANNELS, text_payloads=True, check_payload=lambda _: None)
"""Everything that the description allows of some app or other."""
EXAMPLES = {"POST": 25, "PUT": 12}
"""Requests of each kind, by method."""
FEW = 4
"""Requests for operations about which there is next to nothing to say."""
STATE = {
    "upstream": "simulator",
    "queue": 0,
    "queue_age": 0.0,
    "window": 0,
    "delayed": 0,
    "connections": {"ready": 1},
    "circuit": {"open": False, "cause": ""},
    "routes": {},
    "certificate_expires": 1_800_000_000.0,
}
FOUND = ("after", "handle")
"""Parameters whose values are those of an earlier answer, or of a device: no tool can make them up.

No schema can say either that those of a test send have the same terms.
"""
is_name = re.compile("[A-Za-z0-9._-]{1,64}").fullmatch
ENDLESS = "/v1/outcomes"
"""An answer that does not end is nothing for a tool that waits for it."""


class DescriptionTests(TestCase):
    async def test_requests_made_of_it(self):
        """What fits the description is taken, what does not is refused, and each answer is as it says."""
        gateway = RecordingGateway("news", max_payload=65_535, rules=TAKES_ALL)
        gateway.stats = lambda: {"apps": {"news": STATE}, "sinks": {}}
        hub = FakeHub()
        async with listening_input(gateway, {"main": hub}, max_wait="20ms") as place:
            operations = await deferToThread(attack, f"http://{place}")
        self.assertGreaterEqual(operations, 21)
        self.assertTrue(gateway.submissions)
        self.assertTrue(hub.requests)
        self.assertTrue(hub.kept)
        self.assertTrue(hub.installations)

    async def test_the_one_without_an_end(self):
        """What fits the description gets a documented head, and a beginning; what does not is refused."""
        async with listening_input(RecordingGateway("news")) as place:
            statuses = await deferToThread(watch, f"http://{place}")
        self.assertEqual(statuses, {200, 400, 404})

    async def test_what_refuses_one_notification_is_described_so(self):
        """A number with a fraction refuses the notification it is in, not the request: the description allows it."""
        body = {"notifications": [{"token": "0a", "payload": {}, "registered_at": 2.5}]}
        async with listening_input(RecordingGateway("news")) as place:
            response = await deferToThread(
                requests.post, f"http://{place}/v1/apps/news/notifications", json=body, timeout=10
            )
        [[index, code, text]] = response.json()["refused"]
        self.assertEqual((index, code, text.partition(":")[0]), (0, "INVALID", "registered_at"))
        self.assertIn("number", SCHEMAS["Notification"]["properties"]["registered_at"]["type"])


def attack(url):
    """Make requests of the description and check their answers; return how many operations there are."""
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    operations = [result.ok() for result in schema.get_all_operations()]
    for operation in operations:
        if operation.path != ENDLESS:
            attack_one(operation, GenerationMode.POSITIVE)
        if operation.body:
            attack_one(operation, GenerationMode.NEGATIVE)
    return len(operations)


def watch(url):
    """Ask for outcomes in ways made of the description and in others; return the statuses that came."""
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    operation = schema[ENDLESS]["GET"]
    described = operation.definition.raw["responses"]
    found = set()

    @settings(max_examples=12, deadline=None, database=None, derandomize=True)
    @given(operation.as_strategy(), st.sampled_from([{}, {"app": "news"}, {"apps": "news"}, None]))
    def ask(case, query):
        query = case.query if query is None else query
        with requests.get(
            url + ENDLESS, params=query, headers=case.headers, stream=True, timeout=10
        ) as response:
            kind, beginning = response.headers["content-type"], next(response.iter_lines())
        found.add(response.status_code)
        assert kind in described[str(response.status_code)]["content"]
        assert (response.status_code == 200) == beginning.startswith(b":")

    ask()
    return found


def attack_one(operation, mode):
    """Good requests or bad ones for one operation."""

    @settings(
        max_examples=EXAMPLES.get(operation.method.upper(), FEW),
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode), st.booleans())
    def ask(case, known):
        for name, good in (("app", "news"), ("hub", "main")):
            if known and is_name(str(case.path_parameters.get(name, ""))):  # what is wrong stays wrong
                case.path_parameters[name] = good
        several = isinstance(case.body, dict) and "notifications" in case.body
        for name in (*FOUND, "test") if several else FOUND:
            (case.query or {}).pop(name, None)
        case.call_and_validate(timeout=10)

    ask()
