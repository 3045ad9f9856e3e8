"""The configured apps: their queues, their upstreams, and how these are replaced while the gateway runs."""
