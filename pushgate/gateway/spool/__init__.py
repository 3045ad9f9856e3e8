"""Spools: where accepted notifications are kept until they are settled."""
