"""The configuration of the REST injector."""

from pydantic import Field

from pushgate.inputs.common.http_settings import HTTPServerTable
from pushgate.inputs.common.momentum import MomentumTable
from pushgate.model.notification import MAX_BATCH
from pushgate.plugin.settings import ServerEndpoint


class RestInjectorTable(MomentumTable, HTTPServerTable):
    """The keys of a REST injector.

    :param max_body: bytes of a body at most.
    :param max_recipients: recipients of one request at most.
    """

    listen: ServerEndpoint = "tcp:8081:interface=127.0.0.1"
    max_body: int = Field(default=4 << 20, ge=1)
    max_recipients: int = Field(default=10_000, ge=1, le=MAX_BATCH)
