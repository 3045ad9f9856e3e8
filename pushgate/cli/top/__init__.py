"""``pushgate top``: what a gateway does, as it does it."""

from pushgate.cli.top.main import command

__all__ = ["command"]
