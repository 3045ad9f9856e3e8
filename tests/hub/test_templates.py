"""Whole templates, in JSON, in XML and in neither: what stays, what is put in, and what is refused."""

import json
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.hub.templates import template as template_module
from pushgate.hub.templates.compiled import MAX_RENDERED
from pushgate.hub.templates.properties import Properties
from pushgate.hub.templates.template import MAX_TEMPLATE, compile_template
from pushgate.model.errors import Invalid, TooLarge
from pushgate.model.hub.platform import Platform
from tests.hub_template_oracle import evaluate

XML = [Platform.WNS, Platform.MPNS]
JSON = [platform for platform in Platform if platform not in {*XML, Platform.BROWSER}]
TOAST = (
    '<?xml version="1.0"?>\n<!-- $(not) --><toast launch="$(url)" x:lang=\'$(lang)\' xmlns:x="u:$(x)" '
    'xmlns:y="$(ns)" duration=\'short\'><?pi $(not)?>\n<visual><binding template="ToastText01">'
    '<text id="1">$(message)</text><text/><x:text id = "#(badge)" >&#36;(message, 3)</x:text >'
    "<text>&amp; more</text><text><![CDATA[{'<' + $(message)}]]><![CDATA[<$(x)>]]></text></binding></visual></toast>"
)
every = st.text(st.characters(exclude_categories=["Cs"]))
keys = st.text("ab$(){}'\"\\é", min_size=0, max_size=4)
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from(
        ["$(a)", "#(b)", ".(a, 5)", "%(a)", "{'x\"y' + $(b)}", "$(none:{\\\\})", "plain", "é $(a)", "\\", ""]
    ),
)
documents = st.dictionaries(
    keys, st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3)),
    max_size=4,
)  # fmt: skip


def rendered(platform, body, **properties):
    """The notification that a template makes of these properties."""
    return compile_template(platform, body).render(Properties(properties))


def refusal(platform, body):
    """The error of a template that is refused."""
    with pytest.raises((Invalid, TooLarge)) as caught:
        compile_template(platform, body)
    assert caught.value.field == "template"
    return caught.value


def evaluated(value, properties):
    """A JSON document with its texts evaluated, by the plain evaluator."""
    if isinstance(value, dict):
        return {name: evaluated(each, properties) for name, each in value.items()}
    if isinstance(value, list):
        return [evaluated(each, properties) for each in value]
    return evaluate(value, properties) if isinstance(value, str) else value


@pytest.mark.parametrize("platform", JSON)
def test_json_stays_as_it_was_written(platform):
    """Blanks, the order of keys, numbers, escapes, keys that look like expressions: all but the expressions."""
    body = (
        '{ "aps" : {"alert":"$(message)","$(key)" :1.0e0, "n":[1, "#(badge)"]},"u":"\\u00e9 $(x)", "e":""}\n'
    )
    expected = '{ "aps" : {"alert":"Hi","$(key)" :1.0e0, "n":[1, 7]},"u":"\\u00e9 $(x)", "e":""}\n'
    assert rendered(platform, body, message="Hi", badge="7") == expected.encode()


def test_an_expression_may_be_written_with_escapes():
    """JSON's own escapes are read first."""
    assert rendered(Platform.APNS, '{"a":"\\u0024(b)","c":"\\n$(b)"}', b="x") == b'{"a":"x","c":"\\n$(b)"}'


@pytest.mark.parametrize("platform", XML)
def test_xml_stays_as_it_was_written(platform):
    """Prefixes, quotes, comments, empty elements: all but whole texts and values that are expressions."""
    made = rendered(
        platform, TOAST, url="a?b=1&c='2'", lang="en", message="<Hi>\n", badge="5", ns="other"
    ).decode()
    assert made == (
        '<?xml version="1.0"?>\n<!-- $(not) --><toast launch="a?b=1&amp;c=&apos;2&apos;" x:lang=\'en\' '
        'xmlns:x="u:$(x)" xmlns:y="$(ns)" duration=\'short\'><?pi $(not)?>\n<visual><binding '
        'template="ToastText01"><text id="1">&lt;Hi&gt;&#10;</text><text/><x:text id = "5" >&lt;Hi</x:text >'
        "<text>&amp; more</text><text>&lt;&lt;Hi&gt;&#10;<![CDATA[<$(x)>]]></text></binding></visual></toast>"
    )
    root = ET.fromstring(made)
    assert root.get("launch") == "a?b=1&c='2'"
    assert [each.text for each in root.iter("text")] == ["<Hi>\n", None, "& more", "<<Hi>\n<$(x)>"]


def test_the_encoding_named_is_that_of_the_notification():
    """.NET writes utf-16 for a text in memory; what is sent is UTF-8."""
    made = rendered(Platform.WNS, "<?xml version='1.0' encoding='utf-16' ?><a>$(b)</a>", b="é")
    assert ET.fromstring(made).text == "é"
    assert b'encoding="utf-8"' in made


def test_line_ends_in_expressions_are_those_of_xml():
    """One line feed in texts, a blank in attributes."""
    assert rendered(Platform.WNS, "<a b=\"{'x\r\ny'}\">{'x\r\ny'}</a>") == b'<a b="x y">x&#10;y</a>'


def test_references_of_xml_are_read_in_expressions():
    """Of all kinds; a text that begins with one and is literal stays."""
    body = "<a b='&amp;'>{'&#65;&#x42;&lt;&gt;&quot;' + &quot;&apos;&quot;}</a>"
    assert rendered(Platform.WNS, body) == b"<a b='&amp;'>AB&lt;&gt;&quot;&apos;</a>"


@pytest.mark.parametrize(
    ("body", "result"),
    [
        ("$(a)", b"1 < 2"),
        ("plain, $(a)", b"plain, $(a)"),
        ("{'a: ' + $(a)}", b"a: 1 < 2"),
        ('{"a": "$(a)", "b": "#(b)"}', b'{"a": "1 < 2", "b": 3}'),
        ("[1]", b"[1]"),
        ("#(b)", b"3"),
    ],
)
@pytest.mark.parametrize("platform", [*XML, Platform.BROWSER])
def test_raw_notifications_are_json_or_one_value(platform, body, result):
    """WNS and MPNS take anything as raw, browsers always."""
    assert rendered(platform, body, a="1 < 2", b="3") == result


def test_browsers_may_get_xml():
    """It is escaped as such."""
    assert rendered(Platform.BROWSER, "\ufeff <a>$(a)</a>", a="<") == b" <a>&lt;</a>"


@pytest.mark.parametrize(
    ("platform", "body", "part"),
    [
        (Platform.APNS, "", "0 blank"),
        (Platform.WNS, " \n", "2 blank"),
        (Platform.APNS, "<a/>", "no JSON"),
        (Platform.APNS, "$(a)", "no JSON"),
        (Platform.APNS, "[1]", "another type"),
        (Platform.APNS, '{"a":NaN}', "no JSON"),
        (Platform.APNS, '{"a":1', "no JSON"),
        (Platform.APNS, '{"a":"$5"}', "position 6: an expression, its position 2"),
        (Platform.FCMV1, '{"a":' + "[" * 64 + "]" * 64 + "}", "nested deeper"),
        (Platform.FCMV1, "[" * MAX_TEMPLATE, "nested deeper"),
        (Platform.FCMV1, '{"a":"\ud800"}', "surrogate"),
        (Platform.BROWSER, "$5 off", "position 1: an expression, its position 2"),
        (Platform.WNS, "<a>", "not well-formed in line 1, column 4"),
        (Platform.WNS, "<a/><b/>", "not well-formed"),
        (Platform.WNS, "<a>\x00</a>", "not well-formed"),
        (Platform.WNS, "<x:a/>", "not well-formed"),
        (Platform.WNS, "<a b='1' b='2'/>", "not well-formed"),
        (Platform.WNS, '<a b="#1 fan"/>', "position 7: an expression, its position 2"),
        (Platform.WNS, "<a>.NET</a>", "position 4: an expression, its position 2"),
        (Platform.WNS, "<a>" * 65 + "</a>" * 65, "nested deeper"),
        (Platform.MPNS, "<a>" * 5000, "nested deeper"),
    ],
)
def test_what_is_refused(platform, body, part):
    """The error says what is wrong and where."""
    assert part in refusal(platform, body).shape


@pytest.mark.parametrize(
    "body",
    [
        "<!DOCTYPE a><a>$(b)</a>",
        '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        '<!DOCTYPE a [<!ENTITY a "aa"><!ENTITY b "&a;&a;"><!ENTITY c "&b;&b;">]><a>&c;</a>',
        '<!DOCTYPE a SYSTEM "http://127.0.0.1/a.dtd"><a/>',
        '<!DOCTYPE a [<!ATTLIST a b CDATA "$(c)">]><a/>',
    ],
)
def test_document_types_are_refused(body):
    """No entity grows, no file is read."""
    assert "document type" in refusal(Platform.WNS, body).shape


def test_an_unknown_entity_is_no_xml():
    """Only the five of XML itself are known."""
    assert "not well-formed" in refusal(Platform.WNS, "<a>&nbsp;</a>").shape


@pytest.mark.parametrize("platform", [Platform.APNS, Platform.WNS])
def test_long_templates_are_refused(platform):
    """By their characters, before they are read."""
    assert "at most" in str(refusal(platform, " " * (MAX_TEMPLATE + 1)))


def test_a_notification_is_bounded():
    """A template that names a long property often makes nothing larger than a push service could take."""
    body = json.dumps({"a": "{" + "+".join(["$(a)"] * 2000) + "}"})
    assert len(rendered(Platform.APNS, body, a="x" * 30)) > 60_000
    with pytest.raises(TooLarge) as caught:
        rendered(Platform.APNS, body, a="x" * 60_000)
    assert caught.value.limit == MAX_RENDERED
    assert caught.value.size < 2 * MAX_RENDERED


def test_compiled_templates_are_kept():
    """A million devices with one template compile it once."""
    one = compile_template(Platform.APNS, '{"kept":"$(a)"}')
    assert compile_template(Platform.APNS, '{"kept":"$(a)"}') is one
    assert template_module.compile_template.cache_info().maxsize < 1000


@given(documents, every, every)
def test_rendered_json_is_what_the_plain_evaluator_says(document, a, b):
    """Whatever the document and the properties: it is JSON again, its texts evaluated, the rest unchanged."""
    made = rendered(Platform.APNS, json.dumps(document), a=a, b=b)
    assert json.loads(made) == evaluated(document, {"a": a, "b": b})


@given(every)
def test_rendered_xml_has_the_texts_of_the_properties(text):
    """Whatever these are; what XML cannot have at all is replaced."""
    possible = "".join(
        "\ufffd"
        if (character < " " and character not in "\t\n\r") or character in "\ufffe\uffff"
        else character
        for character in text
    )
    root = ET.fromstring(
        rendered(Platform.WNS, "<a b='$(c)' d=\"$(c)\"><![CDATA[$(c)]]><e>$(c)</e>$(c)</a>", c=text)
    )
    assert [root.get("b"), root.get("d"), root.text or "", root[0].text or "", root[0].tail or ""] == [
        possible
    ] * 5


@given(st.text("<>&;'\"![]-?/ab$(){}# =x\n", max_size=40), every)
def test_any_xml_is_refused_or_stays_xml(body, text):
    """Nothing but `Invalid` is raised, and what was taken is well formed with any property."""
    try:
        compiled = compile_template(Platform.WNS, f"<a>{body}</a>")
    except Invalid:
        return
    ET.fromstring(compiled.render({"a": text, "b": text}))


@given(st.text('{}[]":,$(a)\\u0 #1', max_size=40))
def test_any_json_is_refused_or_stays_json(body):
    """Likewise."""
    try:
        compiled = compile_template(Platform.APNS, '{"a":' + body + "}")
    except Invalid:
        return
    json.loads(compiled.render({"a": '"\\'}))
