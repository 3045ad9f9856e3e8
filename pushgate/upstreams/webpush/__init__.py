"""Web Push (RFC 8030, 8291, 8292), on Twisted."""

from pushgate.upstreams.webpush.diagnosis import diagnose
from pushgate.upstreams.webpush.settings import WebPushTable
from pushgate.upstreams.webpush.upstream import WebPushUpstream

plug_in = WebPushTable, WebPushUpstream, diagnose
