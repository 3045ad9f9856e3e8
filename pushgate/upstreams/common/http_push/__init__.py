"""Sending over HTTP: what the upstreams of all push services with an HTTP interface share."""
