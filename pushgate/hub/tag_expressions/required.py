"""Tags of which every device that an expression finds has at least one.

With them the store need not look at all devices: it goes through those of a few tags in an index, and
checks the whole expression on these alone.
"""

from collections.abc import Callable, Iterable

from pushgate.hub.tag_expressions.expression import And, Expression, HasTag, Not


def _one(_tag: str) -> float:
    return 1.0


def required_tags(expression: Expression, cost: Callable[[str], float] = _one) -> frozenset[str] | None:
    """Return the cheapest such set that the form of the expression shows; None: there is none.

    ``a && b`` has {a} and {b}, ``a || b`` has {a, b}, ``a || !b`` has none.

    :param cost: of one tag, such as how many devices have it; without it the smallest set is the cheapest.
    """
    return _required(expression, negated=False, cost=cost)


def _required(expression: Expression, negated: bool, cost: Callable[[str], float]) -> frozenset[str] | None:
    """Like `required_tags`, of the negation of an expression if `negated`: by De Morgan's laws."""
    if isinstance(expression, HasTag):
        return None if negated else frozenset({expression.tag})
    if isinstance(expression, Not):
        return _required(expression.operand, not negated, cost)
    sets = [_required(operand, negated, cost) for operand in expression.operands]
    if isinstance(expression, And) is not negated:  # all of the operands hold: the set of any one will do
        return min((each for each in sets if each is not None), key=_total(cost), default=None)
    return _union(sets)


def _total(cost: Callable[[str], float]) -> Callable[[frozenset[str]], float]:
    return lambda tags: sum(cost(tag) for tag in tags)


def _union(sets: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    """All tags of all sets; None if one of these is None: what it stands for has no required tag."""
    total: frozenset[str] = frozenset()
    for each in sets:
        if each is None:
            return None
        total |= each
    return total
