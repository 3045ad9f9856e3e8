"""The values that travel through the gateway. Pure: no twisted, no clock, no randomness."""
