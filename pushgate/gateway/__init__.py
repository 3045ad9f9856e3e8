"""Accepts notifications, queues them, tracks their outcomes, and reports these to the sinks."""
