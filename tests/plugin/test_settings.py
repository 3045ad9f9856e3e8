"""The vocabulary of configuration."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from pushgate.model.names import NAME
from pushgate.model.notification import Delivery
from pushgate.model.notification_rules import NotificationRules
from pushgate.model.outcome_record import Tokens
from pushgate.model.target import TargetForm
from pushgate.plugin.settings import (
    UNKNOWN_NAME,
    AppName,
    AppTable,
    Duration,
    FilePath,
    HostName,
    InputTable,
    ListeningTable,
    Port,
    PrincipalTable,
    ProxyURL,
    ServerEndpoint,
    SinkTable,
    Table,
    parse_duration,
    proxy_address,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("5s", 5.0), ("30m", 1800.0), ("1h", 3600.0), ("1d", 86400.0), ("1.5h", 5400.0)],
)  # fmt: skip
def test_durations(text, seconds):
    """A duration is a number and its unit, and means seconds."""
    assert parse_duration(text) == seconds
    assert TypeAdapter(Duration).validate_python(text, strict=True) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "5", "s", "5 s", " 5s", "5s\n", "-5s", "+5s", "5S", "5sec", "1h30m", "1e3s", ".5s", "5.s", "\u0665s",
     "9" * 400 + "d", 5, 5.0, True, None, b"5s"],
)  # fmt: skip
def test_what_is_no_duration_is_refused(text):
    """A bare number could mean anything, so it is refused too; the message shows what is allowed."""
    with pytest.raises(ValueError, match=r"^must be a number with its unit: 250ms, 5s, 30m, 1h, 1d$"):
        parse_duration(text)


@pytest.mark.parametrize(
    "text",
    [
        "tcp:7215:interface=127.0.0.1",
        "ssl:443",
        "unix:/run/pushgate.sock",
        "tcp6:7215",
        "systemd:domain=INET:index=0",
    ],
)
def test_server_endpoints(text):
    """Twisted's own notation is taken as it stands."""
    assert TypeAdapter(ServerEndpoint).validate_python(text) == text


@pytest.mark.parametrize("text", ["", "7215", "127.0.0.1:7215", "http://127.0.0.1", "TCP:7215"])
def test_what_is_no_server_endpoint_is_refused(text):
    """The message shows one that is."""
    with pytest.raises(ValidationError, match=r"tcp:7215:interface=127\.0\.0\.1"):
        TypeAdapter(ServerEndpoint).validate_python(text)


@pytest.mark.parametrize("port", [0, 65536, -1, "7215", 7215.0, True])
def test_ports(port):
    """A port is a number from 1 to 65535, not its text."""
    with pytest.raises(ValidationError):
        TypeAdapter(Port).validate_python(port, strict=True)
    assert TypeAdapter(Port).validate_python(65535, strict=True) == 65535


def test_an_app_table_has_defaults():
    """Only the upstream has to be named."""
    app = AppTable.model_validate({"upstream": "apns-stream"})
    assert (app.topic, app.delivery, app.max_payload, app.rate) == (None, Delivery.AT_LEAST_ONCE, 2048, 0)


def test_the_rules_of_an_app():
    """They are those of its kind of app; a plug-in may have them depend on a key."""
    rules = NotificationRules(form=TargetForm.TEXT)

    class Pigeons(AppTable):
        RULES = rules

    assert AppTable(upstream="x").notification_rules() == AppTable.RULES
    assert Pigeons(upstream="x").notification_rules() is rules


def test_words_are_read_from_their_text():
    """TOML knows texts only: delivery and token style are written as the contract spells them."""
    assert AppTable(upstream="x", delivery="at-most-once").delivery is Delivery.AT_MOST_ONCE
    assert SinkTable(type="log", tokens="hash").tokens is Tokens.HASH
    assert InputTable(type="amp").type == "amp"


def test_a_path_is_read_from_its_text():
    """A table of a plug-in may hold paths; whether there is a file is found out when it is opened."""

    class Certificates(SinkTable):
        """A table of a plug-in."""

        path: FilePath

    assert Certificates(type="jsonl", path="/nowhere/x").path == Path("/nowhere/x")


@pytest.mark.parametrize(
    "text",
    [
        "tcp:0",
        "tcp:7215:interface=127.0.0.1",
        "tcp:port=1:backlog=5",
        "tcp:7215:127.0.0.1",
        "tcp:interface=127.0.0.1:port=1",
        r"tcp6:7215:interface=\:\:1",
        "unix:/run/gate.sock:mode=660",
        "systemd:domain=INET:index=0",
        "ssl:443:privateKey=/x",
    ],
)
def test_where_to_listen(text):
    """Twisted's server endpoints are taken as they are."""
    assert ListeningTable(type="amp", listen=text).listen == text


@pytest.mark.parametrize("text", ["tcp:99999", "tcp:abc", "tcp:", "tcp:7215:iface=::1"])
def test_nowhere_to_listen(text):
    """A port that is none and a key that is unknown are faults of the file, found before the start."""
    with pytest.raises(ValidationError, match="must be tcp:PORT"):
        ListeningTable(type="amp", listen=text)


@pytest.mark.parametrize(
    ("table", "values", "key"),
    [
        (AppTable, {"upstream": "x", "rates": 1}, "rates"),
        (AppTable, {"upstream": "x", "delivery": "exactly-once"}, "delivery"),
        (AppTable, {"upstream": "x", "max_payload": "2048"}, "max_payload"),
        (AppTable, {"upstream": "x", "max_payload": 65536}, "max_payload"),
        (AppTable, {"upstream": "x", "rate": -1}, "rate"),
        (AppTable, {"upstream": "x", "rate": float("inf")}, "rate"),
        (AppTable, {"upstream": "x", "rate": float("nan")}, "rate"),
        (ListeningTable, {"type": "amp", "listen": "tcp:1", "certificate": "a\0b"}, "certificate"),
        (AppTable, {}, "upstream"),
        (InputTable, {"type": 1}, "type"),
        (SinkTable, {"type": "log", "tokens": "half"}, "tokens"),
        (SinkTable, {"type": "log", "buffer": 0}, "buffer"),
    ],
)
def test_a_fault_names_its_key(table, values, key):
    """Unknown keys, missing keys and values out of bounds are refused; nothing is bent into shape."""
    with pytest.raises(ValidationError) as caught:
        table.model_validate(values)
    assert [fault["loc"][0] for fault in caught.value.errors()] == [key]


def test_all_faults_are_told_at_once():
    """Nobody mends a file one fault at a time."""
    with pytest.raises(ValidationError) as caught:
        AppTable.model_validate({"rate": -1, "colour": "red"})
    assert {fault["loc"][0] for fault in caught.value.errors()} == {"upstream", "rate", "colour"}


@pytest.mark.parametrize(
    "text",
    [
        "gateway.push.apple.com",
        "localhost",
        "push_gw",
        "_x",
        "a",
        "gate.example.",
        "127.0.0.1",
        "::1",
        "ünï.de",
        "1a",
    ],
)
def test_hosts(text):
    """Names as the DNS and compose files have them, and addresses of both families."""
    assert TypeAdapter(HostName).validate_python(text, strict=True) == text


@pytest.mark.parametrize(
    "text",
    [
        "https://x", "x:2195", "", " x", "x ", "[::1]", "a..b", ".", "..", ".a", "-a", "a-", "a b", "a/b", "a@b",
        "10.0.0.256", "a\n", "a\0", "a" * 64, ".".join(["a" * 49] * 6), 1, None,
    ],
)  # fmt: skip
def test_what_is_no_host(text):
    """Schemes, ports, brackets, blanks and empty labels."""
    with pytest.raises(ValidationError):
        TypeAdapter(HostName).validate_python(text, strict=True)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("http://proxy.example:3128", ("proxy.example", 3128)),
        ("http://push_gw:1", ("push_gw", 1)),
        ("http://10.0.0.1:65535", ("10.0.0.1", 65535)),
        ("http://[::1]:8080", ("::1", 8080)),
        ("http://ünï.de:80", ("ünï.de", 80)),
    ],
)
def test_proxies(text, address):
    """A name or an address of either family, with its port."""
    assert TypeAdapter(ProxyURL).validate_python(text, strict=True) == text
    assert proxy_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "proxy.example:3128", "https://proxy.example:3128", "http://proxy.example", "http://proxy.example:", "",
        "http://:3128", "http://proxy.example:0", "http://proxy.example:65536", "http://proxy.example:3128/",
        "http://proxy.example:3128?x", "http://proxy.example:3128#x", "http://::1:3128", "http://[10.0.0.1]:3128",
        "http://[:]:3128", "http://[::1]x:3128", "http://a b:3128", "http://a/b:3128", "http://x:3128\n", "HTTP://x:1",
        "http://a..b:1", "http://10.0.0.256:1", "http://x:٣", 1, None,
    ],
)  # fmt: skip
def test_what_is_no_proxy(text):
    """Other schemes, no port, or more than that."""
    with pytest.raises(ValidationError):
        TypeAdapter(ProxyURL).validate_python(text, strict=True)


@pytest.mark.parametrize("text", ["http://user:secret@proxy.example:3128", "http://user@proxy.example:3128"])
def test_a_secret_is_not_in_the_address_of_a_proxy(text):
    """It would be in the configuration, and in what is logged of it."""
    with pytest.raises(ValidationError, match="no user and no password"):
        TypeAdapter(ProxyURL).validate_python(text, strict=True)


@pytest.mark.parametrize("name", [".", "..", "a/b", "../a", "", "a" * 65, "a\n", "a\0", "ü"])
def test_no_name_leads_out_of_a_directory(name):
    """Names become names of files: of none the directory that it is put in is another one."""
    assert NAME.fullmatch(name) is None


@pytest.mark.parametrize("name", ["a", "...", ".a", "a..", "com.example.news", "a-b_c"])
def test_names(name):
    """All else of these letters is a name, and stays one file in its directory."""
    assert NAME.fullmatch(name)
    assert (Path("/there") / name).parent == Path("/there")


def test_the_files_of_an_input():
    """Those that its table names are known by key, as a reload needs them."""
    table = ListeningTable(type="amp", listen="tcp:0", certificate="/a.pem", client_authorities="/b.pem")
    assert table.files() == {"certificate": Path("/a.pem"), "client_authorities": Path("/b.pem")}
    assert table.certified is False


def test_the_files_of_other_tables():
    """A principal has its secret; a table that says nothing else has none."""
    assert PrincipalTable(secret_file="/s.hash").files() == {"secret_file": Path("/s.hash")}
    assert Table().files() == {}


def test_a_name_of_another_table():
    """An app that the same configuration does not have is refused, with those that it has; without it any is taken."""
    names = TypeAdapter(AppName)
    assert (
        names.validate_python("news", context={"apps": {"news"}}) == names.validate_python("news") == "news"
    )
    with pytest.raises(ValidationError, match="no app of this name") as caught:
        names.validate_python("nws", context={"apps": {"news"}})
    [fault] = caught.value.errors()
    assert (fault["type"], fault["ctx"]["known"]) == (UNKNOWN_NAME, {"news"})


def test_where_a_plug_in_listens():
    """An input that listens says where, by key; a sink listens nowhere unless it says so."""
    assert ListeningTable(type="amp", listen="tcp:7215").endpoints() == {"listen": "tcp:7215"}
    assert SinkTable(type="log").endpoints() == {}
