"""The devices that one page of a search looks at."""

from typing import Any

import msgspec

from pushgate.database.interface import Session
from pushgate.hub.store import many_rows, tags
from pushgate.hub.store.expression_sql import ALL, Condition, condition, tags_of, values_of
from pushgate.hub.tag_expressions.expression import Expression
from pushgate.hub.tag_expressions.required import required_tags
from pushgate.model.hub.platform import Platform

_COUNTED = 20_000
"""A tag that more registrations have is as good as any other such."""

_TAGGED = "SELECT DISTINCT device FROM registration_tag WHERE tag = ? AND device > ? ORDER BY device LIMIT ?"


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """Which registrations are looked for.

    :param platform: None: of any.
    :param template: those with a template, or the native ones.
    """

    condition: Condition
    platform: Platform | None
    template: bool

    @property
    def own(self) -> tuple[str, list[Any]]:
        """The conditions on the registration's own columns."""
        if self.platform is None:
            return "registration.template = ?", [int(self.template)]
        return "registration.platform = ? AND registration.template = ?", [
            str(self.platform),
            int(self.template),
        ]


def search(
    session: Session, expression: Expression | None, platform: Platform | None, template: bool
) -> Search:
    """A search for what an expression finds; None finds all."""
    found = ALL if expression is None else compiled(session, expression)
    return Search(condition=found, platform=platform, template=template)


def compiled(session: Session, expression: Expression) -> Condition:
    """An expression as a condition, driven by the tags that fewest registrations have."""
    numbers = tags.find(session, tags_of(expression))
    costs: dict[str, float] = {}

    def cost(tag: str) -> float:
        if tag not in costs:
            counted = "SELECT COUNT(*) FROM (SELECT 1 FROM registration_tag WHERE tag = ? LIMIT ?) AS counted"
            costs[tag] = session.execute(counted, (numbers[tag], _COUNTED))[0][0]
        return costs[tag]

    return condition(expression, numbers, cost if _has_choice(expression) else None)


def last_of_page(session: Session, wanted: Search, after: int, limit: int) -> tuple[int, bool]:
    """The last of so many devices behind one, `after` when there is none, and whether others may follow."""
    driver = wanted.condition.driver
    if driver is None:
        own, values = wanted.own
        statement = (
            f"SELECT DISTINCT device FROM registration WHERE {own} AND device > ? ORDER BY device LIMIT ?"
        )
        values += [after, limit]
    elif not driver:
        return after, False
    else:
        each = " UNION ".join(
            f"SELECT device FROM ({_TAGGED}) AS tag{number}" for number in range(len(driver))
        )
        statement = f"SELECT device FROM ({each}) AS every ORDER BY device LIMIT ?"
        values = [value for tag in driver for value in (tag, after, limit)] + [limit]
    last, number = session.execute(f"SELECT MAX(device), COUNT(*) FROM ({statement}) AS page", values)[0]
    return (after, False) if last is None else (last, number == limit)


def matching(session: Session, wanted: Search, after: int, end: int) -> tuple[str, list[Any]]:
    """``FROM … WHERE …`` of what is looked for, of the devices behind one and up to another."""
    own, values = wanted.own
    tables, driver = "registration", wanted.condition.driver
    conditions = [own, "(registration.expires_at IS NULL OR registration.expires_at > ?)"]
    values.append(session.now())
    if not driver:
        conditions.append("registration.device > ? AND registration.device <= ?")
        values += [after, end]
        before: list[Any] = []
    else:
        # CROSS: SQLite goes through the tags first. DISTINCT: a registration may have several of them.
        tables = (
            "(SELECT DISTINCT device, registration FROM registration_tag WHERE"
            f" tag IN ({many_rows.marks(len(driver))}) AND device > ? AND device <= ?) AS driver"
            " CROSS JOIN registration"
        )
        before = [*driver, after, end]
        conditions.insert(0, "registration.number = driver.registration")
    conditions.append(wanted.condition.text)
    values += values_of(wanted.condition, after, end)
    return f"FROM {tables} WHERE {' AND '.join(conditions)}", [*before, *values]


def _has_choice(expression: Expression) -> bool:
    """Whether it is worth counting: other costs could give another driver."""
    needed = required_tags(expression)
    return needed is not None and needed != tags_of(expression)
