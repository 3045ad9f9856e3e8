"""Outcomes: recorded once, kept in the spool, and fed to each sink until it has taken them."""
