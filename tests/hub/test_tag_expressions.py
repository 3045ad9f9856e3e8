"""Tag expressions: their grammar and limits, and which devices they find."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.hub.tag_expressions.expression import And, HasTag, Not, Or
from pushgate.hub.tag_expressions.parser import MAX_DEPTH, MAX_LENGTH, parse_expression
from pushgate.hub.tag_expressions.required import required_tags
from pushgate.model.errors import Invalid
from tests.hub_evaluator import matches

NAMES = ["a", "b", "c", "d"]
tag = st.sampled_from(NAMES).map(HasTag)
expressions = st.recursive(
    tag,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=3).map(lambda some: And(tuple(some))),
        st.lists(inner, min_size=2, max_size=3).map(lambda some: Or(tuple(some))),
    ),
    max_leaves=6,
)
blanks = st.text(" \t\r\n", max_size=2)


def found_by(text, *tags):
    """Whether an expression finds a device with these tags."""
    return matches(parse_expression(text), {tag.lower() for tag in tags})


def refusal(text):
    """The error of an expression that is refused."""
    with pytest.raises(Invalid) as caught:
        parse_expression(text)
    return caught.value


def written(expression, blank=""):
    """An expression as text, each operand in parentheses that needs them."""
    if isinstance(expression, HasTag):
        return f"{blank}{expression.tag}{blank}"
    if isinstance(expression, Not):
        return f"!{blank}({written(expression.operand, blank)})"
    operator = "&&" if isinstance(expression, And) else "||"
    return operator.join(f"({written(each, blank)})" for each in expression.operands)


def as_python(expression):
    """The same condition for `eval`, with a set of tags under the name ``tags``: an evaluator of another kind."""
    if isinstance(expression, HasTag):
        return f"({expression.tag!r} in tags)"
    if isinstance(expression, Not):
        return f"(not {as_python(expression.operand)})"
    operator = " and " if isinstance(expression, And) else " or "
    return "(" + operator.join(as_python(each) for each in expression.operands) + ")"


def every_set(names=NAMES):
    """All subsets of these tags."""
    return [set(each) for size in range(len(names) + 1) for each in itertools.combinations(names, size)]


def test_groups_are_combined():
    """Parentheses group; a device has to match both groups."""
    text = "(follows_RedSox || follows_Cardinals) && location_Boston"
    assert found_by(text, "follows_RedSox", "location_Boston")
    assert not found_by(text, "follows_RedSox")


def test_not_binds_before_and_which_binds_before_or():
    """The precedence is ! && ||."""
    assert found_by("a || b && c", "a")
    assert not found_by("(a || b) && c", "a")
    assert found_by("!a && b", "b")
    assert not found_by("!a && b", "a", "b")
    assert found_by("!(a && b)", "a")


def test_case_does_not_count():
    """Tags are compared without regard to case, also the names of the implicit ones."""
    assert found_by("Follows_REDSOX", "follows_redsox")
    assert found_by("$INSTALLATIONID:{Joe93=}", "$InstallationId:{joe93=}")


def test_implicit_tags_are_tags():
    """An installation is found by its id and by its user."""
    assert found_by("$InstallationId:{joe93developer}", "$InstallationId:{joe93developer}")
    assert found_by("$UserId:{joe} && !$InstallationId:{x}", "$UserId:{joe}")


def test_a_negative_expression_finds_those_without():
    """`!a` alone is legal."""
    assert found_by("!a")
    assert not found_by("!a", "a")


@pytest.mark.parametrize(
    ("text", "position", "rule"),
    [
        ("", 1, "a tag or ! or ("),
        ("  ", 3, "a tag or ! or ("),
        ("a &&", 5, "a tag or ! or ("),
        ("&& a", 1, "a tag or ! or ("),
        ("a b", 3, "&& or || or the end"),
        ("(a", 3, "&& or || or )"),
        ("a)", 2, "&& or || or the end"),
        ("()", 2, "a tag or ! or ("),
        ("a & b", 3, "&& || !"),
        ("a | b", 3, "&& || !"),
        ("a,b", 2, "commas"),
        ("a/b", 2, "a tag has up to 120"),
        ("a'; DROP TABLE tag; --", 2, "a tag has up to 120"),
        ("$Group:{x}", 1, "$InstallationId"),
        ("$UserId:{}", 1, "$UserId"),
        ("grün", 3, "ASCII"),
        ("\u212aelvin", 1, "ASCII"),
    ],
)
def test_a_syntax_error_names_the_position_and_what_is_expected(text, position, rule):
    """The error has the place and the rule, not the text."""
    error = refusal(text)
    assert error.field == "expression"
    assert error.shape.startswith(f"position {position}: ")
    assert rule in error.rule


def test_an_error_quotes_no_text():
    """A tag may be what should not be logged; so the error says "a tag"."""
    assert "secret" not in str(refusal("a secret"))
    assert "U+0000" in refusal("a && \0").shape


@pytest.mark.parametrize(("operator", "most"), [("||", 20), ("&&", 10)])
def test_one_operator_has_its_limit(operator, most):
    """20 tags with ||, 10 with &&."""
    tags = [f"t{number}" for number in range(most + 1)]
    parse_expression(operator.join(tags[:most]))
    assert refusal(operator.join(tags)).shape == f"{most + 1} tags"


def test_not_counts_as_and():
    """With ! and no || there may be 10 tags."""
    parse_expression("&&".join(f"!t{number}" for number in range(10)))
    assert "at most 10" in refusal("&&".join(f"!t{number}" for number in range(11))).rule


def test_mixed_operators_have_the_least_limit():
    """6 tags when || is mixed with others."""
    parse_expression("(a||b) && c && d && e && f")
    assert "at most 6" in refusal("(a||b) && c && d && e && f && g").rule
    assert "at most 6" in refusal("!a || b || c || d || e || f || g").rule


def test_a_tag_has_at_most_120_characters():
    """One more is refused, with its length and place."""
    parse_expression("a" * 120)
    assert refusal("b && " + "a" * 121).shape == "position 6: a tag of 121 characters"


def test_length_and_nesting_are_bounded():
    """Neither a long text nor a deep one costs more than its refusal."""
    parse_expression("!" * MAX_DEPTH + "a")
    assert "32" in refusal("!" * (MAX_DEPTH + 1) + "a").rule
    assert "32" in refusal("(" * 2000 + "a" + ")" * 2000).rule
    assert refusal(" " * MAX_LENGTH + "a").shape == f"{MAX_LENGTH + 1} characters"


@given(expressions, blanks)
def test_what_is_written_is_read_again(expression, blank):
    """Reading finds the tree whose text it is, wherever there are blanks."""
    try:
        parsed = parse_expression(written(expression, blank))
    except Invalid as error:
        assert error.rule.startswith("at most")  # noqa: PT017 - other errors would be failures
    else:
        assert parsed == expression


@given(expressions)
def test_evaluation_agrees_with_another_evaluator(expression):
    """For every set of tags, against Python's own operators."""
    code = compile(as_python(expression), "expression", "eval")
    for tags in every_set():
        assert matches(expression, tags) == eval(code, {"tags": tags})


@given(st.text("ab01!&|() ,$", max_size=30))
def test_any_text_is_read_or_refused(text):
    """Nothing but `Invalid` is raised, and what is read can be evaluated."""
    try:
        expression = parse_expression(text)
    except Invalid:
        return
    assert matches(expression, set()) in {True, False}


@pytest.mark.parametrize(
    ("text", "required"),
    [
        ("a", {"a"}),
        ("a && b", {"a"}),
        ("a || b", {"a", "b"}),
        ("(a && b) || !c", None),
        ("!(!a)", {"a"}),
        ("!a", None),
        ("!a && b", {"b"}),
        ("!(a || b)", None),
        ("!(!a || !b)", {"a"}),
        ("!(!a && !b)", {"a", "b"}),
        ("(a || b) && c", {"c"}),
        ("(a && b) || c", {"a", "c"}),
    ],
)
def test_required_tags(text, required):
    """The smallest set of which every device found has one."""
    assert required_tags(parse_expression(text)) == required


def test_required_tags_by_their_cost():
    """With the numbers of devices known, the rarest tags are taken, be they more."""
    devices = {"a": 10.0, "b": 20.0, "c": 1000.0}
    assert required_tags(parse_expression("(a || b) && c"), devices.__getitem__) == {"a", "b"}


@given(expressions)
def test_every_device_found_has_a_required_tag(expression):
    """Whatever the expression: none that it finds is missed by going through these tags."""
    required = required_tags(expression)
    for tags in every_set():
        if required is not None and matches(expression, tags):
            assert required & tags


@given(expressions)
def test_an_expression_that_finds_untagged_devices_requires_nothing(expression):
    """It cannot have required tags; and when there are none, it is for a negation in it."""
    if matches(expression, set()):
        assert required_tags(expression) is None
