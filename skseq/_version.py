"""The version, alone, so that any file of the package can name it."""

__version__ = "0.1.0"
