"""Installations over REST."""

from pushgate.inputs.hub.route import Route

ROUTES: tuple[Route, ...] = ()
