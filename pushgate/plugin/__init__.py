"""What a plug-in is written with."""
