"""What a gateway's state says about it, for programs that show it: findings, from values alone."""
