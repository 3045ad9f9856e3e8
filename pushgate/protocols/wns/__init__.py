"""Windows Push Notification Services: requests, answers and what follows from them, without I/O.

The source is Microsoft's "Push notification service request and response headers". WNS speaks HTTP/1.1 only,
and takes no chunked bodies. A device's address is its channel URI, whose host differs between channels.
"""
