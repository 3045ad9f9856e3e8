"""Managed devices: their enrolments are kept, and they are woken until they call their MDM server."""
