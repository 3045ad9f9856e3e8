"""Jobs of a hub: exports and imports of registrations, from and to files in containers."""
