"""The twistd plug-ins of pushgate: declarations only, the work is done in pushgate.service.tap."""

from twisted.application.service import ServiceMaker

pushgate = ServiceMaker(
    "pushgate", "pushgate.service.tap", "A push gateway: notifications in, honest outcomes back.", "pushgate"
)
pushgate_simulator = ServiceMaker(
    "pushgate-simulator",
    "pushgate.simulator.tap",
    "The push service's side, scriptable: for tests and trials of pushgate.",
    "pushgate-simulator",
)
