"""Shared by several inputs: connections, sessions, batching, back-pressure."""
