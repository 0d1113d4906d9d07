"""A few sequences, what is said of them, and the time steps that decide it.

Axes: n sequences, t steps of the longest, c channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._data.checks import check_rows_match
from .._data.containers import as_sequences
from .._data.sequences import SequenceArray, check_steps, stacked_steps
from .._sklearn import _safe_indexing
from ..inspection import step_importance
from ._axes import add_legend, check_matplotlib, new_axes, whole_steps, with_defaults

SHOWN = 4  # sequences, if nobody says which
MANY_CHANNELS = 7  # with more, nobody can tell their colours apart
# Okabe & Ito (2008), but for those that vanish on the shading.
COLOURS = ["#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9"]
BAND = 0.38  # half of a row's height, out of 0.5


class SequenceDisplay:
    """Sequences in rows, shaded where a time step matters to the prediction.

    Use `from_estimator` or `from_predictions` to make one. Purple steps speak for
    what is predicted, orange ones against it; the darker, the more. Each row stands
    for a sequence: numbers are lines, each channel from its lowest value to its
    highest in all rows; symbols are written out. Wrong labels are bold.

    Parameters
    ----------
    sequences : SequenceArray
    y_true, y_pred : ndarray of shape (n_sequences,) or (n_sequences, n_outputs), \
or None, default=None
        What is true and what is predicted of each.
    importance : SequenceArray or None, default=None
        One number for each step, as `skseq.inspection.step_importance` gives.
    rows : ndarray of shape (n_sequences,) or None, default=None
        Names of the sequences where there is nothing else to say of them.
    feature_names : sequence of str or None, default=None
        Names of the channels.
    importance_name : str, default="importance"
        Label of the colour bar.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    mesh_ : matplotlib QuadMesh or None
        The shading, a row for each sequence; masked behind its end.
    colorbar_ : matplotlib Colorbar or None
    lines_ : list of list of matplotlib Line2D
        For each sequence, its channels.
    texts_ : list of list of matplotlib Text
        For each sequence, its symbols.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skseq import LSTMSequenceClassifier
    >>> from skseq.datasets import make_trigger_action_sequences
    >>> from skseq.plotting import SequenceDisplay
    >>> X, y = make_trigger_action_sequences(100, (10, 20), random_state=0)
    >>> model = LSTMSequenceClassifier(hidden_size=4, max_epochs=3, random_state=0)
    >>> display = SequenceDisplay.from_estimator(model.fit(X, y), X, y, rows=[0, 5])
    >>> display.importance.lengths.tolist() == X[[0, 5]].lengths.tolist()
    True
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        sequences: SequenceArray,
        *,
        y_true: np.ndarray | None = None,
        y_pred: np.ndarray | None = None,
        importance: SequenceArray | None = None,
        rows: np.ndarray | None = None,
        feature_names: Sequence[str] | None = None,
        importance_name: str = "importance",
    ) -> None:
        self.sequences = sequences
        self.y_true = y_true
        self.y_pred = y_pred
        self.importance = importance
        self.rows = rows
        self.feature_names = feature_names
        self.importance_name = importance_name

    def plot(
        self,
        ax: Any = None,
        *,
        channels: Sequence[int] | None = None,
        cmap: Any = None,
        colorbar: bool = True,
        line_kw: dict[str, Any] | None = None,
    ) -> SequenceDisplay:
        """Draw the sequences.

        Parameters
        ----------
        ax : matplotlib Axes or None, default=None
            None makes a new figure.
        channels : sequence of int or None, default=None
            Which channels to draw, counted from 0. None draws all.
        cmap : str, matplotlib Colormap or None, default=None
            Colours of the importance; its middle is 0. None is from orange over white
            to purple, which colour-blind people can tell apart.
        colorbar : bool, default=True
        line_kw : dict or None, default=None
            Passed to ``Axes.plot`` for every channel.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there is no such channel.
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        n = len(self.sequences)
        channels = _check_channels(channels, self.sequences.n_channels)
        ax = new_axes(figsize=(8.0, 1.2 + 0.8 * n))[0] if ax is None else ax
        self.ax_, self.figure_ = ax, ax.figure
        self.mesh_ = self.colorbar_ = None
        if self.importance is not None:
            self.mesh_ = self._shade(ax, self.importance, cmap)
            if colorbar:
                self.colorbar_ = self.figure_.colorbar(
                    self.mesh_, ax=ax, label=self.importance_name
                )
        longest = int(self.sequences.lengths.max())
        ax.set(xlabel="time step", xlim=(-0.5, longest - 0.5), ylim=(n - 0.5, -0.5))
        ax.set_yticks(range(n))
        self._label_rows(ax)
        whole_steps(ax)
        self.lines_: list[list[Any]] = []
        self.texts_: list[list[Any]] = []
        if self.sequences.dtype.kind == "U":
            self.texts_ = self._write(ax)
        else:
            self.lines_ = self._draw_lines(ax, channels, line_kw)
        return self

    def _shade(self, ax: Any, importance: SequenceArray, cmap: Any) -> Any:
        n, longest = len(importance), int(importance.lengths.max())
        used = np.arange(longest) < importance.lengths[:, None]
        values = np.ma.masked_all((n, longest))
        values[used] = stacked_steps(importance)[:, 0]
        most = float(np.abs(values).max()) or 1.0
        return ax.pcolormesh(
            np.arange(longest + 1) - 0.5,
            np.arange(n + 1) - 0.5,
            values,
            cmap=_orange_to_purple() if cmap is None else cmap,
            vmin=-most,
            vmax=most,
        )

    def _label_rows(self, ax: Any) -> None:
        ticks = ax.set_yticklabels([self._row_label(i) for i in range(len(self.sequences))])
        for i, tick in enumerate(ticks):
            if self._is_wrong(i):
                tick.set_fontweight("bold")

    def _row_label(self, i: int) -> str:
        said = [("true", self.y_true), ("predicted", self.y_pred)]
        lines = [f"{what}: {_shown(y[i])}" for what, y in said if y is not None]
        row = i if self.rows is None else self.rows[i]
        return "\n".join(lines) or f"sequence {row}"

    def _is_wrong(self, i: int) -> bool:
        if self.y_true is None or self.y_pred is None or self.y_pred.dtype.kind == "f":
            return False
        return not np.array_equal(self.y_true[i], self.y_pred[i])

    def _draw_lines(
        self, ax: Any, channels: list[int], line_kw: dict[str, Any] | None
    ) -> list[list[Any]]:
        names = self.feature_names
        names = [f"channel {i}" if names is None else names[i] for i in channels]
        many = len(channels) > MANY_CHANNELS - 1
        style = "steps-mid" if self.sequences.dtype.kind in "iu" else "default"
        steps = stacked_steps(self.sequences)[:, channels].astype(np.float64)
        low, high = np.nanmin(steps, axis=0), np.nanmax(steps, axis=0)
        height = np.where(high > low, high - low, 1.0)
        lines: list[list[Any]] = []
        for i, sequence in enumerate(self.sequences):
            within = (sequence[:, channels] - low) / height
            drawn = i + BAND * (1 - 2 * within)  # the axis points down
            alone = "." if len(sequence) == 1 else ""
            lines.append([])
            for j, name in enumerate(names):
                looks = with_defaults(
                    line_kw,
                    color="0.25" if many else COLOURS[j],
                    linewidth=0.6 if many else 1.2,
                    marker=alone,
                    drawstyle=style,
                    label=name if i == 0 else "_",
                )
                lines[-1] += ax.plot(drawn[:, j], **looks)
        if len(names) > 1 and not many:
            add_legend(ax, lines[0])
        return lines

    def _write(self, ax: Any) -> list[list[Any]]:
        """Symbols as text, as large as fits into a time step."""
        figure = ax.get_figure(root=True)
        figure.draw_without_rendering()  # only the layout knows how wide axes will be
        points = ax.get_window_extent().width * 72 / figure.dpi
        step = points / int(self.sequences.lengths.max())
        widest = max(len(symbol) for symbol in stacked_steps(self.sequences).ravel())
        size = min(11.0, 1.2 * step / widest)
        return [
            [
                ax.text(t, i, symbol, size=size, ha="center", va="center", clip_on=True)
                for t, symbol in enumerate(sequence.ravel())
            ]
            for i, sequence in enumerate(self.sequences)
        ]

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any = None,
        *,
        rows: Any = None,
        method: str | None = "occlusion",
        target: Any = None,
        response_method: str = "auto",
        baseline: Any = None,
        feature_names: Sequence[str] | None = None,
        ax: Any = None,
        channels: Sequence[int] | None = None,
        cmap: Any = None,
        colorbar: bool = True,
        line_kw: dict[str, Any] | None = None,
    ) -> SequenceDisplay:
        """Predict some sequences, find what decided it, and draw them.

        Parameters
        ----------
        estimator : estimator
            Fitted classifier or regressor of sequences, pipeline or search.
        X : sequences
            Any container that `as_sequences` takes and the estimator was fitted on.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            What is true of them.
        rows : array-like of int, default=None
            Which sequences to draw. None draws the first four.
        method : {"occlusion", "integrated_gradients"} or None, default="occlusion"
            How importance is found, see `skseq.inspection.step_importance`; None
            shades nothing.
        target, response_method, baseline
            See `skseq.inspection.step_importance`.
        feature_names : sequence of str or None, default=None
            Names of the channels.
        ax, channels, cmap, colorbar, line_kw
            See `plot`.

        Returns
        -------
        SequenceDisplay

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If there are no such rows, or lengths differ.
        """
        check_matplotlib(f"{cls.__name__}.from_estimator")
        check_is_fitted(estimator)
        sequences = as_sequences(X)
        check_rows_match(sequences, "X", y=y)
        rows = _check_rows(rows, len(sequences))
        _check_channels(channels, sequences.n_channels)
        _check_names(feature_names, sequences.n_channels)
        chosen = _safe_indexing(X, rows)
        y_pred = np.asarray(estimator.predict(chosen))
        importance = None
        if method is not None:
            importance = step_importance(
                estimator,
                chosen,
                method=method,
                target=target,
                response_method=response_method,
                baseline=baseline,
            )
        return cls._checked(
            sequences[rows],
            y_true=None if y is None else np.asarray(y)[rows],
            y_pred=y_pred,
            importance=importance,
            rows=rows,
            feature_names=feature_names,
            importance_name=f"importance ({method})".replace("_", " "),
        ).plot(ax, channels=channels, cmap=cmap, colorbar=colorbar, line_kw=line_kw)

    @classmethod
    def from_predictions(
        cls,
        X: Any,
        y_true: Any = None,
        y_pred: Any = None,
        *,
        importance: Any = None,
        rows: Any = None,
        feature_names: Sequence[str] | None = None,
        importance_name: str = "importance",
        ax: Any = None,
        channels: Sequence[int] | None = None,
        cmap: Any = None,
        colorbar: bool = True,
        line_kw: dict[str, Any] | None = None,
    ) -> SequenceDisplay:
        """Draw sequences whose predictions and importances there are already.

        Parameters
        ----------
        X : sequences
            Any container that `as_sequences` takes.
        y_true, y_pred : array-like of shape (n_samples,) or (n_samples, n_outputs), \
default=None
            What is true and what is predicted of them.
        importance : sequences, default=None
            One number for each time step of each sequence.
        rows : array-like of int, default=None
            Which sequences to draw. None draws the first four.
        feature_names : sequence of str or None, default=None
            Names of the channels.
        importance_name : str, default="importance"
            Label of the colour bar.
        ax, channels, cmap, colorbar, line_kw
            See `plot`.

        Returns
        -------
        SequenceDisplay

        Raises
        ------
        ValueError
            If there are no such rows, or lengths differ.
        """
        check_matplotlib(f"{cls.__name__}.from_predictions")
        sequences = as_sequences(X)
        if importance is not None:
            importance = as_sequences(importance)
        check_rows_match(
            sequences, "X", y_true=y_true, y_pred=y_pred, importance=importance
        )
        rows = _check_rows(rows, len(sequences))
        _check_names(feature_names, sequences.n_channels)
        y_true, y_pred = (
            None if y is None else np.asarray(y)[rows] for y in (y_true, y_pred)
        )
        return cls._checked(
            sequences[rows],
            y_true=y_true,
            y_pred=y_pred,
            importance=None if importance is None else importance[rows],
            rows=rows,
            feature_names=feature_names,
            importance_name=importance_name,
        ).plot(ax, channels=channels, cmap=cmap, colorbar=colorbar, line_kw=line_kw)

    @classmethod
    def _checked(cls, sequences: SequenceArray, **data: Any) -> SequenceDisplay:
        check_steps(sequences, "X", finite=False)
        importance = data["importance"]
        if importance is not None:
            if importance.n_channels != 1:
                raise ValueError(
                    "importance must be one number for each time step, but it has "
                    f"{importance.n_channels} channels; pick or sum them first."
                )
            differ = importance.lengths != sequences.lengths
            if differ.any():
                i = int(differ.argmax())
                raise ValueError(
                    f"importance has {importance.lengths[i]} steps for sequence "
                    f"{data['rows'][i]}, which has {sequences.lengths[i]}."
                )
        return cls(sequences, **data)


def _check_rows(rows: Any, n: int) -> np.ndarray:
    rows = np.arange(min(SHOWN, n)) if rows is None else np.asarray(rows)
    if rows.ndim != 1 or not rows.size or rows.dtype.kind not in "iu":
        raise ValueError(f"rows must be one or more positions of sequences, got {rows!r}.")
    if (rows < -n).any() or (rows >= n).any():
        raise ValueError(
            f"rows must be positions of the {n} sequences of X, from 0 to {n - 1}; got "
            f"{rows.tolist()}."
        )
    return rows % n


def _check_channels(channels: Sequence[int] | None, n_channels: int) -> list[int]:
    chosen = np.arange(n_channels) if channels is None else np.asarray(channels)
    whole = chosen.ndim == 1 and chosen.size and chosen.dtype.kind in "iu"
    if not whole or chosen.min() < 0 or chosen.max() >= n_channels:
        raise ValueError(
            f"channels must be one or more of 0 to {n_channels - 1}, got {channels!r}."
        )
    return chosen.tolist()


def _check_names(feature_names: Sequence[str] | None, n_channels: int) -> None:
    if feature_names is not None and len(feature_names) != n_channels:
        raise ValueError(
            f"feature_names has {len(feature_names)} names, but there are {n_channels} "
            "channels."
        )


def _shown(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return ", ".join(map(_shown, value))
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _orange_to_purple() -> Any:
    """Matplotlib's PuOr without its dark ends, on which no line could be seen."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    return ListedColormap(colormaps["PuOr"](np.linspace(0.22, 0.76, 255)))
