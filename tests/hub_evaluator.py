"""Whether one device is found by a tag expression: what the SQL of the store has to agree with."""

from collections.abc import Collection

from pushgate.hub.tag_expressions.expression import And, Expression, HasTag, Not


def matches(expression: Expression, tags: Collection[str]) -> bool:
    """Whether a device with these tags is found.

    :param tags: in lower case.
    """
    if isinstance(expression, HasTag):
        return expression.tag in tags
    if isinstance(expression, Not):
        return not matches(expression.operand, tags)
    if isinstance(expression, And):
        return all(matches(operand, tags) for operand in expression.operands)
    return any(matches(operand, tags) for operand in expression.operands)
