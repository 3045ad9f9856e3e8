"""What a template and the properties of a send become: payload, headers, expiry, priority."""

import pytest

from pushgate.hub.templates.properties import Properties
from pushgate.hub.templates.rendering import RenderedTemplate, render
from pushgate.hub.templates.value import MAX_VALUE, compile_value
from pushgate.model.errors import Invalid, TooLarge
from pushgate.model.hub.platform import Platform
from pushgate.model.hub.registration import Template


def made(properties, variables=None, **fields):
    """What a template with these fields becomes."""
    return render(Platform.APNS, Template(**{"body": "{}"} | fields), properties, variables or {})


def test_all_of_a_template_is_rendered():
    """Each of its values may be an expression."""
    result = made(
        {"Text": "Hi", "when": "2026-11-29T18:30:00Z", "urgent": "10", "id": "7"},
        body='{"aps":{"alert":"$(text)"}}',
        headers={"Apns-Collapse-Id": "{'m' + $(id)}", "apns-topic": "org.example"},
        expiry="$(when)",
        priority="$(urgent)",
    )
    assert result == RenderedTemplate(
        payload=b'{"aps":{"alert":"Hi"}}',
        headers={"apns-collapse-id": "m7", "apns-topic": "org.example"},
        expiry=1795977000,
        priority="10",
    )


def test_what_a_template_does_not_say():
    """No expiry and no priority."""
    assert made({}) == RenderedTemplate(payload=b"{}")


@pytest.mark.parametrize(
    ("expiry", "seconds"),
    [
        ("0", 0),
        ("", None),
        ("$(absent)", None),
        ("11/29/2026 18:30:00", 1795977000),
        ("1969-12-31", 1),
        ("9999-12-31T23:59:59Z", 4294967295),
    ],
)
def test_expiry(expiry, seconds):
    """Unix seconds that Apple's wire can carry; 0 is not stored, so a time before 1970 is no 0."""
    assert made({}, expiry=expiry).expiry == seconds


def test_an_expiry_that_is_no_time():
    """It is refused when it is rendered, as only then it is known."""
    with pytest.raises(Invalid, match="expiry"):
        made({"when": "soon"}, expiry="$(when)")


def test_variables_stand_for_absent_properties():
    """What the send says wins; both without regard to case."""
    template = {"body": '{"a":"$(a)","b":"$(b)","c":"$(c:{x})"}'}
    properties = Properties({"A": "send"})
    assert (
        made(properties, {"a": "device", "B": "device"}, **template).payload
        == b'{"a":"send","b":"device","c":"x"}'
    )


def test_a_header_is_one_line():
    """A property cannot begin another header."""
    assert made({"a": "x\r\napns-topic: y"}, headers={"apns-id": "$(a)"}).headers == {
        "apns-id": "x  apns-topic: y"
    }


def test_values_are_bounded():
    """As they are written, and as they are rendered."""
    with pytest.raises(TooLarge):
        compile_value("x" * (MAX_VALUE + 1))
    with pytest.raises(TooLarge):
        compile_value("{" + "+".join(["$(a)"] * 500) + "}").render({"a": "x" * 10})
    with pytest.raises(TooLarge):
        compile_value("$(a)").render({"a": "x" * 60_000})


def test_literal_values_are_known_beforehand():
    """Also a text in quotes."""
    assert compile_value("{'$5' + ' off'}").literal == "$5 off"
    assert compile_value("$(a)").literal is None


def test_the_error_of_a_value_has_its_field_and_position():
    """And not its text."""
    with pytest.raises(Invalid) as caught:
        compile_value("$secret", "apns-id")
    assert str(caught.value) == "apns-id: an expression, its position 2; ( is expected here"


def test_properties_are_a_flat_object_of_texts():
    """Names without regard to case."""
    assert Properties.of_body(b'{"Message":"Hello","n":"1"}') == {"message": "Hello", "n": "1"}
    assert Properties.of_body(b"{}") == {}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'"a"',
        b'{"a":1}',
        b'{"a":null}',
        b'{"a":{"b":"c"}}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        b'{"a":"b"} x',
        b'{"a":' + b"[" * 100_000,
        b'{"a":"1","A":"2"}',
    ],
)
def test_other_bodies_are_refused(body):
    """Numbers too, as in Azure: a text says how a number is to be written."""
    with pytest.raises(Invalid, match="body"):
        Properties.of_body(body)
