"""Apple's provider API over HTTP/2: requests, answers and what follows from them, without I/O.

Sources are Apple's "Sending notification requests to APNs", "Handling notification responses from APNs" and
"Establishing a token-based connection to APNs", as of 2025; what these leave open is said where it is
decided.
"""
