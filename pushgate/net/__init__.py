"""Plumbing with I/O that inputs, upstreams and sinks share: listeners, TLS, HTTP, AMQP."""
