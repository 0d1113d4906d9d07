"""Callbacks of `sklearn.callback`: a fit is a task, with a task in it for each epoch."""

from __future__ import annotations

from typing import Any

import skorch
from skorch.callbacks import Callback

from ..callbacks import StopTraining
from .loop import Course

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # scikit-learn before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """No callbacks can be set, so there is nobody to tell."""

        def _init_callback_context(self, **kwargs: Any) -> _NoContext:
            return _NoContext()


class _NoContext:
    def subcontext(self, **kwargs: Any) -> _NoContext:
        return self

    def call_on_fit_task_begin(self, **kwargs: Any) -> None:
        pass

    def call_on_fit_task_end(self, **kwargs: Any) -> bool:
        return False


class FitTask:
    """The task of a fit; sets the callbacks up when made, which comes before any work.

    As a context manager it lasts as long as the training, and ends if that succeeds.
    scikit-learn tears the callbacks down when `fit` returns or raises.
    """

    def __init__(
        self, estimator: Any, X: Any, y: Any, sample_weight: Any, *, epochs: int
    ) -> None:
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self.told = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self.epoch: Any = None
        self.context = estimator._init_callback_context(max_subtasks=epochs)

    def __enter__(self) -> None:
        self.context.call_on_fit_task_begin(**self.told)

    def __exit__(self, error: Any, *details: Any) -> None:
        if error is None:
            # Nothing has to be added for a copy of the estimator to be a fitted one.
            self.context.call_on_fit_task_end(**self.told, reconstruction_attributes={})
        # The net keeps its callbacks, and shall not keep the caller's data with them.
        vars(self).clear()


class EpochTasks(Callback):
    """Each epoch as a task of the fit; its end is where a callback may stop it."""

    def __init__(self, task: FitTask, course: Course) -> None:
        self.task = task
        self.course = course

    def on_epoch_begin(self, net: skorch.NeuralNet, **kwargs: Any) -> None:
        self.task.epoch = self.task.context.subcontext(task_name="epoch")
        self.task.epoch.call_on_fit_task_begin(**self.task.told)

    def on_epoch_end(self, net: skorch.NeuralNet, **kwargs: Any) -> None:
        if self.task.epoch.call_on_fit_task_end(
            **self.task.told, reconstruction_attributes=self._so_far
        ):
            raise StopTraining

    def _so_far(self) -> dict[str, Any]:
        """What turns a copy of the estimator, which has a net of its own, into a model."""
        return {
            "history_": [*self.course.rows],
            "n_epochs_": len(self.course.rows),
            "best_epoch_": self.course.best_epoch,
        }
