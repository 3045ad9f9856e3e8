"""Benchmarks and audits: each program prints its figures."""
