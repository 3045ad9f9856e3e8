"""Reading and translating ecelerity.conf."""

import contextlib
import tomllib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pushgate.model.errors import CannotStart
from pushgate.protocols.momentum.conf_translation import WITHOUT, NothingToTranslate, translate
from pushgate.protocols.momentum.ecelerity_conf import MAX_DEPTH, ConfSyntaxError, Setting, Stanza, read_conf
from pushgate.protocols.momentum.toml_text import key_text, quoted, table_text
from pushgate.service.config.reader import config_from
from pushgate.service.plugin_registry import find
from tests.test_docs import DOCS, firsts, section

SAMPLE = """\
# An ecelerity.conf as the documentation has it
Apn_Expiry = 86400
idle_timeout = 10
apn {}
apn_logger "apnlog" {
  logfile = "/var/log/ecelerity/apnlog.ec"
  heartbeat = 30
  log_tempfail = false
  concurrency = 4
}
binding_group "mobile" {
  binding "push" {
    tls = required
    tls_verify = "no"
    domain "APN_example.com" {
      delivery_method = "apn"
      routes = "apn://gateway.push.apple.com?port=2195"
      delivery_response_timeout = 1000
      max_outbound_connections = 100
      tls_certificate = "/opt/msys/cert.pem"
      tls_key = "/opt/msys/key.pem"
      tls_ciphers = "DEFAULT"
    }
  }
}
domain "sandbox.example.com" {
  delivery_method = apn
  routes = ( "apn://gateway.sandbox.push.apple.com?port=2195" "apn://other.example.com" )
  tls_certificate = "/opt/msys/sandbox.pem"
  message_expiration = 600
  surprise = 1
}
domain "relay.example.com" {
  delivery_method = "APN"
  routes = [ "apn://relay.example.com?port=12195", ]
  delivery_response_timeout = 1500
  max_outbound_connections = 8
}
domain "android.example.com" { delivery_method = "gcm" }
domain "mail.example.com" { delivery_method = "ESMTP"; }
ESMTP_Listener { listen "*:25" { mcmt_reception = "passthru" tls_certificate = "/opt/msys/mail.pem" } }
http_listener { listen "127.0.0.1:8081" {} listen "[::1]:8082" {} }
snmp { enabled = true }
include "more.conf"
"""


def translated(text: str) -> tuple[dict[str, Any], str]:
    """The tables of a translation, and its remarks as one text."""
    found = translate(read_conf(text))
    for remark in found.remarks:
        assert f"# {remark}\n" in found.toml
    return tomllib.loads(found.toml), "\n".join(found.remarks)


def test_the_sample() -> None:
    """Apps with credentials, hosts and bounds; inputs with the domains; the log."""
    tree, _ = translated(SAMPLE)
    assert tree["apps"] == {
        "APN_example.com": {
            "upstream": "apns-http2", "environment": "production", "default_ttl": "86400s", "connections": 64,
            "certificate": "/opt/msys/cert.pem", "private_key": "/opt/msys/key.pem",
        },
        "sandbox.example.com": {
            "upstream": "apns-http2", "environment": "sandbox", "default_ttl": "86400s", "certificate": "/opt/msys/sandbox.pem",
        },
        "relay.example.com": {
            "upstream": "apns-stream", "host": "relay.example.com", "port": 12195, "feedback": False, "idle_timeout": "10s",
            "response_timeout": "1500ms", "connections": 8, "certificate": "/etc/pushgate/relay.example.com.pem",
        },
    }  # fmt: skip
    domains = {name.lower(): name for name in tree["apps"]}
    assert tree["inputs"] == {
        "smtp": {"type": "smtp", "listen": "tcp:25", "certificate": "/opt/msys/mail.pem", "domains": domains},
        "rest-injector": {
            "type": "rest-injector",
            "listen": "tcp:8081:interface=127.0.0.1",
            "domains": domains,
        },
        "rest-injector-2": {
            "type": "rest-injector",
            "listen": r"tcp6:8082:interface=\:\:1",
            "domains": domains,
        },
    }
    assert tree["sinks"] == {
        "apn_logger": {
            "type": "apn_logger", "path": "/var/log/ecelerity/apnlog.ec", "heartbeat": "30s", "log_tempfail": False
        }
    }  # fmt: skip


def test_it_is_a_configuration() -> None:
    """It is a valid configuration, except that principals are missing, which a remark says."""
    tree, _ = translated(SAMPLE)
    with pytest.raises(CannotStart) as caught:
        config_from(tree, "imported.toml", find())
    [fault] = caught.value.faults
    assert fault.startswith("imported.toml: principals: missing; other machines can reach 'tcp:25'")
    tree["inputs"]["smtp"]["listen"] = "tcp:25:interface=127.0.0.1"
    config_from(tree, "imported.toml", find())


def test_what_has_no_counterpart() -> None:
    """Each setting without counterpart has a remark with its line and the alternative."""
    _, remarks = translated(SAMPLE)
    for words in (
        "line 2: apn_expiry: `expiry` of the inputs", "line 3: idle_timeout: no counterpart; connections over HTTP/2 are kept",
        "line 13: tls: no counterpart", "line 14: tls_verify: no counterpart",
        "line 9: apn_logger, concurrency: not translated", "line 15: domain APN_example.com: Apple discontinued the binary service",
        "line 18: delivery_response_timeout: no counterpart; over HTTP/2", "line 22: tls_ciphers: no counterpart",
        "line 28: routes: an app has one push service", "line 30: message_expiration: no counterpart; `expiry` of [gateway]",
        "line 31: surprise: no counterpart", "line 33: domain relay.example.com: tls_certificate is missing",
        "line 39: domain android.example.com: GCM was discontinued", "line 41: mcmt_reception: always allow",
        "line 41: tcp:25: other machines can reach it", "line 43: snmp: not read", "line 44: include: not read; import that file",
    ):  # fmt: skip
        assert words in remarks, remarks
    assert "mail.example.com" not in remarks


def test_names() -> None:
    """Domains that differ only in characters that are not allowed in names become different apps."""
    text = "".join(
        f'domain "{name}" {{ delivery_method = apn }}\n' for name in ("a b", "a/b", "..", "ü" * 80)
    )
    tree, remarks = translated(text)
    assert list(tree["apps"]) == ["a_b", "a_b-2", "app", "_" * 56]
    assert "no valid listener" in remarks
    assert tree["inputs"]["smtp"]["domains"]["a b"] == "a_b"


def test_a_domain_in_several_bindings() -> None:
    """Each is an app; recipients belong to the first, and the remarks say so."""
    names = ("a", "A.", "a", "a-2")
    tree, remarks = translated(
        "".join(f"binding b {{ domain {name} {{ delivery_method = apn }} }}\n" for name in names)
    )
    assert list(tree["apps"]) == ["a", "A", "a-2", "a-2-2"]
    assert tree["inputs"]["smtp"]["domains"] == {"a": "a", "a-2": "a-2-2"}
    assert "line 2: domain A.: its recipients belong to a, from line 1; A gets none" in remarks
    assert "line 3: domain a: its recipients belong to a, from line 1; a-2 gets none" in remarks


@pytest.mark.parametrize("name", ["", ".", "*.example.com", "a b", "ü.example"])
def test_domains_of_no_address(name: str) -> None:
    """An invalid domain becomes an app, with a remark."""
    tree, remarks = translated(f'domain "{name}" {{ delivery_method = apn }}')
    assert len(tree["apps"]) == 1
    assert f"domain {name}: not a domain of an address" in remarks


OUTER = """\
tls_verify = no
unrelated = 1
binding_group g {
retry_interval = 1
binding b {
surprise = 1
domain x { delivery_method = apn }
domain y { delivery_method = apn }
host h {}
include "z"
} }
esmtp_listener {
max_message_size = 5
listen "127.0.0.1:25" {
foo = 1
include "y"
}
peer p {}
}
"""


def test_settings_of_outer_stanzas() -> None:
    """Settings of outer stanzas have one remark each, however many domains they apply to."""
    _, remarks = translated(OUTER)
    noted = [line.partition(";")[0] for line in remarks.splitlines() if "domain " not in line]
    assert sorted(noted, key=lambda line: int(line.split()[1][:-1])) == [
        "line 1: tls_verify: no counterpart", "line 4: retry_interval: no counterpart", "line 6: surprise: no counterpart",
        "line 9: host: not read", "line 10: include: not read", "line 13: max_message_size: no counterpart",
        "line 15: foo: no counterpart", "line 16: include: not read", "line 18: peer: not read",
    ]  # fmt: skip


def test_listeners_at_one_address() -> None:
    """The first listener is translated; the others are left out, with remarks."""
    labels = ("*:25", "127.0.0.1:25", "nonsense", "/tmp/x", "[::1]:25", "0.0.0.0:26")
    listeners = "".join(f'esmtp_listener {{ listen "{each}" {{}} }}\n' for each in labels)
    tree, remarks = translated("domain a { delivery_method = apn }\n" + listeners)
    assert [each["listen"] for each in tree["inputs"].values()] == [
        "tcp:25", "tcp:7225:interface=127.0.0.1", r"tcp6:25:interface=\:\:1", "tcp:26",
    ]  # fmt: skip
    assert list(tree["inputs"]) == ["smtp", "smtp-2", "smtp-3", "smtp-4"]
    assert "line 3: listen: tcp:25:interface=127.0.0.1 is already in use" in remarks
    assert "line 5: listen: tcp:7225:interface=127.0.0.1 is already in use" in remarks
    assert r"\:\:1: other machines" not in remarks


@pytest.mark.parametrize(
    ("line", "remark"),
    [
        ('routes = "apn://a b"', "routes: not valid"), ('routes = "apn://10.0.0.256"', "routes: not valid"),
        ('routes = "apn://a:x"', "routes: not valid"),
        ("max_outbound_connections = 0", "no whole number above 0"), ("apn_expiry = -1", "no whole number above 0"),
        ('tls_certificate = ""', "tls_certificate is missing"),
        ("routes = nonsense", "routes: not valid"), ('routes = "apn://a?port=99999"', "not valid"),
        ('routes = "apn://[x?port=1"', "not valid"), ("routes = ()", "not valid"),
        ("max_outbound_connections = many", "no whole number"), ("max_outbound_connections = ()", ""),
    ],
)  # fmt: skip
def test_invalid_values(line: str, remark: str) -> None:
    """An invalid value has a remark, and the default is used."""
    tree, remarks = translated(f"domain a {{ delivery_method = apn {line} }}")
    assert remark in remarks
    assert tree["apps"]["a"]["environment"] == "production"
    assert "connections" not in tree["apps"]["a"]


@pytest.mark.parametrize("label", ["/tmp/socket", "host:25", "*:0", "*:99999", ""])
def test_invalid_listeners(label: str) -> None:
    """The default address is used for an invalid one."""
    text = f'domain a {{ delivery_method = apn }} esmtp_listener {{ listen "{label}" {{ tls_key = k }} other x {{}} }}'
    tree, remarks = translated(text)
    assert "tcp:7225:interface=127.0.0.1 instead" in remarks
    assert tree["inputs"]["smtp"]["listen"] == "tcp:7225:interface=127.0.0.1"
    assert "private_key" not in tree["inputs"]["smtp"]


def test_a_private_gateway() -> None:
    """A route to another host becomes apns-stream; settings that are missing are left out."""
    tree, _ = translated(
        'domain a { delivery_method = apn routes = "apn://h.example" tls_certificate = "/c" idle_timeout = 0 }'
    )
    assert tree["apps"]["a"] == {
        "upstream": "apns-stream", "host": "h.example", "port": 2195, "feedback": False, "certificate": "/c"
    }  # fmt: skip


def test_the_port_of_a_route() -> None:
    """The port may follow the host; the parameter takes precedence."""
    for route, port in (("h:1", 1), ("h:1?port=2", 2), ("h", 2195)):
        tree, _ = translated(f'domain a {{ delivery_method = apn routes = "apn://{route}" }}')
        assert tree["apps"]["a"]["port"] == port


def test_more_connections_than_there_may_be() -> None:
    """The number is reduced to the maximum, with a remark."""
    tree, remarks = translated("domain a { delivery_method = apn max_outbound_connections = 65 }")
    assert tree["apps"]["a"]["connections"] == 64
    assert "max_outbound_connections: 64 at most" in remarks


def test_two_loggers() -> None:
    """Each has its file; the default is Momentum's."""
    tree, _ = translated(
        'domain a { delivery_method = apn } apn_logger a {} apn_logger b { logfile = "/x" heartbeat = no }'
    )
    assert [each["path"] for each in tree["sinks"].values()] == ["/var/log/ecelerity/apnlog.ec", "/x"]


def test_nothing_to_translate() -> None:
    """A file without a domain for Apple is an error."""
    for text in ("", "delivery_method = apn", "domain a { delivery_method = () }"):
        with pytest.raises(NothingToTranslate, match="no domain has delivery_method"):
            translated(text)


def test_what_is_read() -> None:
    """Keys are case-insensitive; strings have escapes; lists have parentheses or brackets."""
    conf = read_conf(
        'A = "x \\"y\\" #z" # comment\nb += ( 1+1, 2 )\nC "d" e { f = [] ; }\nreadonly_include "g"'
    )
    assert conf.settings == [
        Setting("a", ('x "y" #z',), 1), Setting("b", ("1+1", "2"), 2), Setting("readonly_include", ("g",), 4),
    ]  # fmt: skip
    assert conf.stanzas == [Stanza("c", "d e", 3, [Setting("f", (), 3)], [])]
    assert read_conf("a = 1\na = 2").setting("a") == Setting("a", ("2",), 2)


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a\n=", 1, "no value"), ("a = {", 1, "no value"), ("a = ( 1 {", 1, "a list that is not closed"), ("\n}", 2, "closes nothing"),
        ("a {\n b = 1", 1, "not closed"), ("a b c", 1, "neither = nor a brace"), ("a", 1, "neither = nor a brace"),
        ('a = "x', 1, "quotation mark"), ("(", 1, "( where a name"), ("a {" * (MAX_DEPTH + 1), 1, "deep"), ("a = ( 1", 1, "a list"),
    ],
)  # fmt: skip
def test_syntax_errors(text: str, line: int, what: str) -> None:
    """The error has the line and a description."""
    with pytest.raises(ConfSyntaxError, match="line") as caught:
        read_conf(text)
    assert what in caught.value.what
    assert caught.value.line in (line, line + 1)


PIECES = st.sampled_from(
    ["domain ", "a ", '"x y" ', "{ ", "} ", "= ", "( ", ") ", "[ ", "] ", "delivery_method = apn ", "routes = ", "\n", "# c\n", '"', "\\",
     "listen ", "esmtp_listener ", "apn_logger ", "tls_certificate = ", "+= ", "; ", "include ", '"apn://h?port=1" ', "\x7f ", "\x00"]
)  # fmt: skip


@given(st.lists(PIECES | st.text(max_size=5), max_size=60).map("".join) | st.text(max_size=200))
@example('domain "\x7f\x00\u2028" { delivery_method = apn tls_certificate = "\x7f\x00" }')
def test_anything(text: str) -> None:
    """The translation of any text is TOML, or one of two errors is raised."""
    with contextlib.suppress(ConfSyntaxError):
        conf = read_conf(text)
        with contextlib.suppress(NothingToTranslate):
            tomllib.loads(translate(conf).toml)


VALUES = st.sampled_from(
    ["0", "5", "6000", "999999999", "1000000000", "-1", "no", "", "x y", "/etc/a.pem", "\x7f", "apn://h.example?port=2195", "apn://h_x:1",
     "apn://10.0.0.256", "apn://foo bar", "apn://[::1]?port=3", "apn://-x-?port=5", "apn://GATEWAY.push.apple.com", "apn://h?port=%00"]
)  # fmt: skip
KEYS = st.sampled_from(
    ["apn_expiry", "idle_timeout", "delivery_response_timeout", "max_outbound_connections", "tls_certificate", "tls_key", "routes", "foo"]
)  # fmt: skip
SETTINGS = st.lists(st.builds('{} = "{}"'.format, KEYS, VALUES), max_size=5).map("\n".join)
LABELS = st.sampled_from(
    ["a", "A", "a.", "a.example", "*", "", "..", "x y", "a-2", "a/b", "é", "a" * 70, "\x7f"]
)
DOMAINS = st.builds('domain "{}" {{ delivery_method = apn\n{} }}'.format, LABELS, SETTINGS)
PLACES = st.sampled_from(
    ["127.0.0.1:25", "*:25", ":8081", "[::1]:25", "fe80::1%eth0:25", "/tmp/x", "127.0.0.1:0", "1.2.3.4:٢٥"]
)
KINDS = st.sampled_from(["esmtp_listener", "http_listener"])
LISTENERS = st.builds('{} {{ listen "{}" {{ {} }} }}'.format, KINDS, PLACES, SETTINGS)
LOGGERS = st.builds('apn_logger x {{ {} = "{}" }}'.format, st.sampled_from(["logfile", "heartbeat"]), VALUES)
REGISTRY = find()
UNGUARDED = ("principals: missing; other machines", "certificate: missing; other machines")
"""The allowed faults: a reachable listener needs these, and a remark says so."""


def faults(tree: dict[str, Any]) -> list[str]:
    """The faults that the gateway finds in a configuration."""
    try:
        config_from(tree, "imported.toml", REGISTRY)
    except CannotStart as error:
        return list(error.faults)
    return []


@given(
    SETTINGS,
    st.lists(DOMAINS | DOMAINS.map("binding b {{ {} }}".format), min_size=1, max_size=4),
    st.lists(LISTENERS | LOGGERS, max_size=4),
)
def test_every_translation_is_a_configuration(settings: str, domains: list[str], others: list[str]) -> None:
    """It is valid, except for missing certificates and principals of reachable inputs."""
    tree, remarks = translated("\n".join((settings, *domains, *others)))
    found = faults(tree)
    assert [fault for fault in found if not any(each in fault for each in UNGUARDED)] == []
    assert not found or "it needs certificate and [principals]" in remarks


@given(st.text(), st.text())
def test_toml(key: str, value: str) -> None:
    """Written TOML is parsed to the same value."""
    assert tomllib.loads(f"{key_text(key)} = {quoted(value)}") == {key: value}


def test_tables() -> None:
    """A table with comments of one line each."""
    text = table_text(("a", "b c"), {"d": 1, "e": True, "f g": "h"}, ["i\nj"])
    assert text == '[a."b c"]\n# i j\nd = 1\ne = true\n"f g" = "h"\n'


def test_the_page() -> None:
    """docs/momentum.md has every setting that is translated, and every one that has no counterpart."""
    listed = set(firsts(section((DOCS / "momentum.md").read_text(), "Importing a configuration")))
    assert {
        *WITHOUT,
        "delivery_method",
        "routes",
        "idle_timeout",
        "tls_certificate",
        "mcmt_reception",
        "logfile",
    } <= listed
