"""Error boundaries for the start of plug-ins: an exception becomes one line with the plug-in's name."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from twisted.internet.defer import CancelledError
from twisted.logger import Logger
from zope.interface import Interface, Invalid
from zope.interface.verify import verifyObject

from pushgate.model.errors import CannotStart, reason

_T = TypeVar("_T")
_log = Logger()


@contextmanager
def error_boundary(what: str) -> Iterator[None]:
    """Turn what a plug-in raises into a `CannotStart` that names it, where nothing can go on without it.

    :param what: the plug-in and the step: ``"inputs.drop: its start"``.
    """
    try:
        yield
    except (CannotStart, CancelledError):
        raise
    except (Exception, SystemExit) as error:
        _log.failure("{what} raised", what=what)  # the traceback, which the one line does not have
        raise CannotStart([f"{what} raised {reason(error)}"]) from error


def checked(part: _T, interface: type[Interface], what: str) -> _T:
    """Return what a factory made.

    :raises CannotStart: it does not provide `interface`.
    """
    try:
        verifyObject(interface, part)
    except Invalid as error:
        raise CannotStart([f"{what} made something else: {' '.join(str(error).split())}"]) from None
    return part
