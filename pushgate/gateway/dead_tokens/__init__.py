"""The device tokens of each app that are known to be dead."""
