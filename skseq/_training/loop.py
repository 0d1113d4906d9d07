"""From a network and two datasets to a trained skorch net, and to predictions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import skorch
import torch
from skorch.callbacks import Callback, GradientNormClipping, LRScheduler
from torch import Tensor
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR

from .._data.sequences import SequenceArray
from .._forking import computing
from .._surroundings import InferenceMode
from .._tasks.losses import Loss
from ..callbacks import EarlyStopping, StopTraining
from ..nn.recurrent import RecurrentNet
from .batches import Batches, SequenceDataset, as_inputs, by_length
from .net import SequenceNet
from .optimizers import call_of

LR_SCHEDULES = ("one_cycle", "cosine", "constant")

# Share of all batches in which "one_cycle" raises the rate. Not 1 / n for a whole n: torch
# divides by zero where that is a single batch.
WARM_UP = 0.03


def make_net(
    module: RecurrentNet,
    loss: Loss,
    *,
    device: torch.device,
    optimizer: str | type[torch.optim.Optimizer] | partial,
    weight_decay: float,
    verbose: int = 0,
    **settings: Any,
) -> skorch.NeuralNet:
    """A plain skorch net around the network, initialised."""
    if device.type == "mps":  # which has no float64
        module = module.float()
    bare, options = call_of(optimizer, weight_decay)
    options = {f"optimizer__{name}": value for name, value in options.items()}
    net = SequenceNet(
        module,
        criterion=loss,
        optimizer=bare,
        iterator_train=Batches,
        iterator_valid=Batches,
        device=str(device),
        verbose=verbose,
        **{"train_split": None, **options, **settings},
    )
    net.initialize()
    net.module_.eval()
    return net


def training_callbacks(
    *,
    lr: float,
    lr_schedule: str,
    gradient_clip: float | None,
    n_steps: int,
) -> list[Callback]:
    """What happens to gradients and to the learning rate over `n_steps` batches."""
    callbacks: list[Callback] = []
    if gradient_clip is not None:
        callbacks.append(GradientNormClipping(gradient_clip))
    if lr_schedule == "constant":
        return callbacks
    if lr_schedule == "cosine":
        policy: dict[str, Any] = {"policy": CosineAnnealingLR, "T_max": n_steps}
    else:
        policy = {"policy": OneCycleLR, "max_lr": lr, "total_steps": n_steps}
        policy |= {"pct_start": WARM_UP, "cycle_momentum": False}
    return [*callbacks, LRScheduler(step_every="batch", event_name=None, **policy)]


def run(
    net: skorch.NeuralNet,
    training: SequenceDataset,
    keeper: EarlyStopping,
    *,
    epochs: int,
) -> None:
    """Run skorch's fit loop after `on_train_begin`; the net ends with what to keep.

    A stop that a callback asked for is an end like any other. What else
    interrupts, Ctrl-C or an error, first restores the best weights so far and
    is then raised again (skorch's own `fit` swallows Ctrl-C).
    """
    try:
        net.fit_loop(training, epochs=epochs)
    except StopTraining:
        pass
    except BaseException:
        keeper.restore(net)
        raise
    finally:
        net.module_.seed_dropout(None)
        net.notify("on_train_end", X=training, y=None)
        net.train_split = None  # which holds the validation rows
        # Two threads that predict would otherwise switch it one beside the other.
        net.module_.eval()


@dataclass
class Course:
    """A training so far: a row for each epoch, and which epoch was the best."""

    rows: list[dict[str, Any]]  # earlier trainings included
    keeper: EarlyStopping

    def __post_init__(self) -> None:
        self._n_before = len(self.rows)

    @property
    def best_epoch(self) -> int:
        """Of this training, but counted through all; 0 before an epoch has ended."""
        best = self.keeper.best_epoch_
        return self._n_before + best if best else 0

    def summary(self) -> dict[str, str]:
        """The latest losses, and the best epoch."""
        row = self.rows[-1]
        figures = {k: f"{row[k]:#.4g}" for k in row if k.endswith("_loss")}
        figures["best"] = str(self.best_epoch)
        return figures


class EpochSeed(Callback):
    """Dropout of epoch e follows from the seed and e alone, like the shuffling."""

    def __init__(self, seed: int, epoch: int) -> None:
        self.seed = seed
        self.epoch = epoch

    def on_epoch_begin(self, net: skorch.NeuralNet, **kwargs: Any) -> None:
        entropy = np.random.SeedSequence([self.seed, self.epoch])
        net.module_.seed_dropout(int(entropy.generate_state(1)[0]))
        self.epoch += 1


class EpochLog(Callback):
    """One row an epoch; ends the training when a loss is not a number any more."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def on_epoch_begin(
        self, net: skorch.NeuralNet, dataset_train: Any, dataset_valid: Any, **kwargs: Any
    ) -> None:
        self._sides = {"train": Outputs(dataset_train), "valid": Outputs(dataset_valid)}

    def on_batch_end(
        self,
        net: skorch.NeuralNet,
        batch: Any = None,
        training: bool = False,
        y_pred: Any = None,
        **kwargs: Any,
    ) -> None:
        self._sides["train" if training else "valid"].add(y_pred, *batch[1])

    def on_epoch_end(self, net: skorch.NeuralNet, **kwargs: Any) -> None:
        row: dict[str, Any] = {"epoch": len(self.rows) + 1}
        for side, outputs in self._sides.items():
            if outputs.raw is None:
                continue
            loss = float(net.history[-1, f"{side}_loss"])
            _check_loss(loss, side, row["epoch"])
            row[f"{side}_loss"] = loss
            row[f"{side}_score"] = outputs.score(net.criterion_)
            net.history.record(f"{side}_score", row[f"{side}_score"])
        row["lr"] = float(net.optimizer_.param_groups[0]["lr"])
        row["seconds"] = float(net.history[-1, "dur"])
        self.rows.append(row)
        self._sides = {}


class Outputs:
    """What the network said of all rows of a dataset, collected batch by batch.

    In one block: many small ones that live as long as the epoch would lie between
    those that a batch needs, and new memory would be taken for every batch.
    """

    def __init__(self, dataset: Any) -> None:
        self._n_rows = 0 if dataset is None else len(dataset)
        self.raw: Tensor | None = None
        self._n_filled = 0
        self._others: list[tuple[Tensor, Tensor]] = []

    def add(self, raw: Tensor, target: Tensor, weight: Tensor) -> None:
        if self.raw is None:
            self.raw = raw.new_empty(self._n_rows, raw.shape[1])
        begin, self._n_filled = self._n_filled, self._n_filled + len(raw)
        self.raw[begin : self._n_filled] = raw.detach()
        self._others.append((target, weight))

    def score(self, loss: Loss) -> float:
        target, weight = (torch.cat(parts) for parts in zip(*self._others, strict=True))
        assert self.raw is not None
        return loss.score(self.raw[: self._n_filled].cpu(), target, weight)


def _check_loss(loss: float, side: str, epoch: int) -> None:
    if not math.isfinite(loss):
        raise ValueError(
            f"The {side} loss became {loss} in epoch {epoch}; training stopped there. "
            "Lower lr, set gradient_clip, or keep standardize=True; then fit again."
        )


def predict_raw(
    net: skorch.NeuralNet, sequences: SequenceArray, *, decode: bool
) -> np.ndarray:
    """Outputs of shape (n, k) in the caller's order; decoded, or as the loss takes them.

    Computed in float64 where the device has it: in float32 the last digits of
    a row depend on how many rows are computed beside it.
    """
    device = torch.device(net.device)
    sequences = for_device(sequences, device)
    module, exact = net.module_.eval(), device.type == "cpu"
    if device.type == "cuda":
        module = module.copied().double()
    result = np.empty((len(sequences), module.config["n_outputs"]))
    width = max(module.pooling.steps_width, sequences.n_channels)
    with InferenceMode(True):
        for rows in by_length(sequences.lengths, width):
            inputs = as_inputs(sequences[rows])
            inputs = {name: x.to(device) for name, x in inputs.items()}
            with computing():
                raw = module(**inputs, exact=exact)
                if decode:
                    raw = module.decode(raw, net.criterion_.link)
            result[rows] = raw.cpu().numpy()
    return result


def for_device(sequences: SequenceArray, device: torch.device) -> SequenceArray:
    """The same sequences in numbers that the device has."""
    if device.type == "mps" and sequences.dtype == np.float64:
        values = sequences.values.astype(np.float32)
        return sequences.with_steps(values, sequences.lengths, sequences.starts)
    return sequences


def tensors_to_numpy(state: Any) -> Any:
    """Nested dicts of tensors as nested dicts of arrays, for a file without torch."""
    if isinstance(state, Tensor):
        return state.detach().cpu().numpy()
    if isinstance(state, dict):
        return {key: tensors_to_numpy(value) for key, value in state.items()}
    return state


def numpy_to_tensors(state: Any) -> Any:
    """The inverse of `tensors_to_numpy`."""
    if isinstance(state, np.ndarray):
        return torch.tensor(state)
    if isinstance(state, dict):
        return {key: numpy_to_tensors(value) for key, value in state.items()}
    return state
