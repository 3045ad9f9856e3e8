"""The three kinds of plug-in, and what a factory must be to count as one."""

from typing import Final, NamedTuple

from zope.interface import Interface, Invalid
from zope.interface.verify import verifyObject

from pushgate.plugin.interfaces import IInputFactory, IOutcomeSinkFactory, IUpstreamFactory
from pushgate.plugin.settings import AppTable, InputTable, SinkTable


class Kind(NamedTuple):
    """One kind of plug-in.

    :param word: what people call it.
    :param interface: what its factories provide.
    :param table: what its configuration is derived from.
    """

    word: str
    interface: type[Interface]
    table: type[AppTable] | type[InputTable] | type[SinkTable]


INPUT: Final = Kind("input", IInputFactory, InputTable)
SINK: Final = Kind("sink", IOutcomeSinkFactory, SinkTable)
UPSTREAM: Final = Kind("upstream", IUpstreamFactory, AppTable)
KINDS: Final = (INPUT, SINK, UPSTREAM)


def defect(kind: Kind, factory: object) -> str | None:
    """Why `factory` is not a factory of this kind, in one line; None when it is."""
    try:
        verifyObject(kind.interface, factory)
    except Invalid as error:
        return " ".join(str(error).split())
    config = factory.config  # type: ignore[attr-defined]  # verified above
    if not (isinstance(config, type) and issubclass(config, kind.table)):
        return f"its config must be a class derived from pushgate.plugin.settings.{kind.table.__name__}"
    return None
