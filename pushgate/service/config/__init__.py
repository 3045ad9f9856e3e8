"""The configuration file: reading it, and comparing two of them."""
