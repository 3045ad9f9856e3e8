"""What a gateway's state says about it, for those who show it: findings, from values alone."""
