"""Doors: each takes notifications in one protocol and hands them to the gateway."""
