"""Warnings that point at the caller's line."""

from __future__ import annotations

import os
import sys
import warnings

import sklearn

# scikit-learn wraps `fit`, so its frames stand between the caller and this package.
PASSED_OVER = tuple(
    os.path.dirname(str(file)) + os.sep for file in (__file__, sklearn.__file__)
)


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn of what the caller did, wherever in the package it was noticed."""
    level = 2
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PASSED_OVER):
        frame = frame.f_back
        level += 1
    warnings.warn(message, category, stacklevel=level)
