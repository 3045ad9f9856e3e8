"""Microsoft Push Notification Service of Windows Phone: requests, answers and what follows, without I/O.

The sources are Microsoft's "Sending push notifications" and "Push Notification Service response codes" for
Windows Phone 8. A device's address is its channel URI, with ``http`` unless the app has a certificate.
"""
