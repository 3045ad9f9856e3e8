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
    """The gateway reads it; only who may come from other machines has to be said, as a remark does."""
    tree, _ = translated(SAMPLE)
    with pytest.raises(CannotStart) as caught:
        config_from(tree, "imported.toml", find())
    [fault] = caught.value.faults
    assert fault.startswith("imported.toml: principals: missing; other machines can reach 'tcp:25'")
    tree["inputs"]["smtp"]["listen"] = "tcp:25:interface=127.0.0.1"
    config_from(tree, "imported.toml", find())


def test_what_has_no_counterpart() -> None:
    """Each has its line, and says what there is in its place."""
    _, remarks = translated(SAMPLE)
    for words in (
        "line 2: apn_expiry: `expiry` of the inputs", "line 3: idle_timeout: no counterpart; connections over HTTP/2 are kept",
        "line 9: apn_logger, concurrency: not translated", "line 15: domain APN_example.com: Apple's binary service is no more",
        "line 18: delivery_response_timeout: no counterpart; over HTTP/2", "line 22: tls_ciphers: no counterpart",
        "line 28: routes: an app has one push service", "line 30: message_expiration: no counterpart; `expiry` of [gateway]",
        "line 31: surprise: no counterpart", "line 33: domain relay.example.com: tls_certificate is missing",
        "line 39: domain android.example.com: GCM is no more", "line 41: mcmt_reception: always allow",
        "line 41: tcp:25: other machines can reach it", "line 43: snmp: not read", "line 44: include: not read; import that file",
    ):  # fmt: skip
        assert words in remarks, remarks
    assert "mail.example.com" not in remarks


def test_names() -> None:
    """Names that only differ in what no app's name may have stay apart."""
    text = "".join(
        f'domain "{name}" {{ delivery_method = apn }}\n' for name in ("a b", "a/b", "..", "ü" * 80)
    )
    tree, remarks = translated(text)
    assert list(tree["apps"]) == ["a_b", "a_b-2", "app", "_" * 56]
    assert "no listener that is understood" in remarks
    assert tree["inputs"]["smtp"]["domains"]["a b"] == "a_b"


@pytest.mark.parametrize(
    ("line", "remark"),
    [
        ("routes = nonsense", "routes: none that is understood"), ('routes = "apn://a?port=99999"', "none that is understood"),
        ('routes = "apn://[x?port=1"', "none that is understood"), ("routes = ()", "none that is understood"),
        ("max_outbound_connections = many", "no whole number"), ("max_outbound_connections = ()", ""),
    ],
)  # fmt: skip
def test_values_without_sense(line: str, remark: str) -> None:
    """They are named, and the default stands."""
    tree, remarks = translated(f"domain a {{ delivery_method = apn {line} }}")
    assert remark in remarks
    assert tree["apps"]["a"]["environment"] == "production"
    assert "connections" not in tree["apps"]["a"]


@pytest.mark.parametrize("label", ["/tmp/socket", "host:25", "*:0", "*:99999", ""])
def test_listeners_without_sense(label: str) -> None:
    """What is no address is this machine's usual one."""
    text = f'domain a {{ delivery_method = apn }} esmtp_listener {{ listen "{label}" {{ tls_key = k }} other x {{}} }}'
    tree, remarks = translated(text)
    assert "tcp:7225:interface=127.0.0.1 instead" in remarks
    assert tree["inputs"]["smtp"]["listen"] == "tcp:7225:interface=127.0.0.1"
    assert "private_key" not in tree["inputs"]["smtp"]


def test_a_private_gateway() -> None:
    """A route to another host is the binary stream; what is not set stays at its default."""
    tree, _ = translated(
        'domain a { delivery_method = apn routes = "apn://h.example" tls_certificate = "/c" idle_timeout = 0 }'
    )
    assert tree["apps"]["a"] == {
        "upstream": "apns-stream", "host": "h.example", "port": 2195, "feedback": False, "certificate": "/c"
    }  # fmt: skip


def test_two_loggers() -> None:
    """Each has its file; Momentum's default is one with its slash."""
    tree, _ = translated(
        'domain a { delivery_method = apn } apn_logger a {} apn_logger b { logfile = "/x" heartbeat = no }'
    )
    assert [each["path"] for each in tree["sinks"].values()] == ["/var/log/ecelerity/apnlog.ec", "/x"]


def test_nothing_to_translate() -> None:
    """Without a domain for Apple there is nothing to translate."""
    for text in ("", "delivery_method = apn", "domain a { delivery_method = () }"):
        with pytest.raises(NothingToTranslate, match="no domain has delivery_method"):
            translated(text)


def test_what_is_read() -> None:
    """Keys have no regard to case; strings have escapes; lists are of either kind."""
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
    """The line, and what is wrong there."""
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
    """Any text is a configuration, whose translation is TOML, or an error of its own kind."""
    with contextlib.suppress(ConfSyntaxError):
        conf = read_conf(text)
        with contextlib.suppress(NothingToTranslate):
            tomllib.loads(translate(conf).toml)


@given(st.text(), st.text())
def test_toml(key: str, value: str) -> None:
    """What is written as TOML is read as it was."""
    assert tomllib.loads(f"{key_text(key)} = {quoted(value)}") == {key: value}


def test_tables() -> None:
    """A table, with comments of one line each."""
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
