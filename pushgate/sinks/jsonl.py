"""The JSONL sink: one outcome record a line, in a file that may be rotated."""

from functools import partial

from pushgate.model.outcome_record import ndjson
from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway
from pushgate.plugin.settings import FilePath, SinkTable
from pushgate.sinks.common.diagnosis import diagnose_file
from pushgate.sinks.common.file_sink import FileSink


class JSONLTable(SinkTable):
    """The JSONL sink's configuration.

    :param path: the file; its directory must exist. A relative path is one from the working directory.
    """

    path: FilePath


def _sink(name: str, config: JSONLTable, _: IGateway, context: Context) -> FileSink:
    return FileSink(name, config.path.absolute(), partial(ndjson, tokens=config.tokens), context.reactor)


plug_in = JSONLTable, _sink, diagnose_file
