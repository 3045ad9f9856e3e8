"""Imports and exports of registrations, in files."""
