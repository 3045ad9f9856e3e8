"""Amazon Device Messaging: requests, answers and what follows from them, without I/O.

The source is Amazon's "Send a message" of ADM's documentation. A device's address is its registration id,
which the service may answer with another one.
"""
