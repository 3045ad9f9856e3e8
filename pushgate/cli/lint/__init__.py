"""``pushgate lint``."""

from pushgate.cli.lint.main import command

__all__ = ["command"]
