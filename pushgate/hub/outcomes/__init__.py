"""What became of the notifications of a hub: counts, feedback, and devices that are gone."""
