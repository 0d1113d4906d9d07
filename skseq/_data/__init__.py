"""Sequences as data: read, checked, written. No network is known here."""
