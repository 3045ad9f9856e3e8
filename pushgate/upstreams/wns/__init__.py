"""The Windows Push Notification Services, on Twisted."""

from pushgate.upstreams.wns.diagnosis import diagnose
from pushgate.upstreams.wns.settings import WnsTable
from pushgate.upstreams.wns.upstream import WnsUpstream

plug_in = WnsTable, WnsUpstream, diagnose
