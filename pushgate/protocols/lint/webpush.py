"""What is wrong with a message to a browser. It is opaque: only what is surely a mistake is reported."""

from collections.abc import Iterator
from typing import Final

from pushgate.protocols.lint.draft import Draft, flaw_of_term
from pushgate.protocols.lint.flaw import Flaw, Grade
from pushgate.protocols.lint.json_tree import JSONText, Kind, Value, read
from pushgate.protocols.lint.shape import TEXT, Shape, compare, shape
from pushgate.protocols.webpush.rules import is_topic

_DECLARATIVE: Final = Shape(
    "an object",
    frozenset({Kind.OBJECT}),
    fields={
        "web_push": shape("the number 8030", Kind.NUMBER, test=lambda value: value.found == 8030),
        "notification": Shape(
            "an object with title and navigate",
            frozenset({Kind.OBJECT}),
            test=lambda value: {"title", "navigate"} <= value.members.keys(),
            fields={"title": TEXT, "body": TEXT, "navigate": TEXT, "lang": TEXT, "tag": TEXT},
        ),
        "app_badge": shape("a whole number, as number or text", Kind.NUMBER, Kind.TEXT),
    },
)
"""A message that the browser shows by itself: "Declarative Web Push", W3C Push API, section 3.3."""


def flaws(draft: Draft, _: JSONText) -> Iterator[Flaw]:
    """What is wrong with a message."""
    if draft.collapse_id is not None and not is_topic(draft.collapse_id):
        yield flaw_of_term("collapse_id", "it becomes a Topic, which it cannot", "1 to 32 of A-Z a-z 0-9 - _")
    for name, given in (("push_type", draft.push_type), ("topic", draft.topic)):
        if given is not None:
            yield flaw_of_term(name, "Web Push has none", "leave it out")
    text = draft.payload.decode("utf-8", "replace").lstrip()
    if text.startswith(("{", "[")):
        yield from _of_json(read(draft.payload.decode("utf-8", "replace")))


def _of_json(body: JSONText) -> Iterator[Flaw]:
    if body.root is None:
        for each in body.flaws:
            what = f"it begins like JSON; {each.what}: event.data.json() of the page's script fails"
            yield Flaw(Grade.WARNING, each.path, each.line, each.column, what, each.advice)
        return
    yield from body.flaws
    root: Value = body.root
    if {"endpoint", "keys"} <= root.members.keys():
        what = "a subscription: that is the token, not the payload"
        yield body.flaw(Grade.ERROR, root, what, "give the subscription as token, and a message as payload")
    if "web_push" in root.members:
        yield from compare(body, root, _DECLARATIVE)
