"""A tag expression as a tree."""

import msgspec


class HasTag(msgspec.Struct, frozen=True):
    """The device has this tag.

    :param tag: in lower case: tags are compared without regard to case.
    """

    tag: str


class Not(msgspec.Struct, frozen=True):
    """The device is not one that `operand` finds."""

    operand: "Expression"


class And(msgspec.Struct, frozen=True):
    """All of at least two operands find the device."""

    operands: "tuple[Expression, ...]"


class Or(msgspec.Struct, frozen=True):
    """Any of at least two operands finds the device."""

    operands: "tuple[Expression, ...]"


Expression = HasTag | Not | And | Or
