"""Sequences as data: read, checked, written. It knows numpy, and no network."""
