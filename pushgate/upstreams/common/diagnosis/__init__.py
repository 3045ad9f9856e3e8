"""The checks that the upstreams have in common, for `pushgate doctor`."""
