"""The plug-ins pushgate comes with. Declarations only: whoever looks for plug-ins imports this."""

from pushgate.lazy import LazyInput, LazySink, LazyUpstream

amp = LazyInput("amp", "AMP: the binary RPC of Twisted programs", "pushgate.inputs.amp:factory")

log = LazySink("log", "outcomes as events of twisted.logger", "pushgate.sinks.log:factory")
jsonl = LazySink("jsonl", "outcomes into a file, one JSON object a line", "pushgate.sinks.jsonl:factory")
metrics = LazySink(
    "metrics", "counts, in Prometheus' text format over HTTP", "pushgate.sinks.metrics:factory"
)

apns_stream = LazyUpstream(
    "apns-stream",
    "APNs' binary stream, with its feedback service",
    "pushgate.upstreams.apns_stream:factory",
)
simulator = LazyUpstream(
    "simulator",
    "a simulator of the push service in this process, over TLS with throw-away certificates",
    "pushgate.upstreams.simulated:factory",
)
