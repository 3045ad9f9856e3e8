"""What several inputs share: connections, sessions, batching, back-pressure."""
