"""The APNs binary provider protocol, without I/O: bytes and times in, bytes and events out.

Source of the wire facts: Apple's archived Local and Remote Notification Programming Guide (TP40008194,
Binary Provider API, Legacy Notification Format) and Technical Note TN2265.
"""
