"""Sinks: each tells the outcomes to one kind of listener."""
