"""Where a hub keeps what it knows: SQLite for one gateway, PostgreSQL for several."""
