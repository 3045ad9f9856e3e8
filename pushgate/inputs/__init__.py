"""Inputs: each takes notifications in one protocol and submits them to the gateway."""
