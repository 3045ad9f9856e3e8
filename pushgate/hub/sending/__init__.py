"""From a send to its targets, page by page, and back with their outcomes."""
