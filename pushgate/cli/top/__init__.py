"""``pushgate top``: the activity of a gateway, continuously."""

from pushgate.cli.top.main import command

__all__ = ["command"]
