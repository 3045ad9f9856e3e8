"""Upstreams: each speaks to one kind of push service."""
