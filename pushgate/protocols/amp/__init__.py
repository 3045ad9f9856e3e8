"""AMP: the commands of the gateway and the boxes they travel in."""
