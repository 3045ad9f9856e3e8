"""The process: configuration, start, stop, reload."""
