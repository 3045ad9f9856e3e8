"""Tag expressions: which devices a send goes to. Pure."""
