"""Real data that comes with the package."""

from ._load import load_japanese_vowels

__all__ = ["load_japanese_vowels"]
