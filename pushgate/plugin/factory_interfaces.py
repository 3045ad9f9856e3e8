"""The factories of plug-ins: what a module of plug-ins has at its top level."""

from zope.interface import Attribute, Interface

from pushgate.plugin.context import Context
from pushgate.plugin.gateway_interface import IGateway
from pushgate.plugin.input_interface import IInput
from pushgate.plugin.settings import AppTable, InputTable, SinkTable
from pushgate.plugin.sink_interface import IOutcomeSink
from pushgate.plugin.upstream_interface import IUpstream, IWork


class IPlugInFactory(Interface):
    """The attributes of all three kinds of plug-in factory."""

    name = Attribute("Its name in the configuration: the value of `type`, or of an app's `upstream`.")
    description = Attribute("One line for `pushgate plugins`.")
    config = Attribute(
        "Its table in the configuration: a class derived from `InputTable`, `SinkTable` or `AppTable`."
    )


class IInputFactory(IPlugInFactory):
    """Makes inputs."""

    def input(name: str, config: InputTable, gateway: IGateway, context: Context) -> IInput:
        """An input called `name`, not yet listening. Raises `CannotStart` when its configuration is wrong."""


class IOutcomeSinkFactory(IPlugInFactory):
    """Makes sinks."""

    def sink(name: str, config: SinkTable, gateway: IGateway, context: Context) -> IOutcomeSink:
        """A sink called `name`, not yet open. Raises `CannotStart` when its configuration is wrong."""


class IUpstreamFactory(IPlugInFactory):
    """Makes upstreams."""

    rules = Attribute(
        "The `NotificationRules` of the push service: targets, push types, priorities, payloads."
    )

    def upstream(app: str, config: AppTable, work: IWork, context: Context) -> IUpstream:
        """An upstream for `app`, not yet started. Raises `CannotStart` when its configuration is wrong."""
