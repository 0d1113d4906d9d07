"""`RecurrentNet`: the network behind every estimator.

Axes: b batch, t time, c channels, l lanes, h hidden units (both directions), k outputs.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .._data.symbols import PADDING
from .cells import cell_named
from .dropout import Dropout
from .heads import WITHOUT_NUMBERS, Linear
from .lanes import Lanes
from .pooling import Pooling, kinds_of
from .scaling import Standardize

__all__ = ["RecurrentNet"]


class RecurrentNet(nn.Module):
    """Recurrent layers over padded sequences, pooled over time, with a linear head.

    Parameters
    ----------
    cell : {"lstm", "gru"}
    n_inputs : int
        Channels at each time step; with `embedding_dim`, rows of the embedding.
    n_outputs : int
    hidden_size : int, default=64
        Units of each layer in each direction.
    num_layers : int, default=1
    bidirectional : bool, default=False
    dropout : float, default=0.0
        Between layers and before the head.
    pooling : str or tuple of str, default="last"
        One or more of "last", "mean", "max", "attention"; several stand side by
        side. "last" is the state after the last step of each direction.
    embedding_dim : int or None, default=None
        Read symbols through an embedding of this size. Row 0 is padding; the
        last row stands for unknown symbols and stays zero.
    generator : torch.Generator or None, default=None
        Source of the initial weights; None is torch's global one.
    device : str or torch.device, default="cpu"
        Where the weights are made. On "meta" there are none, only their shapes, for
        ``load_state_dict(weights, assign=True)``.

    Notes
    -----
    Recurrent weights start orthogonal in each gate (Saxe et al., 2014), input
    weights uniform after Glorot & Bengio (2010), biases zero but for the forget
    gate's, which is one (Jozefowicz et al., 2015).

    Hooks of torch (``register_forward_hook``) are called in training and prediction, for
    the network and for `scaling` or `embedding`, `dropout`, `pooling` and `head`. Those of
    `layers` are not called on a CPU, whose kernels read the weights of a layer without
    calling it; the outputs of the last layer are what `pooling` takes. Copies of an
    estimator and files have no hooks.

    Examples
    --------
    >>> import torch
    >>> from skseq.nn.recurrent import RecurrentNet
    >>> net = RecurrentNet("gru", n_inputs=3, n_outputs=2, pooling=("last", "mean"))
    >>> net(torch.zeros(4, 7, 3), torch.tensor([7, 2, 1, 5])).shape
    torch.Size([4, 2])
    """

    def __init__(
        self,
        cell: str,
        n_inputs: int,
        n_outputs: int,
        *,
        hidden_size: int = 64,
        num_layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        pooling: str | Sequence[str] = "last",
        embedding_dim: int | None = None,
        generator: torch.Generator | None = None,
        device: str | torch.device = "cpu",
    ) -> None:
        super().__init__()
        self.config: dict[str, Any] = {
            "cell": cell,
            "n_inputs": n_inputs,
            "n_outputs": n_outputs,
            "hidden_size": hidden_size,
            "num_layers": num_layers,
            "bidirectional": bidirectional,
            "dropout": dropout,
            "pooling": kinds_of(pooling),
            "embedding_dim": embedding_dim,
        }
        self.cell = cell_named(cell)
        self.embedding = None
        if embedding_dim is None:
            self.scaling = Standardize(n_inputs, device)
        else:
            self.embedding = nn.Embedding(
                n_inputs, embedding_dim, padding_idx=PADDING, **WITHOUT_NUMBERS
            )
            n_inputs = embedding_dim
        directions = 2 if bidirectional else 1
        width = hidden_size * directions
        # One module a layer and direction: the first layer forward, backward, the
        # second ...
        self.layers = nn.ModuleList(
            self.cell.make(size, hidden_size, **WITHOUT_NUMBERS)
            for size in [n_inputs] + [width] * (num_layers - 1)
            for _ in range(directions)
        )
        self.directions = directions
        self.dropout = Dropout(dropout)
        self.pooling = Pooling(self.config["pooling"], hidden_size, directions)
        self.head = Linear(self.pooling.width, n_outputs)
        self.output_scaling = Standardize(n_outputs, device)
        if torch.device(device).type == "meta":
            return
        for module in self.modules():
            if any(p.is_meta for p in module.parameters(recurse=False)):
                module.to_empty(device=device, recurse=False)
        self.reset_parameters(generator)

    @torch.no_grad()
    def reset_parameters(self, generator: torch.Generator | None) -> None:
        """Draw all weights anew."""
        for layer in self.layers:
            self.cell.reset(layer, self.config["hidden_size"], generator)
        if self.embedding is not None:
            nn.init.normal_(self.embedding.weight, generator=generator)
            self.embedding.weight[[PADDING, -1]] = 0.0
        for linear in self.modules():
            if isinstance(linear, nn.Linear):
                nn.init.xavier_uniform_(linear.weight, generator=generator)
                nn.init.zeros_(linear.bias)

    @torch.no_grad()
    def zero_embedding_except(self, rows: np.ndarray) -> None:
        """Give zero vectors to all symbols but those in these rows of the table."""
        assert self.embedding is not None
        kept = self.embedding.weight.new_zeros(self.embedding.num_embeddings, 1)
        kept[torch.from_numpy(rows)] = 1.0
        self.embedding.weight.mul_(kept)

    def stack(self) -> list[list[nn.Module]]:
        """From the first layer to the last, the modules of its directions."""
        layers = list(self.layers)
        return [
            layers[begin : begin + self.directions]
            for begin in range(0, len(layers), self.directions)
        ]

    def seed_dropout(self, seed: int | None) -> None:
        """Draw dropout from an own generator; None goes back to torch's global one."""
        if seed is None:
            self.dropout.generator = None
        else:
            device = self.head.weight.device
            self.dropout.generator = torch.Generator(device).manual_seed(seed)

    def copied(self) -> RecurrentNet:
        """A copy that calls the hooks of this network themselves, not copies of them.

        A hook that collects what it sees would otherwise collect it in its copy, and its
        handle could not remove it.
        """
        attributes = [item for part in self.modules() for item in vars(part).items()]
        kept = {id(value): value for name, value in attributes if "_hooks" in name}
        return copy.deepcopy(self, kept)

    def train(self, mode: bool = True) -> RecurrentNet:
        # Asked before every batch; walking through all modules takes its time.
        return super().train(mode) if mode != self.training else self

    def forward(self, x: Tensor, lengths: Tensor, *, exact: bool = False) -> Tensor:
        """Raw outputs of shape (b, k) for sequences of `lengths` (b,).

        `x` is padded as by `skseq.pad_collate`: (b, t, c), or (b, t) where the network
        has one channel or symbols. Or it holds nothing but the steps, sequence by
        sequence: (sum of lengths, c). With one channel that is a single column, which
        (b, t) is only where every length is 1, and then both are the same.

        Raw means as the loss takes them: before its link function, and in the
        units of the standardised target. `decode` leads to the caller's units.

        With `exact`, on a CPU and without gradients, outputs are float64 and those of
        a sequence depend on nothing else in the batch.
        """
        if not len(lengths) or int(lengths.min()) < 1:
            raise ValueError("A batch needs sequences, and lengths of at least 1.")
        if x.dim() == 2 and self._n_channels() == 1 != x.shape[1]:
            x = x[:, :, None]
        if x.dim() == 3:
            if len(x) != len(lengths):
                raise ValueError(f"x has {len(x)} sequences, but lengths {len(lengths)}.")
            x = x[torch.arange(x.shape[1], device=x.device) < lengths[:, None]]
        return self.from_first_layer(self.first_layer_input(x), lengths, exact=exact)

    def from_first_layer(
        self, x: Tensor, lengths: Tensor, *, exact: bool = False
    ) -> Tensor:
        """The rest of `forward`, from `first_layer_input` on."""
        # Batches for `exact` are of similar length, so there is little padding to save.
        lanes = Lanes(lengths, share=x.device.type == "cpu" and not exact, exact=exact)
        if lanes.total != len(x):
            raise ValueError(f"x has {len(x)} steps, but lengths {lanes.total}.")
        x = lanes.fill(x)
        if exact and not self.cell.rounds_rows_alike():
            x = x.double()
        run = self.cell.run if x.device.type == "cpu" else self.cell.run_modules
        for depth, layers in enumerate(self.stack()):
            if depth:
                x = self.dropout(x)
            x = run(layers, x, lanes)
        x = x.flatten(0, 1)
        if exact:
            x = x.double()
        return self.head(self.dropout(self.pooling(x, lanes)))

    def first_layer_input(self, x: Tensor) -> Tensor:
        """Standardised channels, or the vectors of symbols, for steps (total, c)."""
        n_channels = self._n_channels()
        if x.shape[-1] != n_channels:  # which the kernels would believe
            raise ValueError(f"x has {x.shape[-1]} channels, and the network {n_channels}.")
        if self.embedding is None:
            return self.scaling(x).to(self.head.weight.dtype)
        unknown = self.embedding.num_embeddings - 1
        # The vector of unknown symbols is zero, and no gradient reaches it.
        return self.embedding(x[:, 0]) * (x != unknown)

    def _n_channels(self) -> int:
        return self.config["n_inputs"] if self.embedding is None else 1

    def decode(self, raw: Tensor, link: Callable[[Tensor], Tensor]) -> Tensor:
        """Predictions in the caller's units from raw outputs, both (b, k)."""
        return self.output_scaling.inverse(link(raw))
