"""The asyncio and the blocking client, over AMP and over HTTP, with a gateway in a process of its own."""

import asyncio
import json
import ssl
import subprocess
import sys
import threading
import time
from contextlib import closing
from inspect import signature

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st

from pushgate.cli.demo.directory import free_ports
from pushgate.client import (
    Client,
    Conflict,
    FateUnknown,
    Forbidden,
    Internal,
    Invalid,
    NotFound,
    Overloaded,
    PartlySent,
    TooLarge,
    UnknownApp,
    Unreachable,
)
from pushgate.client.address import Address, parse_address
from pushgate.client.aio import AsyncClient
from pushgate.client.blocking import SyncClient
from pushgate.client.calls import MISSED
from pushgate.client.event_reader import Event, EventReader
from pushgate.client.http_calls import HTTPFeed
from pushgate.client.operations import Operations
from pushgate.model.enrolment import Enrolled
from pushgate.protocols.mdm_push import token_hash
from tests.cli.programs import pushgate
from tests.face_rig import FACES, Between, Gateway
from tests.mdm_certificate import mdm_certificate

APPS = """
[apps.slow]
upstream = "simulator"
rate = 0.001
""" + "".join(
    f'[apps.probed-{face}-{scheme}]\nupstream = "simulator"\nresponse_timeout = "60s"\nconfirm = "probe"\n'
    f'[apps.tried-{face}-{scheme}]\nupstream = "simulator"\nresponse_timeout = "250ms"\n'
    for face in sorted(FACES)
    for scheme in ("amp", "http")
)
MANAGED = """
[sinks.ledger]
type = "ledger"
[apps.devices]
upstream = "apns-http2"
certificate = "mdm.pem"
mdm = true
host = "localhost"
port = 1
"""
HELLO = {"aps": {"alert": "Hello"}}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """A gateway whose callers need no login."""
    gateway = Gateway(tmp_path_factory.mktemp("faces"), APPS)
    yield gateway
    gateway.stop()


@pytest.fixture(params=["amp", "http"])
def scheme(request):
    """The protocol."""
    return request.param


@pytest.fixture(params=sorted(FACES))
def face(request):
    """The class of the client."""
    return FACES[request.param]


@pytest.fixture
def client(running, face, scheme):
    """A client of the gateway."""
    opened = face(f"{scheme}://127.0.0.1:{running.ports[scheme]}", timeout=20.0)
    yield opened
    opened.close()


def settled(client, number):
    """The outcome of a notification, once there is one."""
    deadline = time.monotonic() + 20
    while (record := client.status(number)).state in {"queued", "written"}:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return record


def test_one(client, face, scheme):
    """A notification is sent once under its key, and what became of it can be asked."""
    key = f"one {face.__name__} {scheme}"
    number = client.push("demo", "0a01", HELLO, key=key, priority=5, collapse_id="x")
    assert (
        client.push("demo", b"\x0a\x01", b'{"aps":{"alert":"Hello"}}', key=key, priority=5, collapse_id="x")
        == number
    )
    record = settled(client, number)
    assert (record.id, record.app, record.token, record.attempts) == (number, "demo", "0a01", 1)
    story = client.trace(number)
    assert (story["id"], story["events"][0]["event"]) == (number, "submitted")


def test_many(client, face, scheme):
    """A batch of any size goes in pieces; bad members are refused by index, and the same again sends nothing."""
    tokens = [f"{number:08x}" for number in range(1500)]
    tokens[1200] = "xyz"
    key = f"many {face.__name__} {scheme}"
    receipt = client.push_batch("demo", iter(tokens), HELLO, key=key)
    assert (receipt.accepted, receipt.repeated, len(receipt.ids)) == (1499, 0, 1500)
    assert [(each.index, each.code) for each in receipt.refused] == [(1200, "INVALID")]
    assert receipt.refused[0].reason.startswith("token: text of 3 characters")
    again = client.push_batch("demo", tokens, HELLO, key=key)
    assert (again.accepted, again.repeated, again.ids[1499]) == (1499, 1499, receipt.ids[1499])
    assert settled(client, receipt.ids[1499]).token == tokens[1499]


def test_each_its_own_payload(client):
    """Each token may have a payload of its own, and a rate holds for the whole."""
    payloads = [{"aps": {"badge": number}} for number in range(3)] + [{"aps": {"alert": "x" * 3000}}]
    receipt = client.push_batch("demo", ["aa", "bb", "cc", "dd"], payloads=payloads, rate=1000)
    assert [(each.index, each.code) for each in receipt.refused] == [(3, "TOO_LARGE")]
    assert client.trace(receipt.ids[2])["token"] == "cc"


def test_refusals(client, face, scheme):
    """The gateway's refusals are the exceptions that the Twisted client raises."""
    with pytest.raises(UnknownApp, match="app: 'nobody' is not configured"):
        client.push("nobody", "aa", HELLO)
    with pytest.raises(Invalid, match="token: "):
        client.push("demo", "xyz", HELLO)
    with pytest.raises(TooLarge, match="payload: "):
        client.push_batch("demo", ["aa", "bb"], {"aps": {"alert": "x" * 5000}})
    with pytest.raises(NotFound):
        client.status("01a20114-5ead-7713-af9e-972426040000")
    with pytest.raises(Invalid, match="either tokens or targets"):
        client.push_batch("demo", payload=HELLO)
    key = f"conflict {face.__name__} {scheme}"
    client.push("demo", "aa", HELLO, key=key)
    with pytest.raises(Conflict):
        client.push("demo", "bb", HELLO, key=key)


def test_partly_sent(client):
    """Where something goes wrong half-way, what was accepted is known."""

    def tokens():
        yield from (f"{number:04x}" for number in range(1000))
        yield "aa"
        raise OSError("the disk is gone")

    with pytest.raises(PartlySent) as caught:
        client.push_batch("demo", tokens(), HELLO)
    assert caught.value.receipt.accepted == 1000
    assert isinstance(caught.value.__cause__, OSError)


def test_cancel_and_flush(client, request):
    """What waits is withdrawn once; what was written is proven, where the configuration allows it."""
    client.push("slow", "aa", HELLO)
    waiting = client.push("slow", "bb", HELLO)
    assert (client.cancel(waiting), client.cancel(waiting)) == (True, False)
    number = client.push(f"probed-{request.node.callspec.id}", "aa", HELLO)
    deadline = time.monotonic() + 20
    while client.status(number).state != "written":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (client.flush(number), client.status(number).state) == (1, "accepted")
    with pytest.raises(Invalid, match="confirm"):
        client.flush(client.push("demo", "aa", HELLO))


def test_a_test_send(client, request):
    """What becomes of a few is waited for and said in words; an app has ten a minute, and one more is refused at once."""
    app = f"tried-{request.node.callspec.id}"
    tried = client.test_send(app, ["aa", b"\xbb", "xyz"], HELLO)
    assert (tried.settled, [each.token for each in tried.devices]) == (True, ["aa", "bb"])
    assert all(each.meaning and each.seconds is not None for each in tried.devices)
    assert [refused[:2] for refused in tried.refused] == [(2, "INVALID")]
    first, again = (client.test_send(app, iter(["cc"]), HELLO, key="k", wait=20) for _ in range(2))
    assert (first.id, first.repeated, again.repeated) == (again.id, False, True)
    waiting = client.test_send(app, ["dd"], HELLO, wait=0)
    assert (waiting.settled, waiting.devices[0].seconds) == (False, None)
    for _ in range(6):
        client.test_send(app, ["aa"], HELLO, wait=0)
    began = time.monotonic()
    with pytest.raises(Overloaded):
        client.test_send(app, ["aa"], HELLO)
    assert time.monotonic() - began < 10


def test_what_no_test_send_is(client):
    """It is refused as any push is, and costs none of the app's ten."""
    with pytest.raises(Invalid, match="tokens: a single text; an iterable of tokens"):
        client.test_send("demo", "aa", HELLO)
    with pytest.raises(TooLarge, match="11"):
        client.test_send("demo", ["aa"] * 11, HELLO)
    for wait in (-1, float("nan")):
        with pytest.raises(Invalid, match="wait: "):
            client.test_send("demo", ["aa"], HELLO, wait=wait)
    with pytest.raises(UnknownApp):
        client.test_send("nobody", ["aa"], HELLO)


def test_stats_and_dead_tokens(client):
    """The gateway says how it is doing, and which tokens are dead, however many."""
    assert client.stats()["apps"]["demo"]["upstream"] == "simulator"
    settled(client, client.push("demo", "dead0001", HELLO))
    [entry] = list(client.dead_tokens("demo"))
    assert (entry.token.hex(), entry.reason) == ("dead0001", "InvalidToken")


def test_watch(client):
    """Outcomes come as they happen, of one app if that is asked for."""
    outcomes = client.watch("other")
    client.push("demo", "aa", HELLO)
    number = client.push("other", "bb", HELLO)
    record = next(iter(outcomes))
    assert (record.id, record.app, record.token) == (number, "other", "bb")
    outcomes.close()


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A gateway that keeps outcomes, and enrolments of managed devices."""
    directory = tmp_path_factory.mktemp("kept")
    mdm_certificate(directory / "mdm.pem", "com.apple.mgmt.External.1")
    gateway = Gateway(directory, MANAGED, state="state")
    yield gateway
    gateway.stop()


def test_a_managed_device(kept, face, scheme):
    """It enrols, calls, is sent to, and leaves; an earlier enrolment is superseded with a warning."""
    token = f"{face.__name__} {scheme}".encode()
    with closing(face(f"{scheme}://127.0.0.1:{kept.ports[scheme]}", timeout=20.0)) as client:
        assert (client.check_in("devices", token), client.check_out("devices", token)) == (False, False)
        enrolled = client.enrol("devices", token, "one", device=token.decode(), keep_awake=True)
        assert enrolled == Enrolled(token_hash(token), ())
        [warning] = client.enrol("devices", token.hex(), "two").warnings
        assert warning == "an earlier enrolment of this token is superseded: it had another push magic"
        tried = client.test_send("devices", [token], push_magic="two", wait=0)
        assert [each.token for each in tried.devices] == [token.hex()]
        assert (client.check_in("devices", token), client.check_out("devices", token, push_magic="one")) == (
            True,
            False,
        )
        assert client.check_out("devices", token, push_magic="two") is True
        with pytest.raises(Invalid, match="push_magic: "):
            client.check_out("devices", token, push_magic="")
        assert client.check_out("devices", token.hex()) is True
        with pytest.raises(Invalid, match="push_magic: "):
            client.enrol("devices", token, "")
        for ask in (client.check_in, client.check_out):
            with pytest.raises(Invalid, match="token: "):
                ask("devices", "xyz")
            with pytest.raises(UnknownApp):
                ask("nobody", token)
            with pytest.raises(Invalid, match="app: "):
                ask("demo", token)


@pytest.mark.parametrize("kind", [Client, AsyncClient, SyncClient])
def test_every_operation(kind):
    """Each client has all operations, with the arguments that they have."""
    for name, operation in vars(Operations).items():
        if not name.startswith("_"):
            wanted, found = signature(operation), signature(getattr(kind, name))
            assert found.parameters == wanted.parameters, name


def test_watching_goes_on(kept, face, scheme):
    """A connection that is lost is made again: over HTTP nothing is left out, over AMP one is told that it may be."""
    between, reasons = Between(kept.ports[scheme]), []
    client = face(f"{scheme}://127.0.0.1:{between.port}", timeout=20.0)
    direct = SyncClient(f"amp://127.0.0.1:{kept.ports['amp']}")

    def missed(reason):
        reasons.append(reason)
        direct.push("demo", "bb02", HELLO)

    outcomes = client.watch("demo", missed=missed)
    records = iter(outcomes)
    try:
        for token in ("bb00", "bb00"):  # when the second is here, so is all that the stream begins with
            direct.push("demo", token, HELLO)
            assert next(records).token == token
        between.losing = 1
        direct.push("demo", "bb01", HELLO)
        record = next(records)
    finally:
        outcomes.close()
        for each in (client, direct, between):
            each.close()
    expected = ("bb02", [MISSED])
    assert (record.token, reasons) == (expected if scheme == "amp" else ("bb01", []))


def test_a_stream_that_is_lost_before_its_first_id():
    """There is nothing to go on behind, so one is told that outcomes may be missing; with an id the gateway says so."""

    class Exchange:
        async def more(self, timeout):
            return b": outcomes\n\nid: 5\n\n"

    feed = HTTPFeed(None)
    assert feed.missed() == MISSED
    assert list(asyncio.run(feed.next(Exchange()))) == []
    assert feed.missed() is None


def test_a_lost_answer(running, face, scheme):
    """An answer that is lost is asked for again with the same key, and it is sent once; without a key it is not."""
    between = Between(running.ports[scheme])
    client = face(f"{scheme}://127.0.0.1:{between.port}", timeout=20.0)
    watcher = face(
        f"{scheme}://127.0.0.1:{running.ports[scheme]}", timeout=20.0
    )  # an outcome is no answer to lose
    outcomes = watcher.watch("other")
    try:
        between.losing = 1
        number = client.push("other", "abcd", HELLO, key=f"lost {face.__name__} {scheme}")
        between.losing = 1
        with pytest.raises(FateUnknown, match="the connection was lost before the answer came"):
            client.push("other", "abce", HELLO)
        last = client.push("other", "abcf", HELLO)
        seen = []
        for record in outcomes:
            seen.append((record.token, record.id))
            if record.id == last:
                break
    finally:
        outcomes.close()
        for each in (client, watcher, between):
            each.close()
    assert [each for each in seen if each[0] == "abcd"] == [("abcd", number)]
    assert [token for token, _ in seen].count("abce") == 1


def test_a_restart(running, face, scheme):
    """A connection that is kept and has ended meanwhile costs nothing, not even a push without a key."""
    client = face(f"{scheme}://127.0.0.1:{running.ports[scheme]}", timeout=30.0)
    try:
        client.push("demo", "aa", HELLO)
        running.stop()
        running.restart()
        assert client.push("demo", "aa", HELLO)
    finally:
        client.close()


def test_nobody_there(face, scheme):
    """Where there is no gateway, one reads so when the time is over."""
    [port] = free_ports(1)
    client = face(f"{scheme}://127.0.0.1:{port}", timeout=0.7)
    with pytest.raises(Unreachable, match=r"no connection to the gateway: .*nothing was sent"):
        client.push("demo", "aa", HELLO)
    client.close()


def test_something_else_is_there(running, face, scheme):
    """An address of another protocol is no gateway's, and nothing hangs."""
    other = {"amp": "http", "http": "amp"}[scheme]
    client = face(f"{scheme}://127.0.0.1:{running.ports[other]}", timeout=1.0)
    with pytest.raises((FateUnknown, Internal)):
        client.push("demo", "aa", HELLO, key="x")
    client.close()


def test_threads(running, scheme):
    """Threads share a client, and no more connections than it may have."""
    ids = []
    with SyncClient(f"{scheme}://127.0.0.1:{running.ports[scheme]}", connections=2) as client:
        threads = [
            threading.Thread(target=lambda: ids.extend(client.push("demo", "aa", HELLO) for _ in range(5)))
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(set(ids)) == 30


def test_closing_wakes_a_reader(running, scheme):
    """A thread that waits for outcomes ends when another closes them."""
    with SyncClient(f"{scheme}://127.0.0.1:{running.ports[scheme]}") as client:
        outcomes = client.watch("other")
        reader = threading.Thread(target=list, args=(outcomes,))
        reader.start()
        outcomes.close()
        reader.join(20)
        assert not reader.is_alive()


@pytest.mark.parametrize(
    "url", ["tcp:127.0.0.1:7215", "http://", "ftp://a", "amp://a:b", "http://u:p@h/", "http://h/x"]
)
def test_bad_addresses(face, url):
    """What is no address is told before anything is tried, without what may be a password."""
    with pytest.raises(ValueError, match=r"must be amp://HOST:PORT") as caught:
        face(url)
    assert "u:p" not in str(caught.value)


def test_addresses():
    """A URL has what is needed to connect; ports are the usual ones, and AMP's is the gateway's."""
    assert parse_address("amps://gate.example") == Address(False, True, "gate.example", 7215)
    assert parse_address("https://[::1]/").authority == "[::1]:443"
    assert parse_address("http://localhost:7216").authority == "localhost:7216"


@settings(max_examples=50)
@given(st.lists(st.integers(1, 40)))
def test_events_in_any_pieces(sizes):
    """Events are read whole, however their bytes are cut; comments say nothing, and an id may come alone."""
    text = b": hi\n\nid: 5\n\nid: 6\r\ndata: one\r\ndata:two\r\n\r\nevent: gap\ndata: {}\n\ndata: cut"
    reader, events, rest = EventReader(), [], text
    for size in [*sizes, len(text)]:
        piece, rest = rest[:size], rest[size:]
        events += reader.feed(piece)
    assert events == [Event("5", "", ""), Event("6", "", "one\ntwo"), Event(None, "gap", "{}")]


@pytest.mark.parametrize("module", ["aio", "blocking"])
def test_no_reactor(module):
    """A program with asyncio or with none gets no reactor of Twisted's by importing a client."""
    program = f"import sys, pushgate.client.{module}; print('twisted.internet.reactor' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], text=True, capture_output=True, check=True, timeout=60
    )
    assert done.stdout == "False\n"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A gateway with TLS and principals, and the files of its authority and of another."""
    directory = tmp_path_factory.mktemp("guarded")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    trustme.CA().cert_pem.write_to_path(str(directory / "other.pem"))
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(
        str(directory / "gate.pem")
    )
    made = json.loads(pushgate("secret", "shop", "--append", str(directory / "shop.hash"), "--json").stdout)
    ports = dict(zip(("amp", "http"), free_ports(2), strict=True))
    inputs = "".join(
        f'[inputs.{kind}s]\ntype = "{kind}"\nlisten = "tcp:{port}:interface=127.0.0.1"\ncertificate = "{directory}/gate.pem"\n'
        for kind, port in ports.items()
    )
    principal = f'[principals.shop]\noperations = ["push"]\nsecret_file = "{directory}/shop.hash"\n'
    gateway = Gateway(directory, inputs + principal)
    gateway.tls_ports, gateway.directory, gateway.secret = ports, directory, made["secret"].encode()
    yield gateway
    gateway.stop()


def connected(guarded, face, scheme, host="localhost", ca="ca.pem", secret=None):
    """A client over TLS."""
    tls = ssl.create_default_context(cafile=str(guarded.directory / ca))
    login = ("shop", guarded.secret if secret is None else secret)
    return face(f"{scheme}s://{host}:{guarded.tls_ports[scheme]}", tls=tls, login=login, timeout=20.0)


def test_tls_and_login(guarded, face, scheme):
    """With TLS and a login it is the principal, who may do what it may and no more."""
    client = connected(guarded, face, scheme)
    assert client.push("demo", "aa", HELLO)
    assert client.push("demo", "bb", HELLO)
    with pytest.raises(Forbidden):
        client.stats()
    client.close()
    impostor = connected(guarded, face, scheme, secret=b"wrong")
    with pytest.raises(Forbidden):
        impostor.push("demo", "aa", HELLO)
    impostor.close()


@pytest.mark.parametrize(("host", "ca"), [("localhost", "other.pem"), ("127.0.0.1", "ca.pem")])
def test_who_is_not_trusted(guarded, face, scheme, host, ca):
    """A certificate of an unknown authority or for another host ends it at once, before the login is sent."""
    client = connected(guarded, face, scheme, host=host, ca=ca)
    began = time.monotonic()
    with pytest.raises(Unreachable, match="its certificate is not trusted"):
        client.push("demo", "aa", HELLO)
    assert time.monotonic() - began < 10
    client.close()
