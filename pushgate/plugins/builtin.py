"""The plug-ins that pushgate comes with; lazy, because every look for plug-ins imports this."""

from pushgate.plugin.factories import LazyInput, LazySink, LazyUpstream

amp = LazyInput("amp", "AMP: the binary RPC of Twisted programs", "pushgate.inputs.amp:plug_in")
http = LazyInput("http", "JSON over HTTP/1.1 and HTTP/2", "pushgate.inputs.http:plug_in")
line = LazyInput(
    "line", "one command a line, text or JSON: nc and a shell are enough", "pushgate.inputs.line:plug_in"
)
apns = LazyInput(
    "apns",
    "Apple's binary provider protocol and feedback, for programs that speak it",
    "pushgate.inputs.apns_binary:plug_in",
)

amqp = LazyInput(
    "amqp",
    "messages of a RabbitMQ queue, any number of gateways on one",
    "pushgate.inputs.amqp:plug_in",
    needs="pika>=1.3.2,<2",
)

log = LazySink(
    "log",
    "outcomes summed up in the log, one line for each app, state and reason",
    "pushgate.sinks.log:plug_in",
)
jsonl = LazySink(
    "jsonl",
    "outcome records in a file, one JSON object a line; reopened on SIGHUP",
    "pushgate.sinks.jsonl:plug_in",
)
metrics = LazySink(
    "metrics", "counts and states for Prometheus, on a port of its own", "pushgate.sinks.metrics:plug_in"
)
ledger = LazySink(
    "ledger",
    "outcomes kept for days in state_dir, for Status and Trace to answer from",
    "pushgate.sinks.ledger:plug_in",
)
webhook = LazySink(
    "webhook",
    "outcome records in signed POST requests, repeated until they are taken",
    "pushgate.sinks.webhook:plug_in",
)

amqp_sink = LazySink(
    "amqp",
    "outcome records to a RabbitMQ exchange, confirmed",
    "pushgate.sinks.amqp:plug_in",
    needs="pika>=1.3.2,<2",
)

apns_stream = LazyUpstream(
    "apns-stream",
    "Apple's binary provider protocol (port 2195) with its feedback service (2196)",
    "pushgate.upstreams.apns_binary:plug_in",
)
simulator = LazyUpstream(
    "simulator",
    "a push service inside the gateway, for trying things out",
    "pushgate.upstreams.simulator:plug_in",
)
