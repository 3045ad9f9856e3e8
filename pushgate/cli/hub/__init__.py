"""``pushgate hub``: sends by tags, what became of them, and registrations."""

from pushgate.cli.hub.main import command

__all__ = ["command"]
