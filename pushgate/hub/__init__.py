"""A notification hub: devices register with tags, back ends send to tags, each device gets its own format."""
