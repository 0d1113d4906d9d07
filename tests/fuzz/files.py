"""Mutated files of `skseq.save`, loaded and used in processes of their own.

python tests/fuzz/files.py --count 100000 --seed 0 --jobs 2 --keep /tmp/found

A file may be refused by ValueError, or load and be used; whatever Python raises in use is
fine. A signal, another error of `load`, or memory that has nothing to do with the size of
the file is not. Nor are results that differ between two processes whose fresh memory is
filled with different bytes: they come from foreign memory.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import importlib
import io
import json
import multiprocessing
import os
import resource
import signal
import sys
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import safetensors.numpy
import threadpoolctl
import torch
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import skseq
from skseq._files.allowlist import INSTANCES
from skseq.preprocessing import PerTimestep

BATCH = 50  # files for each process
MEMORY = 400 << 20  # bytes that a small file may take
SECONDS = 3  # for each file, of processor time
QUICK = {"hidden_size": 2, "max_epochs": 1, "validation_fraction": None, "random_state": 0}

RNG = np.random.default_rng(0)
TABLE = RNG.random((12, 3))
WHOLE = np.round(TABLE * 3)
SEQUENCES = [RNG.normal(size=(n, 2)) for n in (3, 2, 4, 5, 2, 3)]
WORDS = ["abc", "ca", "b", "bb", "ac", "cb"]
LABELS = np.tile([0, 1], 6)


# What is mutated.


def transformers():
    """Fitted ones of every class on the list, with options that change what they learn."""
    options = {
        "FastICA": [{"n_components": 2, "tol": 0.5}],
        "GaussianRandomProjection": [{"n_components": 2}],
        "KBinsDiscretizer": [{"n_bins": 3}, {"n_bins": 3, "encode": "onehot-dense"}],
        "KernelPCA": [
            {"n_components": 2},
            {"kernel": "rbf", "fit_inverse_transform": True},
        ],
        "NMF": [{"n_components": 2, "tol": 0.5}],
        "Nystroem": [{"n_components": 4}],
        "OneHotEncoder": [
            {"handle_unknown": "ignore"},
            {"drop": "first", "sparse_output": False},
            {"min_frequency": 4, "handle_unknown": "infrequent_if_exist"},
        ],
        "OrdinalEncoder": [{}, {"min_frequency": 4}],
        "PCA": [{"n_components": 2}],
        "PolynomialFeatures": [{}, {"degree": (2, 3), "interaction_only": True}],
        "QuantileTransformer": [{"n_quantiles": 5}],
        "RBFSampler": [{"n_components": 4}],
        "SimpleImputer": [{"add_indicator": True}],
    }
    ways = {"ColumnTransformer", "TransformedTargetRegressor", "FeatureUnion", "Pipeline"}
    for module, names in INSTANCES.items():
        if module.split(".")[0] != "sklearn" or module == "sklearn.model_selection":
            continue
        for name in sorted(set(names) - ways):
            cls = getattr(importlib.import_module(module), name)
            for parameters in options.get(name, [{}]):
                yield fitted(cls(**parameters))


def fitted(transformer):
    name = type(transformer).__name__
    if name == "MultiLabelBinarizer":
        transformer.fit([["a", "b"], ["a"]]).transform([["b"]])
        return transformer, [["a"], ["b", "a"]]
    if name in ("LabelEncoder", "LabelBinarizer"):
        return transformer.fit(LABELS), LABELS[:4]
    table = WHOLE if "Encoder" in name else TABLE.copy()
    if "Imputer" in name or "Indicator" in name:
        table[0, 0] = table[3, 2] = np.nan
    if name == "KernelCenterer":
        table = TABLE @ TABLE.T
    return transformer.fit(table, LABELS), table[:4]


def estimators():
    numbers = np.arange(6.0)
    labels = LABELS[:6]
    with_options = partial(torch.optim.Adam, betas=(0.8, 0.95), amsgrad=True)
    for optimizer in ("adam", "sgd", "adamw", with_options):
        model = skseq.LSTMSequenceClassifier(**QUICK, optimizer=optimizer)
        yield model.partial_fit(SEQUENCES, labels, classes=[0, 1]), SEQUENCES
    yield skseq.GRUSequenceRegressor(**QUICK).partial_fit(SEQUENCES, numbers), SEQUENCES
    indicator = np.eye(2, dtype=int)[labels]
    deep = {
        **QUICK,
        "bidirectional": True,
        "num_layers": 2,
        "pooling": ("max", "attention"),
    }
    yield skseq.GRUSequenceClassifier(**deep).fit(SEQUENCES, indicator), SEQUENCES
    yield (
        skseq.LSTMSequenceRegressor(**deep).fit(SEQUENCES, np.c_[numbers, numbers]),
        SEQUENCES,
    )
    words = skseq.GRUSequenceClassifier(**QUICK, embedding_dim=2, class_weight="balanced")
    yield words.fit(WORDS, labels), WORDS
    columns = ColumnTransformer(
        [("a", StandardScaler(), [0]), ("b", OneHotEncoder(handle_unknown="ignore"), [1])]
    )
    rounded = [sequence.round() for sequence in SEQUENCES]
    pipeline = make_pipeline(PerTimestep(columns), skseq.LSTMSequenceClassifier(**QUICK))
    yield pipeline.fit(rounded, labels), rounded


def seeds():
    """Pairs of the parts of a file and what its model reads."""
    warnings.simplefilter("ignore")
    found = []
    for model, data in [*transformers(), *estimators()]:
        file = io.BytesIO()
        skseq.save(model, file)
        found.append((parts(file.getvalue()), data))
    return found


def parts(data):
    length = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8 : 8 + length])["__metadata__"]
    return json.loads(metadata["header"]), safetensors.numpy.load(data)


def whole(header, tensors):
    """A file of these parts, with the right sum."""
    metadata = {"format": "skseq", "format_version": "1", "sha256": "0" * 64}
    metadata["header"] = json.dumps(header)
    data = safetensors.numpy.save(tensors, metadata=metadata)
    return data.replace(b"0" * 64, hashlib.sha256(data).hexdigest().encode(), 1)


# How it is mutated.

NUMBERS = [0, 1, -1, 2, 3, 7, 255, 10**4, 10**9, 2**31, 2**62, -(2**62), 0.5, -1e300, 1e300]
VALUES = [None, True, False, "", "x", [], {}, {"tuple": []}, {"dict": {}}, {"float": "nan"}]


def mutated(random, seeds):
    """One file with one to three changes, and what its model reads."""
    (header, tensors), data = seeds[random.integers(len(seeds))]
    header, tensors = copy.deepcopy(header), dict(tensors)
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        if tensors and random.random() < 0.5:
            mutate_tensor(random, tensors)
        else:
            mutate_tree(random, header, seeds)
    return whole(header, tensors), data


def mutate_tensor(random, tensors):
    name = random.choice(sorted(tensors))
    array = tensors[name]
    way = random.integers(7)
    if way == 0:
        array = array.copy()
        flat = array.reshape(-1)
        if len(flat):
            at = random.integers(len(flat), size=random.integers(1, 4))
            with np.errstate(all="ignore"):
                flat[at] = np.array(random.choice(NUMBERS, len(at))).astype(array.dtype)
    elif way == 1:
        with np.errstate(all="ignore"):
            dtype = random.choice(["f4", "f8", "i8", "i4", "u1", "?"])
            array = array.astype(dtype) if array.dtype.kind in "fiub" else array
    elif way == 2:
        array = array[: max(len(array) - 1, 0)] if array.ndim else array[None]
    elif way == 3:
        array = np.concatenate([array, array]) if array.ndim else np.stack([array] * 2)
    elif way == 4:
        array = array.reshape(-1) if random.random() < 0.5 else array[..., None]
    elif way == 5:
        array = tensors[random.choice(sorted(tensors))]
    else:
        bits = np.frombuffer(random.bytes(array.nbytes), np.uint8)
        array = bits.view(array.dtype).reshape(array.shape) if array.nbytes else array
    tensors[name] = np.ascontiguousarray(array).reshape(array.shape)


def places(tree):
    inside = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in list(inside):
        yield tree, key
        if isinstance(value, (dict, list)):
            yield from places(value)


def mutate_tree(random, header, seeds):
    found = list(places(header))
    container, key = pick(random, found)
    value, way = container[key], random.integers(8)
    if way < 3 and type(value) in (int, float):
        way = random.integers(2)
        container[key] = (
            value + int(random.choice([-1, 1])) if way else pick(random, NUMBERS)
        )
    elif way == 3:
        container[key] = copy.deepcopy(pick(random, VALUES))
    elif way == 4:
        del container[key]
    elif way == 5:
        other, place = pick(random, found)
        container[key] = copy.deepcopy(other[place] if len(other) else None)
    elif way == 6:
        (tree, _), _ = seeds[random.integers(len(seeds))]
        other, place = pick(random, list(places(tree["model"])))
        container[key] = copy.deepcopy(other[place])
    elif isinstance(value, list) and len(value):
        value.append(copy.deepcopy(value[random.integers(len(value))]))
    else:
        container[key] = pick(random, NUMBERS)


def pick(random, values):
    return values[random.integers(len(values))]


# What is done with it.


def use(model, data):
    """Everything that reads what was loaded; the numbers that come out."""
    found = []
    for call in (
        lambda: model.transform(data),
        lambda: model.inverse_transform(model.transform(data)),
        lambda: model.predict_proba(data),
        lambda: model.predict(data),
        lambda: model.get_feature_names_out(),
        lambda: repr(model),
        lambda: model.partial_fit(data, LABELS[: len(data)]),
        lambda: model.predict(data),
        lambda: model.transform(data),
    ):
        try:
            found.append(numbers_of(call()))
        except Exception as error:
            found.append(type(error).__name__)
    return found


def numbers_of(result):
    if hasattr(result, "toarray"):
        result = result.toarray()
    array = np.asarray(getattr(result, "values", result))
    if array.dtype.kind not in "fiub" or array.size > 10**6:
        return ""
    with np.errstate(all="ignore"):
        return repr(np.round(array.astype(float), 6).tolist())[:2000]


def load_and_use(content, data):
    """What comes out of a file, or a word on why it is red."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        model = skseq.load(io.BytesIO(content))
    except (ValueError, ImportError):
        return "refused"
    except Exception as error:
        return f"RED load raised {type(error).__name__}: {error}"[:200]
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10
    if grown > MEMORY // 2:
        return f"RED load took {grown >> 20} MB"
    return use(model, data)


def run(files, write):
    """In a process of its own: a line of JSON for each file, before and after it."""
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    threadpoolctl.threadpool_limits(1)
    limit = resource.getrlimit(resource.RLIMIT_AS)[1]
    with open("/proc/self/statm") as file:
        size = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, limit))

    def too_slow(*_):
        raise TimeoutError

    signal.signal(signal.SIGVTALRM, too_slow)
    for content, data in files:
        # Compiled code does not hear of the first; the second ends a process that is slow,
        # and the third one that waits for something.
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
        signal.setitimer(signal.ITIMER_PROF, 2 * SECONDS)
        signal.alarm(20 * SECONDS)
        found = load_and_use(content, data)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        write.write(json.dumps(found) + "\n")
        write.flush()


def in_a_process(files, perturbed):
    """What each file gave, and the signal that ended the process, if one did."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        perturb(perturbed)
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # of mutated `verbose`
            with open(write, "w") as out:
                run(files, out)
        finally:
            os._exit(0)
    os.close(write)
    with open(read) as lines:
        found = [json.loads(line) for line in lines if line.endswith("\n")]
    return found, os.WTERMSIG(os.waitpid(child, 0)[1])


def perturb(byte):
    """Fill memory that glibc hands out with a byte, where there is glibc."""
    import ctypes

    try:
        ctypes.CDLL(None).mallopt(-6, byte)
    except (AttributeError, OSError):
        return


def judge(files):
    """Reds among these files, each with its file."""
    reds = []
    results = []
    for byte in (0x00, 0xA5):
        left, found = list(files), []
        while left:
            some, ended_by = in_a_process(left, byte)
            found += some
            left = left[len(some) :]
            if left:
                if ended_by != signal.SIGPROF:  # which a slow one is ended by
                    reds.append((f"RED signal {ended_by}", left[0][0]))
                found.append(None)
                left = left[1:]
        results.append(found)
    for (content, _), one, other in zip(files, *results, strict=True):
        if isinstance(one, str) and one.startswith("RED"):
            reds.append((one, content))
        elif None not in (one, other) and one != other:
            if "TimeoutError" in (*one, *other):
                continue
            reds.append(("RED results depend on foreign memory", content))
    return reds


def judge_seed(seed):
    random = np.random.default_rng(seed)
    return judge([mutated(random, SEEDS) for _ in range(BATCH)])


def fuzz(count, seed=0, jobs=1):
    """Yields the reds of each batch of files."""
    global SEEDS
    SEEDS = seeds()
    batches = [[seed, number] for number in range(-(-count // BATCH))]
    if jobs == 1:
        yield from map(judge_seed, batches)
        return
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        yield from pool.imap_unordered(judge_seed, batches)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for files that are red")
    asked = parser.parse_args()
    begin, done, n_red = time.monotonic(), 0, 0
    for reds in fuzz(asked.count, asked.seed, asked.jobs):
        done += BATCH
        for what, content in reds:
            n_red += 1
            name = hashlib.sha256(content).hexdigest()[:12]
            print(what, name, flush=True)
            if asked.keep:
                asked.keep.mkdir(parents=True, exist_ok=True)
                (asked.keep / f"{name}.skseq").write_bytes(content)
        if done % (BATCH * 200) == 0:
            print(
                f"{done} files, {done / (time.monotonic() - begin):.0f} a second",
                flush=True,
            )
    seconds = time.monotonic() - begin
    print(f"{done} files in {seconds:.0f} s, {done / seconds:.0f} a second: {n_red} red")
    sys.exit(n_red > 0)


if __name__ == "__main__":
    main()
