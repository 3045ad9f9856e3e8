"""The expressions of templates: what each says, and what is refused where."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.hub.templates.expression import BadExpression, parse_value
from pushgate.hub.templates.json_template import compile_json
from pushgate.hub.templates.properties import Properties
from pushgate.model.errors import Invalid
from tests.hub_template_oracle import BadValueError, evaluate

PROPERTIES = {
    "message": "Hello",
    "title": "This is the title line",
    "badge": "40",
    "url": "a b&c/d",
    "Name": "Jon",
}
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
spaces = st.sampled_from(["", " ", "  ", "\t"])
names = st.sampled_from(["message", "TITLE", "badge", "absent", "a_1"])
lengths = st.integers(0, 40).map(str)
bodies = st.fixed_dictionaries({}, optional=dict.fromkeys(["message", "title", "Badge", "a_1"], texts)).map(
    lambda some: some | {"number": "-1.5e3"}
)


@st.composite
def references(draw):
    """An expression that is one property, right in most cases."""
    function = draw(st.sampled_from("$.%#"))
    default = draw(st.one_of(st.just(""), st.text("a,)b({ \"'", max_size=5).map(lambda text: f":{{{text}}}")))
    length = draw(st.one_of(st.just(""), lengths.map(lambda n: f",{n}"), lengths.map(lambda n: f" , +{n} ")))
    blank = draw(spaces)
    return f"{function}({blank}{draw(names)}{default}{length})"


literals = st.sampled_from("'\"").flatmap(
    lambda mark: st.text("ab'\"+{}$é😀\n", max_size=8).map(
        lambda text: mark + text.replace(mark, mark * 2) + mark
    )
)
composites = st.lists(st.one_of(references(), literals), min_size=1, max_size=4).flatmap(
    lambda parts: spaces.map(lambda blank: "{" + blank + f"{blank}+{blank}".join(parts) + blank + "}")
)
noise = st.text("$.%#{}()'\"+:, ab1\\", max_size=15)
values = st.one_of(references(), composites, noise, texts)


def rendered(value, properties=PROPERTIES):
    """What a value becomes in a JSON template."""
    body = msgspec.json.encode({"v": value}).decode()
    return msgspec.json.decode(compile_json(body).render(Properties(properties)))["v"]


@pytest.mark.parametrize(
    ("value", "result"),
    [
        ("$(message)", "Hello"),
        ("$(MESSAGE)", "Hello"),
        ("$(absent)", ""),
        ("$(title, 7)", "This is"),
        (".(title, 20)", "This is the title..."),
        (".(message, 5)", "Hello"),
        (".(message, 2)", ".."),
        (".(message, 0)", ""),
        ("%(url)", "a%20b%26c%2Fd"),
        ("#(badge)", 40),
        ("#(message)", "Hello"),
        ("#(absent)", ""),
        ("#(absent:{7})", 7),
        ("{#(badge)}", 40),
        ("{'Hi, ' + $(name)}", "Hi, Jon"),
        ("{$(message) + ' - ' + $(name)}", "Hello - Jon"),
        ("{'it''s ' + $(name)}", "it's Jon"),
        ('{"say ""hi"" to " + $(name)}', 'say "hi" to Jon'),
        ("{'$5 off'}", "$5 off"),
        ("{''}", ""),
        ("plain text", "plain text"),
        ("", ""),
        ("Hello $(name)", "Hello $(name)"),
        (" $(name)", " $(name)"),
        ("$(name) ", "Jon"),
        ("$( name )", "Jon"),
        ("$(absent:{n/a})", "n/a"),
        ("$(absent:{a,b)c})", "a,b)c"),
        ("$(absent:{a\\}b\\\\c})", "a}b\\c"),
        ("$(absent:{abcdef}, 3)", "abc"),
        (".(absent:{abcdef}, 4)", "a..."),
        ("%(absent:{a b})", "a%20b"),
        ("$(message:{x})", "Hello"),
        ("$(message, 0)", ""),
        ("{ $(name) }", "Jon"),
    ],
)
def test_what_values_say(value, result):
    """The forms of the language, and the values that only look like them."""
    assert rendered(value) == result
    assert evaluate(value, PROPERTIES) == result


@pytest.mark.parametrize(
    ("value", "position"),
    [
        ("$(message", 10),
        ("$message", 2),
        (".(title)", 8),
        ("%(url, 3)", 6),
        ("#(badge, 2)", 8),
        ("{#(badge) + $(name)}", 2),
        ("{$(name) + #(badge)}", 12),
        ("{$(a) $(b)}", 7),
        ("$(no-dash)", 3),
        ("$()", 3),
        ("$(a, x)", 5),
        ("$(a, )", 5),
        ("$(a, -1)", 5),
        ("$(a, 1", 7),
        ("$(a:b)", 4),
        ("$(a:{b)", 4),
        ("$(a:{b\\", 4),
        ("{'open}", 2),
        ("{$(a)", 6),
        ("{", 2),
        ("{}", 2),
        ("{$(a) +}", 8),
        ("{a}", 2),
        ("$(message) tail", 12),
        ("$(a) + $(b)", 6),
        ("$5 off", 2),
        (".NET", 2),
        ("%x", 2),
        ("#1 fan", 2),
        ("$", 2),
        ("$body", 1),
        ("$(" + "a" * 121 + ")", 3),
    ],
)
def test_an_error_has_the_position(value, position):
    """Of the character that cannot stand there, or of what is not closed; and the rule."""
    with pytest.raises(BadExpression) as caught:
        parse_value(value)
    assert caught.value.position == position
    assert caught.value.rule
    with pytest.raises(BadValueError):
        evaluate(value, PROPERTIES)


def test_a_length_has_nine_digits():
    """A longer number would be no text's length, and costs more the longer it is."""
    assert rendered("$(name, 999999999)") == "Jon"
    with pytest.raises(BadExpression, match="9 digits"):
        parse_value("$(a, 1000000000)")


def test_the_error_of_a_template_has_both_positions():
    """Where the value begins in the body, and where in it something is wrong; and not what it says."""
    with pytest.raises(Invalid) as caught:
        compile_json('{"aps": {"alert": "$secret"}}')
    assert caught.value.field == "template"
    assert caught.value.shape == "the value at position 19: an expression, its position 2"
    assert "secret" not in str(caught.value)


@given(values, bodies)
def test_values_are_what_the_plain_evaluator_says(value, properties):
    """Whatever the value and the properties: the same text or number, or both refuse it."""
    try:
        expected = evaluate(value, properties)
    except BadValueError:
        with pytest.raises(Invalid):
            rendered(value, properties)
    else:
        assert rendered(value, properties) == expected


@given(st.one_of(noise, texts))
def test_any_text_is_read_or_refused(value):
    """Nothing but `BadExpression` is raised, with a position in the text or just behind it."""
    try:
        position = len(parse_value(value))
    except BadExpression as error:
        position = error.position
    assert 1 <= position <= len(value) + 1
