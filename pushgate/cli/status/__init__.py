"""``pushgate status``: how a gateway is doing, on one screen."""

from pushgate.cli.status.main import command

__all__ = ["command"]
