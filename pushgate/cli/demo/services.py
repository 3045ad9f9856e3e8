"""The push services of the demonstration, one for each of Apple's protocols: faults and answers."""

from typing import Final

import msgspec

from pushgate.model.outcome import State


class DemoService(msgspec.Struct, frozen=True):
    """A push service, and the gateway's upstream to it.

    :param upstream: the name of the upstream.
    :param app: keys of the gateway's app that only this upstream has, in TOML.
    :param script: rules of the simulator, in TOML.
    :param faults: what the script does, for people.
    :param good: the states of a notification that the push service accepted, as far as the gateway can know.
    :param meaning: of these states, for people.
    :param dead_status: with which a dead token is rejected; `dead_reason` is its name.
    :param connections: why there are so many, for people.
    """

    upstream: str
    app: str
    script: str
    faults: str
    good: tuple[State, ...]
    meaning: str
    dead_status: int
    dead_reason: str
    connections: str


BINARY: Final = DemoService(
    upstream="apns-stream",
    app="""\
port = {push}
certificate = "certificates/client.pem"
feedback_host = "localhost"
feedback_port = {feedback}
response_timeout = "{response_timeout}"     # silence after which "written" becomes "presumed"; default: 5s
""",
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
    faults="one shutdown and one silent close on the way",
    good=(State.ACCEPTED, State.PRESUMED),
    meaning="accepted: proven, by an error for a later one. presumed: written, and nothing heard for "
    "{response_timeout};\nthis protocol can say no more. Neither means delivered.",
    dead_status=8,
    dead_reason="InvalidToken",
    connections="the push service closes one after each error",
)
HTTP2: Final = DemoService(
    upstream="apns-http2",
    app="""\
port = {http2}
key_file = "certificates/AuthKey_SIMKEY0001.p8"     # made by the simulator, and thrown away
team_id = "SIMTEAM001"
""",
    script="""\
# Once: GOAWAY with the reason Shutdown. Requests that come later on the connection are not processed.
[[simulator.script]]
act = "goaway"
token = "{shutdown_at}"
reason = "Shutdown"
times = 1

# Once: the notification is accepted, and the connection is closed without a word instead of an answer.
[[simulator.script]]
act = "drop"
token = "{close_at}"
accepted = true
times = 1
""",
    faults="one GOAWAY (Shutdown) and one silent close on the way",
    good=(State.ACCEPTED,),
    meaning="accepted: the push service answered 200. This does not mean delivered.",
    dead_status=410,
    dead_reason="Unregistered",
    connections="the push service ended two of them",
)
SERVICES: Final = {each.upstream: each for each in (BINARY, HTTP2)}
