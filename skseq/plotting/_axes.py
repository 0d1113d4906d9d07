"""Where the Displays draw, and what they say without matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def check_matplotlib(caller: str) -> None:
    """Raise before any work is done if nothing can be drawn."""
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f'{caller} needs matplotlib. Install it with: pip install "skseq[plot]"'
        ) from error


def new_axes(n_rows: int = 1, figsize: tuple[float, float] | None = None) -> np.ndarray:
    """Axes one above another in a new figure, with time in common, shape (n_rows,)."""
    import matplotlib.pyplot as plt

    _, grid = plt.subplots(
        n_rows, 1, sharex=True, squeeze=False, figsize=figsize, layout="constrained"
    )
    return grid[:, 0]


def whole_steps(ax: Axes) -> None:
    """Ticks of the time axis at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True))


def with_defaults(given: dict[str, Any] | None, **defaults: Any) -> dict[str, Any]:
    """Keywords for matplotlib: the caller's, under any of their names, win."""
    from matplotlib.cbook import normalize_kwargs
    from matplotlib.lines import Line2D

    return {**defaults, **normalize_kwargs(given or {}, Line2D)}
