"""Keys of a terminal as they are pressed, while something is shown on it."""

import os
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

QUIT: Final = frozenset(b"qQ")
"""The keys that end what is shown."""


@implementer(IReadDescriptor)
class Keys:
    """Reads a terminal that gives each key at once; Ctrl-C stays a signal.

    :param descriptor: the terminal.
    :param quit_pressed: called when a key of `QUIT` is.
    """

    def __init__(self, descriptor: int, quit_pressed: Callable[[], None]) -> None:
        self._descriptor, self._quit_pressed = descriptor, quit_pressed

    def fileno(self) -> int:
        return self._descriptor

    def logPrefix(self) -> str:
        return "keys"

    def doRead(self) -> Failure | None:
        pressed = os.read(self._descriptor, 64)
        if QUIT.intersection(pressed):
            self._quit_pressed()
        # A terminal that has gone is read no more; SIGHUP, which comes with that, ends the command.
        return None if pressed else Failure(ConnectionDone())

    def connectionLost(self, reason: Failure) -> None:
        """Nothing to close: the terminal is not ours."""


@contextmanager
def keys(reactor: Any, quit_pressed: Callable[[], None]) -> Iterator[None]:
    """Call `quit_pressed` when the person at the terminal wants to end; nothing where the input is none."""
    if not sys.stdin.isatty():
        yield
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    reader = Keys(descriptor, quit_pressed)
    tty.setcbreak(descriptor)
    reactor.addReader(reader)
    try:
        yield
    finally:
        reactor.removeReader(reader)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
