"""The network: torch alone, usable without the rest."""
