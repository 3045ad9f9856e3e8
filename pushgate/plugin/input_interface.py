"""Inputs. Everything runs in the reactor's thread."""

from twisted.internet.defer import Deferred
from zope.interface import Interface


class IInput(Interface):
    """Receives notifications. Provided by input plug-ins, called when the gateway starts and stops."""

    def start() -> "Deferred[None]":
        """Begin listening; fires when it does, fails when it cannot."""

    def stop() -> "Deferred[None]":
        """Take nothing new, answer the submissions under way, close."""

    def addresses() -> list[str]:
        """The addresses on which it listens, for operators: ``["tcp 127.0.0.1:7215"]``."""
