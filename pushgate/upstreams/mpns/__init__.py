"""The Microsoft Push Notification Service of Windows Phone, on Twisted."""

from pushgate.upstreams.mpns.diagnosis import diagnose
from pushgate.upstreams.mpns.settings import MpnsTable
from pushgate.upstreams.mpns.upstream import mpns_upstream

plug_in = MpnsTable, mpns_upstream, diagnose
