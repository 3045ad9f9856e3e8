"""``pushgate status``: the state of a gateway on one screen."""

from pushgate.cli.status.main import command

__all__ = ["command"]
