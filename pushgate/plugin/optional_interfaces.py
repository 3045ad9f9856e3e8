"""Interfaces that plug-ins of more than one kind may provide."""

from collections.abc import Callable

from zope.interface import Interface


class IReadsFiles(Interface):
    """Optional for inputs and sinks: they use the `files` of their table, which may be renewed."""

    def read_files() -> Callable[[], None]:
        """Read the files again, at a reload that finds one of them changed.

        Returns what has them used from now on; until it is called the old ones are. Raises `CannotStart` when
        one of them cannot be used: then the reload is refused.
        """


class IAddressed(Interface):
    """Optional for sinks and upstreams: they have addresses, for the list at the start."""

    def addresses() -> list[str]:
        """The addresses, once it is started: ``["http://127.0.0.1:7217/metrics"]``."""
