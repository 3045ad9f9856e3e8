"""The targets of sends: what an expression finds in the database is what it finds by its definition."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pushgate.hub.store import registrations, targets
from pushgate.hub.store.expression_sql import condition, simplify, tags_of, values_of
from pushgate.hub.tag_expressions.expression import And, HasTag, Not, Or
from pushgate.hub.tag_expressions.parser import parse_expression
from pushgate.model.hub.platform import Platform
from tests.hub_evaluator import matches
from tests.hub_store_rig import emptied, registration, template

TAGS = ["a", "b", "c", "d"]
APNS, ADM = Platform.APNS, Platform.ADM


def test_a_page_has_only_so_many_registrations(session, monkeypatch):
    """It ends early on the border of a device; a device with more of them is a page of its own."""
    monkeypatch.setattr(targets, "ROWS", 3)
    for device in (b"a", b"b", b"c"):
        for number in range(5 if device == b"b" else 2):
            registrations.create(session, registration(device, template=template(f'{{"n":"{number}"}}')))
    found, after = [], 0
    while after is not None:
        page = targets.page(session, None, None, True, after, 100)
        replayed = targets.page(session, None, None, True, after, 100, page.targets[-1].device)
        assert replayed.targets == page.targets
        found.append([each.handle for each in page.targets])
        after = page.end
    assert found == [[b"a"] * 2, [b"b"] * 5, [b"c"] * 2]


def expressions():
    """Expressions of any form over a few tags, one of which nothing has."""
    leaves = st.sampled_from([*TAGS, "nobody"]).map(HasTag)

    def wider(inner):
        operands = st.lists(inner, min_size=2, max_size=3).map(tuple)
        return st.one_of(inner.map(Not), operands.map(And), operands.map(Or))

    return st.recursive(leaves, wider, max_leaves=6)


def handles(session, expression, platform, limit, until_too=True):
    """The handles that a send goes to, by pages of a size; each page is read again by its end."""
    found, after, skipped = [], 0, 0
    while True:
        page = targets.native_page(session, expression, platform, after, limit)
        found += page.handles
        skipped += page.skipped
        if until_too:
            again = targets.native_page(session, expression, platform, after, limit, page.last_device)
            assert again.handles == page.handles
        if page.end is None:
            return found, skipped
        assert page.end == page.last_device > after
        after = page.end


def by_template(session, expression, limit):
    """The same of templates of all platforms."""
    found, after = [], 0
    while after is not None:
        page = targets.page(session, expression, None, True, after, limit)
        found += page.targets
        after = page.end
    return found


people = st.lists(
    st.tuples(
        st.sampled_from([b"1", b"2", b"3", b"4", b"5"]),
        st.sampled_from([APNS, APNS, ADM]),
        st.lists(st.sampled_from([*TAGS, "A"]), max_size=4).map(tuple),
        st.sampled_from([None, None, "{}", '{"x":1}']),
        st.sampled_from([None, None, None, 1.0, 4e9]),
    ),
    max_size=10,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(people, st.none() | expressions(), st.integers(1, 7))
def test_an_expression_finds_what_it_says(any_session, registered, expression, limit):
    """Over any tags, any expression and pages of any size: no device is missed, none is met twice."""
    session = emptied(any_session)
    wanted, by_platform, bodies = {APNS: [], ADM: []}, {}, []
    for handle, platform, names, body, expires_at in registered:
        registrations.create(
            session,
            registration(
                handle, *names, platform=platform, expires_at=expires_at,
                template=None if body is None else template(body),
            ),
        )  # fmt: skip
        lower = {name.lower() for name in names}
        if expires_at != 1.0 and (expression is None or matches(expression, lower)):
            by_platform[platform] = by_platform.get(platform, 0) + 1
            if body is None:
                wanted[platform].append(handle)
            else:
                bodies.append((platform, handle, body))
    for platform, due in wanted.items():
        found, skipped = handles(session, expression, platform, limit)
        assert sorted(found) == sorted(set(due))
        assert skipped == len(due) - len(set(due))
    found = by_template(session, expression, limit)
    assert sorted((each.platform, each.handle, each.template.body) for each in found) == sorted(set(bodies))
    assert sum(1 + each.skipped for each in found) == len(bodies)
    assert targets.count(session, expression) == by_platform


def test_a_device_is_never_on_two_pages(session):
    """All templates of a device come together, so that equal ones are found to be equal."""
    for number in range(3):
        for _ in range(3):
            registrations.create(session, registration(b"%d" % number, "t", template=template()))
    pages, after = [], 0
    while after is not None:
        page = targets.page(session, parse_expression("t"), None, True, after, 1)
        pages.append(page.targets)
        after = page.end
    assert [[each.skipped for each in page] for page in pages if page] == [[2], [2], [2]]


def test_a_target_has_what_its_notification_needs(session):
    """Its registration, its template and its variables."""
    kept = registrations.create(
        session, registration(b"h", template=template("{}", "n"), push_variables={"k": "v"})
    )
    (found,) = targets.page(session, None, APNS, True, 0, 10).targets
    assert (found.registration_id, found.template, found.push_variables) == (
        kept.id, kept.template, {"k": "v"},
    )  # fmt: skip
    registrations.create(session, registration(b"h"))
    (native,) = targets.page(session, None, APNS, False, 0, 10).targets
    assert (native.handle, native.device, native.template) == (b"h", found.device, None)


def test_a_rare_tag_is_what_the_search_goes_by(session):
    """``common && rare`` looks at the few devices with the rare tag, in either order."""
    for number in range(40):
        names = ["common", *(["rare"] if number % 20 == 0 else [])]
        registrations.create(session, registration(b"%d" % number, *names))
    for text in ("common && rare", "rare && common", "(common || rare) && rare"):
        page = targets.native_page(session, parse_expression(text), APNS, 0, 10)
        assert page.handles == (b"0", b"20")
        assert page.end is None


def test_nothing_is_found_where_nothing_is(session):
    """No devices, or a tag that nothing has: one page without targets."""
    assert handles(session, None, APNS, 5) == ([], 0)
    registrations.create(session, registration())
    assert handles(session, HasTag("x"), APNS, 5) == ([], 0)
    assert handles(session, Not(HasTag("x")), APNS, 5) == ([b"device"], 0)


@given(expressions(), st.sets(st.sampled_from(TAGS)), st.sets(st.sampled_from(TAGS)))
def test_tags_that_nothing_has_are_left_out_without_changing_the_meaning(expression, known, held):
    """A simplified expression says the same of every device that has only known tags."""
    simple = simplify(expression, known)
    says = matches(expression, held & known)
    assert (simple if isinstance(simple, bool) else matches(simple, held & known)) == says
    if not isinstance(simple, bool):
        assert tags_of(simple) <= known


@pytest.mark.parametrize(
    ("text", "driver"),
    [("a", (1,)), ("a && b", (1,)), ("b && a || c", (1, 3)), ("!a", None), ("a || !b", None), ("x", ())],
)
def test_a_search_goes_by_the_tags_that_it_cannot_do_without(text, driver):
    """The cheapest such tags; none when devices without any of them may be found."""
    found = condition(parse_expression(text), {"a": 1, "b": 2, "c": 3}, {"a": 1.0, "b": 2.0, "c": 3.0}.get)
    assert found.driver == driver
    assert found.text.count("?") == len(values_of(found, 0, 9))
