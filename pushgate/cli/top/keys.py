"""Reading single keys from a terminal."""

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
"""The keys that end the command."""


@implementer(IReadDescriptor)
class Keys:
    """Reads a terminal in cbreak mode, in which Ctrl-C is still a signal.

    :param descriptor: the file descriptor of the terminal.
    :param quit_pressed: called when a key of `QUIT` is pressed.
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
        # Stop reading at the end of the input. The SIGHUP that follows ends the command.
        return None if pressed else Failure(ConnectionDone())

    def connectionLost(self, reason: Failure) -> None:
        """Do nothing: the terminal stays open."""


@contextmanager
def keys(reactor: Any, quit_pressed: Callable[[], None]) -> Iterator[None]:
    """Call `quit_pressed` for a key of `QUIT`, if the standard input is a terminal."""
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
