"""The two push services of the demonstration: what stands in the configurations, and what proves what."""

from typing import Final

import msgspec


class DemoService(msgspec.Struct, frozen=True):
    """A push service, and the gateway's upstream to it.

    :param faults: what happens on the way, for people.
    :param script: rules of the simulator.
    :param app: keys of the gateway's app.
    :param dead_status: with which a dead token is rejected; `dead_reason` is its name.
    :param meaning: of the states, for people.
    :param after: why there are so many connections, for people.
    """

    faults: str
    script: str
    app: str
    dead_status: int
    dead_reason: str
    meaning: str
    after: str


BINARY: Final = DemoService(
    faults="one shutdown and one silent close on the way",
    script="""\
# Once: "I am shutting down", status 10, naming the last notification that was accepted.
[[simulator.script]]
act = "shutdown"
token = "{shutdown_at}"
times = 1

# Once: the connection is closed without a word.
[[simulator.script]]
act = "close"
token = "{close_at}"
times = 1
""",
    app="""\
upstream = "apns-stream"
topic = "com.example.demo"
certificate = "certificates/client.pem"
trust = "certificates/ca.pem"
host = "localhost"
port = {push}
feedback_host = "localhost"
feedback_port = {feedback}
response_timeout = "{response_timeout}"     # silence after which "written" becomes "presumed"; default: 5s
""",
    dead_status=8,
    dead_reason="InvalidToken",
    meaning="accepted: proven, by an error for a later one. presumed: written, and nothing heard for "
    "{response_timeout};\nthis protocol can say no more. Neither means delivered.",
    after="the push service closes one after each error",
)
HTTP2: Final = DemoService(
    faults="one GOAWAY and one connection dropped without a word on the way",
    script="""\
# Once: GOAWAY with the reason Shutdown; what comes behind it was not looked at.
[[simulator.script]]
act = "goaway"
token = "{shutdown_at}"
reason = "Shutdown"
times = 1

# Once: the connection is dropped without a word, and without an answer to this one, which was accepted.
[[simulator.script]]
act = "drop"
token = "{close_at}"
accepted = true
times = 1
""",
    app="""\
upstream = "apns-http2"
topic = "com.example.demo"
key_file = "certificates/AuthKey_{key_id}.p8"
team_id = "{team_id}"
trust = "certificates/ca.pem"
host = "localhost"
port = {http2}
""",
    dead_status=410,
    dead_reason="Unregistered",
    meaning="accepted: the push service said so of each. It does not mean delivered.",
    after="after GOAWAY and after a lost connection there is a new one",
)
SERVICES: Final = {"apns-stream": BINARY, "apns-http2": HTTP2}
"""By the name of the upstream."""
