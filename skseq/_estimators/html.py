"""The network in scikit-learn's HTML picture of a fitted estimator."""

from __future__ import annotations

import html
from typing import Any

from torch import nn

from ..nn.recurrent import RecurrentNet

# The classes are those of scikit-learn's own tables, so that it colours this one too.
TABLE = """
<div class="estimator-table">
    <details open>
        <summary>{title}</summary>
        <table class="parameters-table">
            <tbody>
                <tr><th>Layer</th><th>Width</th><th>Parameters</th></tr>
                {rows}
            </tbody>
        </table>
    </details>
</div>
"""
ROW = (
    '<tr class="default"><td class="param">{}</td>'
    '<td class="fitted-att-type">{}</td><td>{:,}</td></tr>'
)


def add_network(attributes: Any, estimator: Any) -> Any:
    """scikit-learn's table of fitted attributes, with one of the network above it."""
    usual = attributes._html_repr
    attributes._html_repr = lambda: network_table(estimator) + usual()
    return attributes


def network_table(estimator: Any) -> str:
    """What a fitted estimator trained, on what and for how long."""
    net = estimator.net_
    title = (
        f"Network of {n_parameters(net.module_):,} parameters on {net.device}, "
        f"best epoch {estimator.best_epoch_} of {estimator.n_epochs_}"
    )
    rows = [ROW.format(html.escape(layer), *rest) for layer, *rest in layers(net.module_)]
    return TABLE.format(title=html.escape(title), rows="\n".join(rows))


def layers(module: RecurrentNet) -> list[tuple[str, str, int]]:
    """Name, width before and after, and number of parameters, from input to output."""
    config = module.config
    rows: list[tuple[str, str, int]] = []

    def add(name: str, before: int, after: int, *parts: nn.Module) -> None:
        rows.append((name, f"{before} → {after}", sum(map(n_parameters, parts))))

    before = config["n_inputs"]
    if module.embedding is not None:
        add("Embedding", before, config["embedding_dim"], module.embedding)
        before = config["embedding_dim"]
    cell = config["cell"].upper() + (", both directions" if config["bidirectional"] else "")
    width = module.pooling.steps_width
    for depth in range(0, len(module.layers), module.directions):
        parts = module.layers[depth : depth + module.directions]
        add(cell, before, width, *parts)
        before = width
    pooling = module.pooling
    add(f"Pooling: {', '.join(pooling.kinds)}", width, pooling.width, pooling)
    add("Linear", pooling.width, module.head.out_features, module.head)
    return rows


def n_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
