"""Wire formats without I/O: bytes and times in, values out."""
