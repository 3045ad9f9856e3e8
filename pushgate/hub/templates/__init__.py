"""Templates: what a notification looks like on one device. Pure."""
