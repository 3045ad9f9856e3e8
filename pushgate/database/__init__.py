"""Databases in which parts of the gateway keep what they know: the contract, SQLite, migrations."""
