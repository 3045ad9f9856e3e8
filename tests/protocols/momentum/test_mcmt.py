"""Reading MCMT messages."""

import contextlib
import re
from base64 import b64encode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pushgate.model.errors import Invalid, Refusal, TooLarge
from pushgate.protocols.momentum.addresses import domain_of
from pushgate.protocols.momentum.mcmt import McmtMessage, read_mcmt
from pushgate.protocols.momentum.mime_parts import MAX_HEADER, MAX_HEADERS, MAX_PARTS, MAX_VALUE
from tests.mcmt_samples import HEX, PAYLOAD, mcmt, wire

BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)")
GCM = """\
--MCMT_BOUNDARY
Content-Type: message/vnd.msys.gcm
X-Registration-ID: abc

{"data":{}}
"""


def fault(message: str | bytes) -> str:
    """What is wrong with a message."""
    with pytest.raises(Refusal) as caught:
        read_mcmt(message if isinstance(message, bytes) else wire(message))
    text = str(caught.value)
    assert HEX not in text
    assert "Hi" not in text
    return text


def test_the_sample_of_the_documentation() -> None:
    """Token, payload and the id of the e-mail."""
    assert read_mcmt(wire(mcmt())) == McmtMessage(HEX, PAYLOAD.encode())
    assert read_mcmt(wire(mcmt(message_id="<1@example.com>"))).message_id == "<1@example.com>"
    assert read_mcmt(wire(mcmt(None))).token is None


def test_other_parts_are_ignored() -> None:
    """Parts for other modules, the preamble and the epilogue are ignored."""
    whole = mcmt(more=GCM).replace("MCMT_BOUNDARY\n\n--", "MCMT_BOUNDARY\n\nA preamble\n--", 1)
    assert read_mcmt(wire(whole + "an epilogue\n--MCMT_BOUNDARY\n")).payload == PAYLOAD.encode()


@pytest.mark.parametrize("quoted", ['"MCMT_BOUNDARY"', "MCMT_BOUNDARY; charset=us-ascii"])
def test_the_boundary_as_mailers_write_it(quoted: str) -> None:
    """It may be quoted, folded, among other parameters, and followed by blanks in the body."""
    message = mcmt().replace("boundary=MCMT_BOUNDARY", f"\n boundary={quoted}")
    assert read_mcmt(wire(message)).token == HEX
    assert read_mcmt(wire(mcmt().replace("--MCMT_BOUNDARY\n", "--MCMT_BOUNDARY \t\n"))).token == HEX


def test_the_mail_may_be_anything() -> None:
    """The mail is not parsed, however deep it is nested."""
    nested = "Content-Type: message/rfc822\n\n" * 3000
    assert read_mcmt(wire(mcmt().replace("mail version", nested))).token == HEX


@pytest.mark.parametrize("encoding", ["base64", "Base64 "])
def test_base64(encoding: str) -> None:
    """A payload in Base64, in lines of any length."""
    text = b64encode('{"aps":{"alert":"Grüße"}}'.encode()).decode()
    message = mcmt(payload=f"{text[:20]}\n{text[20:]}", inner=f"Content-Transfer-Encoding: {encoding}\n")
    assert read_mcmt(wire(message)).payload == '{"aps":{"alert":"Grüße"}}'.encode()


def test_8bit() -> None:
    """UTF-8 is accepted with 8bit."""
    message = mcmt(payload='{"aps":{"alert":"ü"}}', inner="Content-Transfer-Encoding: 8bit\n")
    assert read_mcmt(wire(message)).payload == '{"aps":{"alert":"ü"}}'.encode()


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("", ["Content-Type", "multipart/vnd.msys.mcmt"]),
        ("Subject: mail\n\ntext\n", ["Content-Type", "multipart/vnd.msys.mcmt"]),
        ("no header\n\n", ["headers of the message", "no header"]),
        (mcmt().replace("boundary=MCMT_BOUNDARY", "x=y"), ["boundary", "missing"]),
        (mcmt().replace("boundary=MCMT_BOUNDARY", f"boundary={'b' * 71}"), ["boundary", "71 characters"]),
        (mcmt().replace("boundary=MCMT_BOUNDARY", 'boundary="a\\"b"'), ["boundary"]),
        (mcmt().replace("BOUNDARY--", "BOUNDARY"), ["last boundary"]),
        (mcmt().replace("Content-Type: multi", "Content-Type: text/plain\nContent-Type: multi"), ["2 of them"]),
        (mcmt().replace("rfc822", "other"), ["message/rfc822", "missing"]),
        (mcmt().replace("vnd.msys.apn", "other"), ["message/vnd.msys.apn", "missing"]),
        (mcmt(more=GCM.replace("gcm", "apn")), ["message/vnd.msys.apn", "2 parts"]),
        (mcmt(more=GCM * MAX_PARTS), ["parts", "17 of them", "at most 16"]),
        (mcmt().replace("apn\n\nX-D", "apn\nX-D"), ["X-Device-Token", "blank line"]),
        (mcmt().replace("apn\n\nX", "apn\nContent-Transfer-Encoding: base64\n\nX"), ["whole part"]),
        (mcmt(inner=f"x-device-token: {HEX}\n"), ["X-Device-Token", "2 of them"]),
        (mcmt(inner="Content-Transfer-Encoding: rot13\n"), ["Content-Transfer-Encoding", "base64"]),
        (mcmt(payload='{"aps":"ü"}'), ["Content-Transfer-Encoding", "7bit", "base64"]),
        (mcmt(inner="Content-Transfer-Encoding: base64\n"), ["payload", "Base64"]),
        (mcmt(token="a" * (MAX_VALUE + 1)), ["X-Device-Token", f"{MAX_VALUE + 1} characters"]),
        (mcmt(inner="X: y\n" * MAX_HEADERS), ["headers of message/vnd.msys.apn", "lines"]),
        (f"X: {'y' * MAX_HEADER}\n{mcmt()}", ["headers of the message", "bytes"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(message: str, words: list[str]) -> None:
    """The error names the header or part, its shape, and the rule, but not the value."""
    text = fault(message)
    assert all(word in text for word in words), text


@pytest.mark.parametrize("ends", [b"\n", b"\r", b"\r\r\n", b"\n\r\n"])
def test_line_ends(ends: bytes) -> None:
    """A bare CR or LF is refused with its position."""
    data = wire(mcmt()).replace(b"mail version\r\n", b"mail version" + ends)
    assert "alone at byte" in fault(data)


def test_a_part_within_a_part() -> None:
    """A boundary is recognized only as a whole line."""
    message = mcmt().replace("mail version", "x--MCMT_BOUNDARY\n--MCMT_BOUNDARY2")
    assert read_mcmt(wire(message)).token == HEX


@given(st.binary(max_size=400) | st.text(max_size=300).map(wire))
@example(b"Content-Type: multipart/vnd.msys.mcmt; boundary*0*=utf-8''a; boundary*9999999=b\r\n\r\n")
@example(b"Content-Type: multipart/vnd.msys.mcmt; boundary*=x'y'%ff\r\n\r\n--\xff\r\n")
@example(b"Content-Type: \xff\xfe\r\n\r\n")
def test_anything(data: bytes) -> None:
    """Any bytes are parsed or refused."""
    with contextlib.suppress(Invalid, TooLarge):
        read_mcmt(data)


LINES = st.sampled_from(
    [
        *wire(mcmt(more=GCM)).split(b"\r\n"), b"--MCMT_BOUNDARY--", b"Content-Transfer-Encoding: base64", b" folded",
        b"Content-Type: multipart/vnd.msys.mcmt; boundary*=utf-8''%4D", b'Content-Type: a/b; boundary="\\', b"",
        b"Content-Type:", b"X-Device-Token: \xff", b"=?utf-8?b?x?=: y", b"Content-Type: (((((;;;;;=\"'",
    ]
)  # fmt: skip


@pytest.mark.parametrize(
    "parameters",
    [
        "boundary*=a; boundary*0=b", "x*=a; x*0=b; boundary=MCMT_BOUNDARY", "boundary*=idna''B%80",
        "boundary*=punycode''B%80", "boundary*=\0''B", "boundary*=undefined''B", "boundary*=no-such-charset''%80",
    ],
)  # fmt: skip
def test_parameters_that_cannot_be_decoded(parameters: str) -> None:
    """The standard library fails at some parameters of RFC 2231; they are refused."""
    message = mcmt().replace("boundary=MCMT_BOUNDARY", parameters)
    assert fault(message).startswith("boundary: ")


PARAMETERS = st.lists(
    st.tuples(
        st.sampled_from(["boundary", "charset", "x"]), st.sampled_from(["", "*", "*0", "*0*", "*1*", "*9"]),
        st.sampled_from(["B", '"B"', "''B%80", "utf-8''%42", "idna''%ff", "undefined'x'B", "rot13''B", '"']),
    ),
    max_size=5,
)  # fmt: skip


@given(PARAMETERS)
def test_any_parameters(parameters: list[tuple[str, str, str]]) -> None:
    """Any parameters are parsed or refused."""
    text = "; ".join(f"{name}{kind}={value}" for name, kind, value in parameters)
    with contextlib.suppress(Invalid, TooLarge):
        read_mcmt(f"Content-Type: multipart/vnd.msys.mcmt; {text}\r\n\r\n--B\r\n\r\n--B--".encode())


@given(st.lists(LINES, max_size=40))
def test_lines_in_any_order(lines: list[bytes]) -> None:
    """Lines of messages in any order are parsed or refused."""
    with contextlib.suppress(Invalid, TooLarge):
        read_mcmt(b"\r\n".join(lines))


@given(st.binary(max_size=2000), st.sampled_from(["base64", "8bit"]))
def test_payloads_round_trip(payload: bytes, encoding: str) -> None:
    """The payload is unchanged except for white space around it."""
    sent = b64encode(payload) if encoding == "base64" else payload
    template = wire(mcmt(payload="@", inner=f"Content-Transfer-Encoding: {encoding}\n"))
    head, _, tail = template.rpartition(b"@")
    if encoding == "base64" or not (BARE.search(sent) or b"\r\n--MCMT_BOUNDARY" in sent):
        assert read_mcmt(head + sent + tail).payload.strip() == payload.strip()


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        ("user1@apn_example.com", "apn_example.com"), ("<a@b>", "b"), ("News <a@B.example.>", "b.example"),
        ('"a@b"@c', "c"),
    ],
)  # fmt: skip
def test_domains(address: str, domain: str) -> None:
    """The domain is in lower case and without a trailing dot."""
    assert domain_of(address, "to") == domain


@pytest.mark.parametrize("address", ["", "user", "@b", "a@", "a@b c", "a@\x00", "a@ü", "<>"])
def test_invalid_addresses(address: str) -> None:
    """The error has the field and the length of the address."""
    with pytest.raises(Invalid, match=f"to: text of {len(address)} characters"):
        domain_of(address, "to")
