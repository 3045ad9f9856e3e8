"""The plug-ins that pushgate comes with; lazy, because every look for plug-ins imports this."""

from pushgate.plugin.factories import LazyInput, LazySink, LazyUpstream

amp = LazyInput("amp", "AMP: the binary RPC of Twisted programs", "pushgate.inputs.amp:plug_in")
http = LazyInput("http", "JSON over HTTP/1.1 and HTTP/2", "pushgate.inputs.http:plug_in")
line = LazyInput("line", "one command a line, text or JSON", "pushgate.inputs.line:plug_in")
apns = LazyInput("apns", "Apple's binary protocol and feedback", "pushgate.inputs.apns_binary:plug_in")
apns_http2_input = LazyInput(
    "apns-http2", "Apple's provider API over HTTP/2", "pushgate.inputs.apns_http2:plug_in"
)
hub = LazyInput("hub", "notification hubs: registrations and sends by tags", "pushgate.inputs.hub:plug_in")
rest_injector = LazyInput(
    "rest-injector", "Momentum's REST injection of MCMT messages", "pushgate.inputs.rest_injector:plug_in"
)
smtp = LazyInput("smtp", "Momentum's MCMT messages by e-mail", "pushgate.inputs.smtp:plug_in")
amqp = LazyInput("amqp", "a RabbitMQ queue", "pushgate.inputs.amqp:plug_in", needs="pika>=1.3.2,<2")

log = LazySink("log", "outcomes summed up in the log", "pushgate.sinks.log:plug_in")
jsonl = LazySink("jsonl", "outcome records in a file, a line each", "pushgate.sinks.jsonl:plug_in")
apn_logger = LazySink(
    "apn_logger", "a line a notification, as Momentum's apn_logger", "pushgate.sinks.apn_logger:plug_in"
)
metrics = LazySink("metrics", "Prometheus, on a port of its own", "pushgate.sinks.metrics:plug_in")
ledger = LazySink("ledger", "outcomes kept for days, for Trace", "pushgate.sinks.ledger:plug_in")
webhook = LazySink("webhook", "outcome records in signed POSTs", "pushgate.sinks.webhook:plug_in")
amqp_sink = LazySink(
    "amqp", "records to a RabbitMQ exchange", "pushgate.sinks.amqp:plug_in", needs="pika>=1.3.2,<2"
)

apns_stream = LazyUpstream(
    "apns-stream", "Apple's binary protocol and feedback", "pushgate.upstreams.apns_binary:plug_in"
)
apns_http2 = LazyUpstream(
    "apns-http2", "Apple's provider API over HTTP/2", "pushgate.upstreams.apns_http2:plug_in"
)
fcm = LazyUpstream("fcm", "Firebase Cloud Messaging", "pushgate.upstreams.fcm:plug_in")
webpush = LazyUpstream("webpush", "Web Push, to browsers", "pushgate.upstreams.webpush:plug_in")
wns = LazyUpstream("wns", "Windows Push Notification Services", "pushgate.upstreams.wns:plug_in")
adm = LazyUpstream("adm", "Amazon Device Messaging", "pushgate.upstreams.adm:plug_in")
hms = LazyUpstream("hms", "Huawei's Push Kit", "pushgate.upstreams.hms:plug_in")
baidu = LazyUpstream("baidu", "Baidu Cloud Push", "pushgate.upstreams.baidu:plug_in")
mpns = LazyUpstream("mpns", "Windows Phone's push service", "pushgate.upstreams.mpns:plug_in")
xiaomi = LazyUpstream("xiaomi", "Xiaomi's Mi Push", "pushgate.upstreams.xiaomi:plug_in")
simulator = LazyUpstream("simulator", "a push service inside", "pushgate.upstreams.simulator:plug_in")
