"""A tag expression as a condition on ``registration``, and the tags that a search can go by. Pure."""

from collections.abc import Callable, Collection, Mapping

import msgspec

from pushgate.hub.tag_expressions.expression import And, Expression, HasTag, Not, Or
from pushgate.hub.tag_expressions.required import required_tags

Simple = Expression | bool
"""An expression, or what it says of every registration."""

_IS_AMONG = (
    "registration.number IN (SELECT has.registration FROM registration_tag AS has WHERE has.tag = ?"
    " AND has.device > ? AND has.device <= ?)"
)
"""Of all registrations of some devices: those with a tag are collected once."""
_HAS_TAG = (
    "EXISTS (SELECT 1 FROM registration_tag AS has WHERE has.tag = ? AND has.device = registration.device"
    " AND has.registration = registration.number AND has.device > ? AND has.device <= ?)"
)
"""Of the few with a driver's tag, whose devices may lie anywhere: each is looked at."""


class Condition(msgspec.Struct, frozen=True):
    """What registrations are to have.

    :param text: of a condition on ``registration``, with three marks for each tag: its number, and the
        devices behind one and up to another that are looked at. PostgreSQL may collect all with the tag
        first, so it has to know these bounds.
    :param tags: the numbers of the tags, in the order of the marks.
    :param driver: numbers of tags; only registrations with one of these meet the condition. None: others may.
    """

    text: str
    tags: tuple[int, ...] = ()
    driver: tuple[int, ...] | None = None


ALL = Condition("1 = 1")
NONE = Condition("1 = 0", driver=())


def values_of(condition: Condition, after: int, end: int) -> list[int]:
    """The values for the marks of a condition."""
    return [value for tag in condition.tags for value in (tag, after, end)]


def tags_of(expression: Expression) -> frozenset[str]:
    """The tags that an expression names."""
    if isinstance(expression, HasTag):
        return frozenset({expression.tag})
    if isinstance(expression, Not):
        return tags_of(expression.operand)
    return frozenset().union(*map(tags_of, expression.operands))


def condition(
    expression: Expression, numbers: Mapping[str, int], cost: Callable[[str], float] | None = None
) -> Condition:
    """An expression as a condition.

    :param numbers: of tags; no registration has one that is missing here.
    :param cost: of going through the registrations with a tag.
    """
    simple = simplify(expression, numbers)
    if isinstance(simple, bool):
        return ALL if simple else NONE
    driver = required_tags(simple) if cost is None else required_tags(simple, cost)
    text, values = _sql(simple, numbers, _IS_AMONG if driver is None else _HAS_TAG)
    return Condition(
        text, tuple(values), None if driver is None else tuple(sorted(numbers[tag] for tag in driver))
    )


def simplify(expression: Expression, known: Collection[str]) -> Simple:
    """An expression without the tags that nothing has."""
    if isinstance(expression, HasTag):
        return expression if expression.tag in known else False
    if isinstance(expression, Not):
        operand = simplify(expression.operand, known)
        return not operand if isinstance(operand, bool) else Not(operand)
    kind, decides = type(expression), isinstance(expression, Or)
    operands = [simplify(each, known) for each in expression.operands]
    if decides in operands:
        return decides
    left = tuple(each for each in operands if not isinstance(each, bool))
    if not left:
        return not decides
    return left[0] if len(left) == 1 else kind(left)


def _sql(expression: Expression, numbers: Mapping[str, int], has_tag: str) -> tuple[str, list[int]]:
    if isinstance(expression, HasTag):
        return has_tag, [numbers[expression.tag]]
    if isinstance(expression, Not):
        text, values = _sql(expression.operand, numbers, has_tag)
        return f"NOT {text}", values
    word = " AND " if isinstance(expression, And) else " OR "
    parts = [_sql(operand, numbers, has_tag) for operand in expression.operands]
    return f"({word.join(text for text, _ in parts)})", [value for _, values in parts for value in values]
