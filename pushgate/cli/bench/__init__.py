"""``pushgate bench``: how fast a gateway takes notifications, and how fast they have their outcomes."""

from pushgate.cli.bench.main import command

__all__ = ["command"]
