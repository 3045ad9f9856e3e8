"""What is examined: a configuration, as far as it can be read."""

from pathlib import Path

from pushgate.cli.gateway_address import GatewayAddress
from pushgate.model.errors import CannotStart
from pushgate.plugin.config_errors import read_toml
from pushgate.service.config.embedded_default import embedded_default
from pushgate.service.config.reader import Config, GatewayTable, plug_ins_for, readable_part
from pushgate.service.plugin_registry import Registry


class Examinee:
    """The tables of a configuration that have no fault, and the faults of the others.

    :param file: None: what a gateway that is started without one has.
    :param app: the only app to examine; None: all, with inputs, sinks and hubs.
    :param to: the running gateway, with "" for the address that follows from the configuration.
    :ivar faults: one line each.
    :ivar is_read: the file could be read, whatever is in it.
    """

    def __init__(
        self, file: Path | None, directories: tuple[Path, ...], app: str | None, to: GatewayAddress
    ) -> None:
        self.file, self.app, self.to = file, app, to
        self.is_read = True
        self.registry = Registry({}, [])
        self.config, self.faults = Config(GatewayTable(), {}, {}, {}), list[str]()
        try:
            self.registry = plug_ins_for(file, directories)
            self._read()
        except CannotStart as error:
            self.is_read, self.faults = False, error.faults

    def _read(self) -> None:
        if self.file is None:
            self.config = embedded_default(self.registry)
        else:
            tree = read_toml(self.file)
            self.config, self.faults = readable_part(tree, str(self.file), self.registry)
