"""What waits of one app: order, rates, limits, and the checks before a notification is written."""
