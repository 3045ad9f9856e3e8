"""The three kinds of plug-in."""

from typing import Final, NamedTuple

from zope.interface import Interface

from pushgate.plugin.interfaces import IInputFactory, IOutcomeSinkFactory, IUpstreamFactory
from pushgate.plugin.settings import AppTable, InputTable, SinkTable


class Kind(NamedTuple):
    """One kind of plug-in.

    :param word: what messages call it.
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
