"""Where the Displays draw, and what they say without matplotlib."""

from __future__ import annotations

from typing import Any

import numpy as np


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


def whole_steps(ax: Any) -> None:
    """Ticks of the time axis at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))


def add_legend(ax: Any, handles: list[Any] | None = None) -> None:
    """A legend above all that is drawn, in as many columns as fit."""
    # Only the layout knows how wide the axes will be.
    ax.get_figure(root=True).draw_without_rendering()
    inside = ax.get_window_extent()
    if handles is None:
        handles = ax.get_legend_handles_labels()[0]
    for n_columns in range(len(handles), 0, -1):
        legend = ax.legend(
            handles=handles,
            loc="upper left",
            ncols=n_columns,
            fontsize="small",
            frameon=False,
            borderaxespad=0.2,
            columnspacing=1.2,
            handlelength=1.6,
        )
        if legend.get_window_extent().width <= inside.width:
            break
    legend.set_in_layout(False)  # axes do not shrink to make room for it
    share = min(legend.get_window_extent().height / inside.height, 0.6)
    top = ax.transAxes.transform((0, 1 / (1 - share)))
    ax.set_ylim(top=ax.transData.inverted().transform(top)[1], auto=ax.get_autoscaley_on())


def with_defaults(given: dict[str, Any] | None, **defaults: Any) -> dict[str, Any]:
    """Keywords for matplotlib: the caller's, under any of their names, win."""
    from matplotlib.cbook import normalize_kwargs
    from matplotlib.lines import Line2D

    return {**defaults, **normalize_kwargs(given or {}, Line2D)}
