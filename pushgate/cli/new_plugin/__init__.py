"""``pushgate new-plugin``."""

from pushgate.cli.new_plugin.main import command

__all__ = ["command"]
