"""``pushgate doctor``: what is wrong with a configuration, its files, and the services that it names."""

from pushgate.cli.doctor.main import command

__all__ = ["command"]
