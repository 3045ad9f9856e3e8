"""JSON whose values know where they stand."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushgate.protocols.lint.json_tree import Kind, decode, place, read, without_blanks
from tests.protocols.lint.examined import examined

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


def plain(value):
    """The tree as Python has it."""
    if value.kind is Kind.OBJECT:
        return {name: plain(member) for name, member in value.members.items()}
    return [plain(item) for item in value.items] if value.kind is Kind.ARRAY else value.found


@given(VALUES, st.sampled_from([None, 2]))
def test_the_tree_is_what_was_written(value, indent):
    """The pattern finds the same values as the standard library, and each begins where its place says."""
    text = json.dumps(value, indent=indent)
    body = read(text)
    assert plain(body.root) == json.loads(text)
    assert without_blanks(text) == json.dumps(value, separators=(",", ":"))
    waiting = [body.root]
    while waiting:
        each = waiting.pop()
        waiting.extend(each)
        assert json.JSONDecoder().raw_decode(text, each.at)[0] == plain(each)
        if isinstance(each.name, str) and each.parent is not None:
            assert json.JSONDecoder().raw_decode(text, each.key_at)[0] == each.name


@pytest.mark.parametrize(
    ("text", "line", "column", "advice"),
    [
        ('{"aps": {"alert": "x",}}', 1, 23, "no comma"),
        ("{'aps': 1}", 1, 2, "double quotes"),
        ('{"a": 1\n "b": 2}', 2, 2, "comma between"),
        ('{"a" 1}', 1, 6, "a colon"),
        ('{"a": x}', 1, 7, "a value"),
        ('{"a": 1}{', 1, 9, "nothing behind"),
        ('{"a": "x', 1, 7, "close the text"),
        ('{"a": "x\ny"}', 1, 9, r"\n"),
        (r'{"a": "\q"}', 1, 8, "backslash"),
        ('{"a": NaN}', 1, 7, "a number"),
        (r'{"a": "\ud83d"}', 1, 7, "both halves"),
        ('{"a": 1, "a": 2}', 1, 10, "one of them"),
        ('{"a": ["\\ude00"]}', 1, 8, "both halves"),
    ],
)  # fmt: skip
def test_faults_have_places(text, line, column, advice):
    """A fault of the JSON has line and column, and says what to write."""
    [flaw] = read(text).flaws
    assert (flaw.line, flaw.column) == (line, column)
    assert advice in flaw.advice


def test_paths():
    """A path has the names on the way, in quotes where they are no words."""
    root = read('{"aps": {"alert": {"loc-args": ["x", 1]}}, "a b": {"": 1}}').root
    [_, last] = root.members["aps"].members["alert"].members["loc-args"].items
    assert last.path == "aps.alert.loc-args[1]"
    assert root.members["a b"].members[""].path == '["a b"][""]'
    assert root.path == ""


@pytest.mark.parametrize(
    ("payload", "what", "line", "column"),
    [
        (b'\xef\xbb\xbf{"a": 1}', "byte order mark of UTF-8", 1, 1),
        ('{"a": 1}'.encode("utf-16"), "byte order mark of UTF-16", 1, 1),
        (b'{\n "a": "\xc3\xa4\xe4"}', "byte 12 of 14 is no UTF-8", 2, 9),
    ],
)
def test_bytes_that_are_no_utf_8(payload, what, line, column):
    """A byte order mark and other encodings are named with their place."""
    _, [flaw] = decode(payload)
    assert what in flaw.what
    assert (flaw.line, flaw.column) == (line, column)


def test_nothing_and_too_deep():
    """An empty payload and one that is nested beyond reason are one flaw each."""
    assert [flaw.what for flaw in read(" \n").flaws] == ["there is nothing in it"]
    assert [flaw.what for flaw in read("[" * 200_000 + "]" * 200_000).flaws] == [
        "objects and arrays nested too deep"
    ]


def test_places():
    """Lines and columns are from 1."""
    assert place("ab\ncd", 0) == (1, 1)
    assert place("ab\ncd", 4) == (2, 2)


def test_a_payload_that_is_no_json():
    """Its flaw is the only one: no rule about fields is tried."""
    report = examined('{"aps": {"alert": "x",}}')
    assert [(flaw.grade, flaw.line, flaw.column) for flaw in report.flaws] == [("error", 1, 23)]
