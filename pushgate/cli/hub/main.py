"""The group of commands about a hub."""

import click

from pushgate.cli.hub.files import export, import_
from pushgate.cli.hub.key import key
from pushgate.cli.hub.queries import cancel, count, details, jobs, sends, tags
from pushgate.cli.hub.registrations import register, show, unregister
from pushgate.cli.hub.send import send


@click.group("hub", short_help="Send to devices by their tags, and keep registrations.")
def command() -> None:
    """Send to devices by their tags, and look after the registrations of a gateway's hub."""


for each in (
    send, details, sends, cancel, count, tags, register, show, unregister, import_, export, jobs, key,
):  # fmt: skip
    command.add_command(each)
