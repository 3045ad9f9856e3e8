"""Web Push: subscriptions, encryption, the key that authenticates, requests and answers, without I/O.

Sources are RFC 8030 (requests and answers), RFC 8188 and RFC 8291 (encryption), RFC 8292 (VAPID), and what
Mozilla, Google, Apple and Microsoft answer as of 2026; what these leave open is said where it is decided.
"""
