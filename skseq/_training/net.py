"""The skorch net inside every estimator."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import skorch
import torch
from skorch.callbacks import Callback

from .._forking import computing
from .._surroundings import denormals_are_flushed
from ..callbacks import StopTraining

Step = dict[str, torch.Tensor]


class SequenceNet(skorch.NeuralNet):
    """A skorch net that does per batch only what our batches and callbacks use.

    Small networks on a CPU take a millisecond or two for a batch, of which skorch's
    generality is a quarter: it asks every callback at every event, looks for arrays to
    convert, and measures nested batches. Here only callbacks that listen are
    called, and batches are dicts of tensors with a pair of target and weight. Callbacks
    see the same events, in the same order, with the same arguments; only that a stop which
    one of them asks for waits until all have seen the end of the epoch.
    """

    def notify(self, method_name: str, **cb_kwargs: Any) -> None:
        getattr(self, method_name)(self, **cb_kwargs)
        stops = False
        for callback in self._listeners(method_name):
            try:
                getattr(callback, method_name)(self, **cb_kwargs)
            except KeyboardInterrupt as error:
                if not _is_a_stop(error, callback):
                    raise
                stops = True  # once those behind it have seen this epoch, too
        if stops:
            raise StopTraining

    def _listeners(self, method_name: str) -> list[Any]:
        """The callbacks that do something at this event."""
        idle = getattr(Callback, method_name)
        return [
            callback
            for _, callback in self.callbacks_
            if getattr(type(callback), method_name, None) is not idle
        ]

    def run_single_epoch(
        self,
        iterator: Iterable[Any] | None,
        training: bool,
        prefix: str,
        step_fn: Callable[..., Step],
        **fit_params: Any,
    ) -> None:
        if iterator is None:
            return
        at_begin = self._listeners("on_batch_begin")
        at_end = self._listeners("on_batch_end")
        self._at_gradient = self._listeners("on_grad_computed")
        history = self.history
        n_batches = 0
        for batch in iterator:
            history.new_batch()
            for callback in at_begin:
                callback.on_batch_begin(self, batch=batch, training=training)
            step = step_fn(batch, **fit_params)
            history.record_batch(f"{prefix}_loss", step["loss"].item())
            history.record_batch(f"{prefix}_batch_size", len(step["y_pred"]))
            for callback in at_end:
                callback.on_batch_end(self, batch=batch, training=training, **step)
            n_batches += 1
        history.record(f"{prefix}_batch_count", n_batches)

    def train_step(self, batch: Any, **fit_params: Any) -> Step:
        steps: list[Step] = []

        def closure() -> torch.Tensor:
            for group in self.optimizer_.param_groups:
                for parameter in group["params"]:
                    parameter.grad = None
            step = self.train_step_single(batch, **fit_params)
            steps.append(step)
            if self._at_gradient:
                parameters = list(self.module_.named_parameters())
                for callback in self._at_gradient:
                    callback.on_grad_computed(
                        self, named_parameters=parameters, batch=batch, training=True
                    )
            return step["loss"]

        # Gradients that vanish over many time steps become numbers too small for the
        # normal format, on which a processor is about ten times slower. So the step,
        # loss and gradients included, takes them as zero; callbacks between batches,
        # and threads that they start, compute with such numbers as they are.
        flushed = denormals_are_flushed()
        try:
            torch.set_flush_denormal(True)
            with computing():
                self.optimizer_.step(closure)
        finally:
            torch.set_flush_denormal(flushed)
        return steps[0]

    def _set_training(self, training: bool = True) -> None:
        if self.module_.training != training:
            self.module_.train(training)

    def infer(self, x: dict[str, torch.Tensor], **fit_params: Any) -> torch.Tensor:
        if self.device != "cpu":
            x = {name: tensor.to(self.device) for name, tensor in x.items()}
        with computing():
            return self.module_(**x, **fit_params)

    def get_loss(
        self, y_pred: Any, y_true: Any, X: Any = None, training: bool = False
    ) -> Any:
        if self.device != "cpu":
            y_true = [tensor.to(self.device) for tensor in y_true]
        return self.criterion_(y_pred, y_true)


def _is_a_stop(error: KeyboardInterrupt, callback: Any) -> bool:
    """Whether the callback ends the training on purpose; Ctrl-C is not that."""
    if isinstance(error, StopTraining):
        return True
    # skorch's own early stopping raises a bare KeyboardInterrupt when it counted enough.
    is_skorchs = isinstance(callback, skorch.callbacks.EarlyStopping)
    return is_skorchs and callback.misses_ == callback.patience
