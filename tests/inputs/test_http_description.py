"""The description of the HTTP door is true: requests that are made of it are answered as it says."""

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from pushgate.testing import RecordingGateway
from tests.inputs.test_http_door import door

EXAMPLES = {"POST": 25}
"""Requests of each kind, by method."""
FEW = 4
"""Requests for operations about which there is next to nothing to say."""
STATE = {
    "upstream": "simulator",
    "queue": 0,
    "queue_age": 0.0,
    "window": 0,
    "connections": {"ready": 1},
    "circuit": {"open": False, "cause": ""},
    "certificate_expires": 1_800_000_000.0,
}
ENDLESS = "/v1/outcomes"
"""An answer that does not end is nothing for a tool that waits for it."""


class DescriptionTests(TestCase):
    async def test_requests_made_of_it(self):
        """What fits the description is taken, what does not is refused, and each answer is as it says."""
        gateway = RecordingGateway("news", max_payload=65_535)
        gateway.stats = lambda: {"apps": {"news": STATE}, "sinks": {}}
        async with door(gateway, max_wait="20ms") as place:
            operations = await deferToThread(attack, f"http://{place}")
        self.assertGreaterEqual(operations, 7)
        self.assertTrue(gateway.submissions)


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
        if known and "app" in case.path_parameters:
            case.path_parameters["app"] = "news"
        case.call_and_validate(timeout=10)

    ask()
