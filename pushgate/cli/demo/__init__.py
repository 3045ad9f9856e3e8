"""``pushgate demo``: a gateway, a faulty push service, 20,000 notifications, and the count afterwards."""

from pushgate.cli.demo.main import command

__all__ = ["command"]
