"""Firebase Cloud Messaging, the HTTP v1 API: requests, answers and the service account, without I/O.

Sources are Google's reference of ``projects.messages`` and of ``FcmError``, "Send a message using FCM HTTP v1
API" and "Using OAuth 2.0 for server to server applications", as of 2026; what these leave open is said where
it is decided.
"""
