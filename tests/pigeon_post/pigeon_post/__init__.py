"""A plug-in for pushgate."""
