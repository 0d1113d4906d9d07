"""Losses and scores, epoch by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from ..inspection._unwrap import unwrap
from ._axes import check_matplotlib, new_axes, whole_steps, with_defaults

METRICS = ("loss", "score")
SIDES = {"train": ("training", "--"), "valid": ("validation", "-")}


class TrainingHistoryDisplay:
    """Losses and scores of each epoch, with the best epoch marked.

    Use `from_estimator` or `from_history` to make one. Training is dashed,
    validation solid, in one colour for each model: the curves of several models
    can share axes.

    Parameters
    ----------
    history : list of dict
        A row for each epoch: "epoch", and "train_loss", "valid_loss", "train_score"
        and "valid_score" as far as there are any, as in ``history_``.
    best_epoch : int or None, default=None
        The epoch to mark.
    loss_name, score_name : str, default="loss" and "score"
        Labels of the axes.
    name : str or None, default=None
        Name of the model in the legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Those of the first metric.
    axes_ : ndarray of matplotlib Axes
        One for each metric.
    figure_ : matplotlib Figure
    lines_ : dict of str to matplotlib Line2D
        By column of the history, for example "valid_loss".
    best_epoch_lines_ : list of matplotlib Line2D
        One for each axes; empty where no epoch is marked.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from skseq import LSTMSequenceClassifier
    >>> from skseq.datasets import make_pattern_sequences
    >>> from skseq.plotting import TrainingHistoryDisplay
    >>> X, y = make_pattern_sequences(200, random_state=0)
    >>> model = LSTMSequenceClassifier(hidden_size=4, max_epochs=3, random_state=0)
    >>> display = TrainingHistoryDisplay.from_estimator(model.fit(X, y))
    >>> sorted(display.lines_)
    ['train_loss', 'train_score', 'valid_loss', 'valid_score']
    >>> plt.close(display.figure_)
    """

    def __init__(
        self,
        history: list[dict[str, Any]],
        *,
        best_epoch: int | None = None,
        loss_name: str = "loss",
        score_name: str = "score",
        name: str | None = None,
    ) -> None:
        self.history = history
        self.best_epoch = best_epoch
        self.loss_name = loss_name
        self.score_name = score_name
        self.name = name

    def plot(
        self,
        ax: Any = None,
        *,
        metrics: str | Sequence[str] | None = None,
        name: str | None = None,
        line_kw: dict[str, Any] | None = None,
    ) -> TrainingHistoryDisplay:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, sequence of Axes, or None, default=None
            Axes for each of `metrics`; None makes a new figure.
        metrics : {"loss", "score"}, sequence of these, or None, default=None
            What to draw, each in axes of its own. None is both (as far as the history
            has them), or the loss if a single Axes is passed.
        name : str or None, default=None
            Takes the place of `self.name`.
        line_kw : dict or None, default=None
            Passed to ``Axes.plot`` for every curve, for example ``{"color": "k"}``.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there are not as many axes as metrics, or the history lacks a metric.
        """
        check_matplotlib(f"{type(self).__name__}.plot")
        metrics = self._metrics(metrics, ax)
        for metric in metrics:
            self._check_present(metric)
        if ax is None:
            axes = new_axes(len(metrics), (6.4, 2.0 + 2.2 * len(metrics)))
        else:
            axes = np.atleast_1d(np.asarray(ax, dtype=object))
        if axes.shape != (len(metrics),):
            raise ValueError(
                f"{len(metrics)} metrics ({', '.join(metrics)}) need as many axes in one "
                f"dimension, got the shape {axes.shape}; choose by metrics='loss' or "
                "'score'."
            )
        name = self.name if name is None else name
        self.axes_, self.ax_, self.figure_ = axes, axes[0], axes[0].figure
        self.lines_: dict[str, Any] = {}
        self.best_epoch_lines_: list[Any] = []
        for metric, one in zip(metrics, axes, strict=True):
            self._plot_metric(one, metric, name, line_kw)
        axes[-1].set_xlabel("epoch")
        # Where it is in nobody's way, also after a change of scale.
        axes[0].legend(loc="best", fontsize="small")
        return self

    def _metrics(self, metrics: str | Sequence[str] | None, ax: Any) -> list[str]:
        if metrics is None:
            present = [metric for metric in METRICS if self._columns(metric)]
            metrics = present if ax is None or np.size(ax) > 1 else METRICS[:1]
        metrics = [metrics] if isinstance(metrics, str) else list(metrics)
        if not metrics or not set(metrics) <= set(METRICS):
            raise ValueError(f"metrics must be one or more of {METRICS}, got {metrics}.")
        return metrics

    def _columns(self, metric: str) -> list[str]:
        """What the history has numbers of."""
        columns = [f"{side}_{metric}" for side in SIDES]
        return [key for key in columns if not np.isnan(self._values(key)).all()]

    def _values(self, key: str) -> np.ndarray:
        """NaN where a row has none, or None."""
        return np.array([row.get(key) for row in self.history], dtype=np.float64)

    def _check_present(self, metric: str) -> None:
        if not self._columns(metric):
            found = sorted({key for row in self.history for key in row})
            raise ValueError(
                f"No row of the history has a number as its 'train_{metric}' or "
                f"'valid_{metric}'; found: {', '.join(found) or 'nothing'}."
            )

    def _plot_metric(
        self, ax: Any, metric: str, name: str | None, line_kw: dict[str, Any] | None
    ) -> None:
        epochs = np.array([row["epoch"] for row in self.history])
        prefix = "" if name is None else f"{name}, "
        alone = "o" if len(epochs) == 1 else ""  # a line needs two points to be seen
        colour: dict[str, Any] = {}
        for key in self._columns(metric):
            label, style = SIDES[key.removesuffix(f"_{metric}")]
            looks = with_defaults(
                line_kw, label=prefix + label, linestyle=style, marker=alone, **colour
            )
            (line,) = ax.plot(epochs, self._values(key), **looks)
            colour = {"color": line.get_color()}
            self.lines_[key] = line
        if self.best_epoch:
            label = f"{prefix}best epoch ({self.best_epoch})"
            line = ax.axvline(self.best_epoch, linestyle=":", label=label, **colour)
            self.best_epoch_lines_.append(line)
        ax.set_ylabel(self.loss_name if metric == "loss" else self.score_name)
        whole_steps(ax)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        ax: Any = None,
        metrics: str | Sequence[str] | None = None,
        name: str | None = None,
        line_kw: dict[str, Any] | None = None,
    ) -> TrainingHistoryDisplay:
        """Draw how a fitted estimator was trained.

        Parameters
        ----------
        estimator : estimator of skseq, Pipeline or search
            Fitted. Of a pipeline its last step is taken, of a search with
            ``refit=True`` its ``best_estimator_``.
        ax, metrics, name, line_kw
            See `plot`.

        Returns
        -------
        TrainingHistoryDisplay

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        TypeError
            If there is no estimator of skseq in it.
        """
        check_matplotlib(f"{cls.__name__}.from_estimator")
        _, inside = unwrap(estimator, f"{cls.__name__} needs")
        display = cls(
            inside.history_,
            best_epoch=inside.best_epoch_,
            loss_name=f"loss ({inside.loss.replace('_', ' ')})",
            score_name="accuracy" if is_classifier(inside) else "R²",
            name=name,
        )
        return display.plot(ax, metrics=metrics, line_kw=line_kw)

    @classmethod
    def from_history(
        cls,
        history: Any,
        *,
        best_epoch: int | None = None,
        ax: Any = None,
        metrics: str | Sequence[str] | None = None,
        name: str | None = None,
        loss_name: str = "loss",
        score_name: str = "score",
        line_kw: dict[str, Any] | None = None,
    ) -> TrainingHistoryDisplay:
        """Draw a history without its estimator.

        Parameters
        ----------
        history : list of dict, or DataFrame
            As in ``history_``; the history of a skorch net works too, and so does a table
            of it in pandas or polars.
        best_epoch : int or None, default=None
            The epoch to mark.
        loss_name, score_name : str, default="loss" and "score"
            Labels of the axes.
        ax, metrics, name, line_kw
            See `plot`.

        Returns
        -------
        TrainingHistoryDisplay

        Raises
        ------
        ValueError
            If the history is empty, has rows without "epoch", or lacks `best_epoch`.
        """
        check_matplotlib(f"{cls.__name__}.from_history")
        history = _rows(history)
        if not history or not all("epoch" in row for row in history):
            raise ValueError(
                "history must be a list with a dict for each epoch, such as history_ of a "
                f"fitted estimator, each with the key 'epoch'; got {history[:1]}."
            )
        epochs = [row["epoch"] for row in history]
        if best_epoch is not None and best_epoch not in epochs:
            raise ValueError(
                f"best_epoch={best_epoch} is not among the epochs of the history, "
                f"{min(epochs)} to {max(epochs)}."
            )
        display = cls(
            history,
            best_epoch=best_epoch,
            loss_name=loss_name,
            score_name=score_name,
            name=name,
        )
        return display.plot(ax, metrics=metrics, line_kw=line_kw)


def _rows(history: Any) -> list[dict[str, Any]]:
    """A dict for each epoch, also of a frame, which iterates over its columns."""
    if not hasattr(history, "columns"):
        return list(history)
    names = list(history.columns)
    columns = (history[name] for name in names)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
