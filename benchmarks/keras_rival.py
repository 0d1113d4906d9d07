"""(d) Keras 3 on TensorFlow's CPU build: pad, `Masking`, LSTM or GRU, Adam.

It needs an environment of its own, in which this runs with one command:

    python -m pip install . keras tensorflow-cpu
    python benchmarks/keras_rival.py

Seconds of one epoch. Keras' first epoch is left out, because it compiles; of
skseq the whole `fit` counts.
"""

from __future__ import annotations

import argparse
import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import statistics
import time
from typing import Any

import keras
import numpy as np
import speed
import tensorflow as tf
import torch


class Seconds(keras.callbacks.Callback):
    def on_train_begin(self, logs: Any = None) -> None:
        self.epochs: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.begin = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epochs.append(time.perf_counter() - self.begin)


def keras_epochs(work: speed.Work, net: str, seed: int) -> list[float]:
    """Seconds of each epoch but the first."""
    cell, bidirectional = speed.NETS[net]
    X, y = work.data(seed, work.n_train)
    padded = keras.utils.pad_sequences(X, padding="post", dtype="float32")
    keras.utils.set_random_seed(seed)
    layer = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[cell](speed.HIDDEN)
    model = keras.Sequential(
        [
            keras.layers.Input((None, work.channels)),
            keras.layers.Masking(),
            keras.layers.Bidirectional(layer) if bidirectional else layer,
            keras.layers.Dense(2),
        ]
    )
    model.compile(
        keras.optimizers.Adam(speed.LR),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    seconds = Seconds()
    model.fit(
        padded,
        y,
        batch_size=work.batch_size,
        epochs=work.epochs,
        validation_split=0.1,
        callbacks=[seconds],
        verbose=0,
    )
    return seconds.epochs[1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    torch.set_num_threads(1)
    speed.table("work", "network", "skseq, s an epoch", "(d)")
    for work in [*speed.RAGGED[:2], speed.EQUAL]:
        for net in speed.NETS:
            ours, theirs = [], []
            fit = speed.ours(work, net, 0)
            fit()
            for _ in range(repeats):
                begin = time.perf_counter()
                fit()
                ours.append((time.perf_counter() - begin) / work.epochs)
                theirs += keras_epochs(work, net, 0)
            seconds = statistics.median(ours)
            speed.row(str(work), net, f"{seconds:.3f}", float(np.median(theirs) / seconds))


if __name__ == "__main__":
    main()
