"""Writes the files beside it, which every later version must load.

python tests/golden/make.py 0.1.0    # once a format, a parameter or a part is new

A file that is there stays as it is: what counts is that an old skseq wrote it.
"""

import json
import re
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skseq
from skseq.preprocessing import PerTimestep

MOMENT = re.compile(r"net_\.\d")
SMALL = {"hidden_size": 3, "max_epochs": 2, "random_state": 0, "validation_fraction": None}


def sequences():
    rng = np.random.default_rng(0)
    return [rng.normal(size=(n, 2)) for n in (3, 5, 2, 7, 4, 6, 5, 3, 8, 2, 4, 6)]


def words():
    return ["abc", "cab", "b", "ac", "bca", "cc", "ab", "a", "cba", "bb", "ca", "abca"]


def models():
    """Estimators with everything that a file can hold of one, and what they read."""
    X, labels, numbers = sequences(), np.tile(["down", "up"], 6), np.arange(12.0)
    moments = skseq.LSTMSequenceClassifier(**SMALL, bidirectional=True, dropout=0.1)
    for _ in range(2):
        moments.partial_fit(X, labels, classes=["down", "up"])
    numbered = skseq.GRUSequenceRegressor(
        **SMALL, num_layers=2, pooling=("max", "attention")
    )
    symbols = skseq.GRUSequenceClassifier(
        **{**SMALL, "validation_fraction": 0.25, "max_epochs": 5},
        embedding_dim=2,
        early_stopping=True,
        patience=1,
        class_weight="balanced",
    )
    pipeline = make_pipeline(
        PerTimestep(StandardScaler()), skseq.LSTMSequenceRegressor(**SMALL, loss="huber")
    )
    frames = [pd.DataFrame(x, columns=["heat", "light"]) for x in X]
    named = make_pipeline(
        PerTimestep(StandardScaler()), skseq.GRUSequenceClassifier(**SMALL)
    )
    names = skseq.GRUSequenceClassifier(**SMALL)
    options = skseq.LSTMSequenceRegressor(
        **SMALL, optimizer=partial(torch.optim.Adam, betas=(0.8, 0.95))
    )
    for _ in range(2):
        options.partial_fit(X, numbers)
    channels = skseq.GRUSequenceRegressor(**SMALL)
    column = skseq.sequence_frame(frames)
    return {
        "options": (options, X),
        "channels": (channels.fit(column, numbers), X),
        "frames": (named.fit(frames, labels), frames),
        "names": (names.fit(frames, labels), frames),
        "classifier": (moments, X),
        "regressor": (numbered.fit(X, np.c_[numbers, -numbers]), X),
        "symbols": (symbols.fit(words(), labels), words()),
        "pipeline": (pipeline.fit(X, numbers), X),
    }


def inputs(X):
    """Words, or sequences one after another, as arrays."""
    if isinstance(X[0], str):
        return {"X": np.array(X)}
    return {"X": np.concatenate(X), "lengths": np.array([len(x) for x in X])}


def outputs(model, X):
    return model.predict_proba(X) if hasattr(model, "classes_") else model.predict(X)


def state(model, place=""):
    """All that must come back to the bit: arrays and plain values by their places."""
    found = {}
    parameters = model.get_params(deep=False)
    attributes = {k: v for k, v in vars(model).items() if k.endswith("_")}
    for name, value in {**parameters, **attributes}.items():
        if name == "net_":
            found.update(network_state(value, f"{place}net_."))
        elif hasattr(value, "get_params"):
            found.update(state(value, f"{place}{name}."))
        elif name == "steps":
            for step, estimator in value:
                found.update(state(estimator, f"{place}{step}."))
        elif isinstance(value, partial):  # two of which are never equal
            found[place + name] = [value.func.__name__, value.keywords]
        elif isinstance(value, np.ndarray) and value.dtype.kind == "O":
            # Loading an archive of objects could run code.
            found[place + name] = value.tolist()
        else:
            found[place + name] = value
    return found


def network_state(net, place):
    found = {place + k: v.numpy() for k, v in net.module_.state_dict().items()}
    for number, moments in net.optimizer_.state_dict()["state"].items():
        for name, moment in moments.items():
            found[f"{place}{number}.{name}"] = moment.numpy()
    return found


def expected(name, model, X):
    found = state(model)
    if name not in ("classifier", "options"):
        # After `fit` a training starts anew, so files do not hold its moments.
        found = {place: value for place, value in found.items() if not MOMENT.search(place)}
    arrays = {k: v for k, v in found.items() if isinstance(v, (np.ndarray, np.generic))}
    plain = {place: value for place, value in found.items() if place not in arrays}
    arrays = {**inputs(X), "outputs": outputs(model, X), **arrays}
    return {**arrays, "plain": np.array(json.dumps(plain))}


if __name__ == "__main__":
    folder = Path(__file__).parent
    for name, (model, X) in models().items():
        path = folder / f"{sys.argv[1]}-{name}.skseq"
        if not path.exists():
            skseq.save(model, path)
            np.savez_compressed(path.with_suffix(".npz"), **expected(name, model, X))
            print(path.name)
