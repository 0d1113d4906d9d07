"""`skseq.save` and `skseq.load`: exact, whole or not at all, and no code in the file."""

import contextlib
import copy
import hashlib
import importlib
import inspect
import io
import json
import os
import pickle
import pkgutil
import re
import resource
import stat
import sys
import zipfile
from functools import partial

import imblearn.pipeline
import numpy as np
import pandas as pd
import pytest
import safetensors.numpy
import sklearn
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import run_fresh
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from skorch.callbacks import Callback, EpochScoring
from skorch.utils import to_numpy

import skseq
from skseq import (
    GRUSequenceClassifier,
    GRUSequenceRegressor,
    LSTMSequenceClassifier,
    LSTMSequenceRegressor,
)
from skseq._files.allowlist import INSTANCES
from skseq.callbacks import EarlyStopping, ValidationSplit
from skseq.preprocessing import Jitter, PerTimestep, SineGenerator, WindowSplit

QUICK = {"hidden_size": 4, "max_epochs": 2, "validation_fraction": None, "random_state": 0}
MODELS = {
    "lstm classifier": LSTMSequenceClassifier(**QUICK, bidirectional=True, num_layers=2),
    "gru classifier": GRUSequenceClassifier(**QUICK, pooling=("max", "attention")),
    "lstm regressor": LSTMSequenceRegressor(**QUICK, loss="poisson", dropout=0.2),
    "gru regressor": GRUSequenceRegressor(**{**QUICK, "validation_fraction": 0.2}),
}


OPTIMIZERS = {
    "adam": "adam",
    "sgd": "sgd",
    "a class": torch.optim.RMSprop,
    "with options": partial(torch.optim.Adam, betas=(0.8, 0.95), amsgrad=True),
}


def through_file(model, **options):
    file = io.BytesIO()
    skseq.save(model, file, **options)
    return skseq.load(io.BytesIO(file.getvalue()), **options)


def outputs(model, X):
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


def targets(model, y):
    return y if hasattr(model, "class_weight") else np.arange(len(y)) + 1.0


def fitted(model, ragged):
    X, y = ragged
    return clone(model).fit(X, targets(model, y))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.skseq"


# What comes back.


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_round_trips_are_exact_and_draw_nothing(ragged, path, model):
    model = fitted(model, ragged)
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    skseq.save(model, path)
    again = skseq.load(path)
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()  # noqa: NPY002
    assert type(again) is type(model)
    assert (outputs(again, ragged[0]) == outputs(model, ragged[0])).all()
    assert again.history_ == model.history_
    assert again.get_params() == model.get_params()
    assert vars(again).keys() == vars(model).keys()


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("model", [MODELS["lstm regressor"], MODELS["gru classifier"]])
def test_training_goes_on_exactly(ragged, model, optimizer):
    X, y = ragged[0], targets(model, ragged[1])
    options = {"classes": ["down", "up"]} if hasattr(model, "class_weight") else {}
    model = clone(model).set_params(optimizer=optimizer, lr=0.001)
    model.partial_fit(X, y, **options).partial_fit(X, y)
    again = through_file(model).partial_fit(X, y)
    model.partial_fit(X, y)
    assert (outputs(again, X) == outputs(model, X)).all()
    assert again.n_epochs_ == model.n_epochs_ == 3


@pytest.mark.parametrize(
    "y",
    [
        np.tile([0, 1], 6),
        np.tile(["été", "雪"], 6),
        np.tile(np.array(["a", "b"], dtype=object), 6),
        np.tile([True, False], 6),
        np.tile(np.array(["2020-01-01", "2021-01-01"], dtype="datetime64[D]"), 6),
        np.tile([[0, 1, 0], [1, 1, 0], [0, 0, 1]], (4, 1)),
    ],
    ids=["int", "str", "object", "bool", "date", "indicator"],
)
def test_labels_and_symbols_of_every_kind(y):
    words = ["abc", "ca", "bb", "b"] * 3
    model = LSTMSequenceClassifier(**QUICK, embedding_dim=3).fit(words, y)
    again = through_file(model)
    assert again.classes_.dtype == model.classes_.dtype
    assert again.classes_.tolist() == model.classes_.tolist()
    assert again.vocabulary_.tolist() == ["a", "b", "c"]
    assert (again.predict(["ab", "a?"]) == model.predict(["ab", "a?"])).all()


PARAMETERS = [
    {"class_weight": {"down": 1.0, "up": 2}},
    {"callbacks": [EarlyStopping(patience=1), ("split", ValidationSplit(KFold(3)))]},
    {"validation_fraction": GroupKFold(4)},
    {"validation_fraction": WindowSplit(2, horizon=1)},
    {"validation_fraction": [(np.arange(30), np.arange(30, 40))]},
    {"optimizer": torch.optim.AdamW},
    {"optimizer": partial(torch.optim.SGD, momentum=np.float64(0.5), nesterov=True)},
    {"optimizer": partial(torch.optim.SGD, lr=0.1)},  # which waits for fit to complain
    {"device": torch.device("cpu")},
    {"random_state": np.random.RandomState(3)},
    {"gradient_clip": float("inf"), "lr": 1e-300, "patience": 10**30},
    {"pooling": ["last", "max"], "batch_size": np.int64(7), "dropout": np.float32(0.1)},
]


@pytest.mark.parametrize("parameters", PARAMETERS, ids=lambda p: next(iter(p)))
def test_parameters_of_every_kind_come_back(parameters):
    model = LSTMSequenceClassifier(**parameters)
    again = through_file(model)
    assert not hasattr(again, "net_")
    for name, value in parameters.items():
        other = getattr(again, name)
        assert type(other) is type(value)
        if name == "random_state":
            assert (other.random_sample(9) == copy.deepcopy(value).random_sample(9)).all()
        else:
            assert re.sub("at 0x.*?>", "", repr(other)) == re.sub(
                "at 0x.*?>", "", repr(value)
            )


def test_callbacks_and_splitters_keep_their_parameters():
    stopping, split = (
        EarlyStopping("train_loss", 3, threshold=0.5),
        WindowSplit(3, horizon=2),
    )
    model = GRUSequenceRegressor(callbacks=[stopping], validation_fraction=split)
    again = through_file(model)
    assert vars(again.callbacks[0]) == vars(stopping)
    assert vars(again.validation_fraction) == vars(split)


def public_classes():
    """Public classes of skseq that a user makes instances of, by their public name."""
    names = [m.name for m in pkgutil.walk_packages(skseq.__path__, "skseq.")]
    found = {}
    for module in map(importlib.import_module, ["skseq", *names]):
        for name in getattr(module, "__all__", ()):
            item = getattr(module, name)
            if not inspect.isclass(item) or inspect.isabstract(item):
                continue
            if issubclass(item, (BaseEstimator, Callback)) or hasattr(item, "split"):
                found[name] = item
    return found


@pytest.mark.parametrize("name", public_classes())
def test_every_public_class_is_known(name):
    cls = public_classes()[name]
    needed = {"transformer": StandardScaler(), "horizon": 1, "trial": None}
    signature = inspect.signature(cls).parameters.values()
    model = cls(**{p.name: needed[p.name] for p in signature if p.default is p.empty})
    # As a parameter, because callbacks and splitters are no estimators.
    again = through_file(FunctionTransformer(kw_args={"it": model})).kw_args["it"]
    assert type(again) is cls
    assert vars(again).keys() == vars(model).keys()


# Pipelines.


def identity(X):
    return X


def test_a_pipeline_with_transformers_of_steps(ragged, path):
    X, y = ragged
    model = make_pipeline(
        PerTimestep(FeatureUnion([("scaler", StandardScaler()), ("pca", PCA(1))])),
        LSTMSequenceClassifier(**QUICK),
    ).fit(X, y)
    skseq.save(model, path)
    again = skseq.load(path)
    assert (again.predict_proba(X) == model.predict_proba(X)).all()
    assert again[-1].history_ == model[-1].history_
    assert again.get_params().keys() == model.get_params().keys()
    assert again.set_output(transform="pandas")[0].transform(X).shape == (40, 1)


def test_a_pipeline_that_picks_columns_of_frames(ragged):
    X = [pd.DataFrame(x, columns=["speed", "gear"]).round() for x in ragged[0]]
    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["speed"]),
            ("codes", OneHotEncoder(handle_unknown="ignore"), ["gear"]),
        ],
        remainder="passthrough",
    )
    model = make_pipeline(PerTimestep(columns), GRUSequenceClassifier(**QUICK))
    model.fit(X, ragged[1])
    assert (through_file(model).predict_proba(X) == model.predict_proba(X)).all()


def test_targets_through_a_function_and_a_sampler_before(ragged):
    X, y = ragged[0], np.arange(40) + 1.0
    regressor = TransformedTargetRegressor(
        GRUSequenceRegressor(**QUICK), func=np.log1p, inverse_func=np.expm1
    ).fit(X, y)
    assert (through_file(regressor).predict(X) == regressor.predict(X)).all()
    sampled = imblearn.pipeline.make_pipeline(
        Jitter(factor=2, random_state=0), LSTMSequenceClassifier(**QUICK)
    ).fit(*ragged)
    assert (through_file(sampled).predict_proba(X) == sampled.predict_proba(X)).all()


def test_generators_in_front():
    waves = SineGenerator(n_timesteps=8)
    table = waves.draw_settings(20, random_state=0)
    model = make_pipeline(waves, GRUSequenceRegressor(**QUICK))
    model.fit(table, waves.targets(table))
    assert (through_file(model).predict(table) == model.predict(table)).all()


SETTINGS = {
    "FastICA": {"n_components": 2, "tol": 0.1},
    "GaussianRandomProjection": {"n_components": 3},
    "KBinsDiscretizer": {"strategy": "uniform"},
    "NMF": {"n_components": 2, "tol": 0.1},
    "Nystroem": {"n_components": 5},
    "QuantileTransformer": {"n_quantiles": 5},
}
NO_TABLE = {"LabelEncoder", "LabelBinarizer", "MultiLabelBinarizer"}
COMPOSED = {"ColumnTransformer", "TransformedTargetRegressor", "FeatureUnion", "Pipeline"}
TRANSFORMERS = sorted(
    f"{module}.{name}"
    for module, names in INSTANCES.items()
    for name in names
    if module.startswith("sklearn.")
    and module != "sklearn.model_selection"
    and name not in COMPOSED
)


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_every_known_transformer_is_exact(name):
    module, _, attribute = name.rpartition(".")
    cls = getattr(importlib.import_module(module), attribute)
    transformer = cls(**SETTINGS.get(attribute, {}))
    X, y = np.random.default_rng(0).random((12, 12)), np.tile([0, 1, 2], 4)
    data = {"MultiLabelBinarizer": [["a", "b"], ["a"]]}.get(attribute, y)
    transformer.fit(data) if attribute in NO_TABLE else transformer.fit(X, y)
    X = data if attribute in NO_TABLE else X
    one, other = transformer.transform(X), through_file(transformer).transform(X)
    one, other = (a.toarray() if hasattr(a, "toarray") else a for a in (one, other))
    assert (one == other).all()


def test_requests_for_metadata_come_back():
    with sklearn.config_context(enable_metadata_routing=True):
        model = LSTMSequenceClassifier().set_fit_request(groups=True, sample_weight="w")
        again = through_file(model)
        assert str(again.get_metadata_routing()) == str(model.get_metadata_routing())


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.slices(9),
        lambda x: (
            st.lists(x)
            | st.lists(x).map(tuple)
            | st.dictionaries(st.text() | st.integers(), x)
        ),
    )
)
@settings(max_examples=30)
def test_any_plain_data_come_back(data):
    again = through_file(FunctionTransformer(kw_args={"it": data})).kw_args["it"]
    assert repr(again) == repr(data)


ARRAYS = [
    np.zeros((0, 3), np.float32),
    np.array(2.5),
    np.arange(12.0).reshape(3, 4).T,
    np.arange(24, dtype=">i2").reshape(2, 3, 4),
    np.arange(9)[::-2],
    np.array([["a", "bcd"]]),
    np.array([b"a", b"bcd"]),
    np.array([["x", None], [1.5, np.nan]], dtype=object),
    np.array([1 + 2j, np.nan]),
    np.array(["2020-01-01", "NaT"], dtype="datetime64[s]"),
    np.array([True, False]),
    np.float32(0.1),
    np.str_("word"),
    np.dtype("<U3"),
]


@pytest.mark.parametrize("array", ARRAYS, ids=repr)
def test_any_array_comes_back(array):
    again = through_file(FunctionTransformer(kw_args={"it": array})).kw_args["it"]
    assert type(again) is type(array)
    assert repr(again) == repr(array)
    if isinstance(array, np.ndarray):
        assert again.dtype == array.dtype
        assert again.flags.writeable
        assert again.flags.f_contiguous == array.copy(order="K").flags.f_contiguous


# What is the user's own.


class Deeper(GRUSequenceClassifier):
    """A subclass, as a user writes it."""

    note = "of the class"


class Halver(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):
        self.by_ = 2
        return self

    def transform(self, X):
        return X / self.by_


def test_own_classes_and_functions_are_trusted_by_name(ragged, path):
    X, y = ragged
    model = make_pipeline(
        FunctionTransformer(identity), PerTimestep(Halver()), Deeper(**QUICK)
    )
    model.fit(X, y)
    with pytest.raises(
        TypeError, match=r"steps.0.1.func is test_files.identity.*trusted=\["
    ):
        skseq.save(model, path)
    own = [identity, Halver, Deeper]
    skseq.save(model, path, trusted=own)
    with pytest.raises(ValueError, match=r"test_files.identity.*trusted=\[identity\]"):
        skseq.load(path)
    again = skseq.load(path, trusted=own)
    assert (again.predict_proba(X) == model.predict_proba(X)).all()


def test_what_is_trusted_may_have_moved(path):
    skseq.save(FunctionTransformer(identity), path, trusted=[identity])

    def moved(X):
        return X

    moved.__qualname__ = "identity"
    assert skseq.load(path, trusted=[moved]).func is moved


def test_callbacks_of_skorch_can_be_trusted():
    model = GRUSequenceClassifier(callbacks=[EpochScoring("accuracy")])
    again = through_file(model, trusted=[EpochScoring, to_numpy]).callbacks[0]
    assert vars(again) == vars(model.callbacks[0])


@pytest.mark.parametrize("trusted", [["name"], [3]])
def test_trusted_are_things_not_names(path, trusted):
    with pytest.raises(TypeError, match="classes and functions themselves"):
        skseq.save(PCA(), path, trusted=trusted)
    with pytest.raises(TypeError, match="classes and functions themselves"):
        skseq.load(path, trusted=trusted)


class Counts(dict):
    """Its attributes are not all that it is."""


LOOP = []
LOOP.append(LOOP)
REFUSED = {
    "a lambda": (FunctionTransformer(lambda X: X), "func is a lambda.*made with def"),
    "a function": (FunctionTransformer(os.system), "func is .*system"),
    "a bound method": (FunctionTransformer("a".join), "func is .*join"),
    "another estimator": (make_pipeline(SVC()), r"steps.0.1 is a sklearn.*trusted=\[SVC"),
    "a search": (
        GridSearchCV(SVC(), {}, cv=2).fit(np.eye(8), [0, 1] * 4),
        "save its best_estimator_",
    ),
    "a cache": (Pipeline([("p", PCA())], memory="cache"), "memory.*set it to None"),
    "a masked array": (FunctionTransformer(kw_args={"x": np.ma.zeros(3)}), "kw_args.x is"),
    "a record": (FunctionTransformer(kw_args={"x": np.zeros(2, "i4,f4")}), "dtype"),
    "a set": (FunctionTransformer(kw_args={"x": {1}}), "kw_args.x is a builtins.set"),
    "itself": (FunctionTransformer(kw_args={"x": LOOP}), "nested too deeply"),
    "a generator": (
        skseq.GRUSequenceRegressor(random_state=np.random.RandomState(np.random.PCG64(0))),
        "random_state is a RandomState of PCG64, which",
    ),
    "a class": (PCA, "takes an estimator"),
    "a number": (5, "takes an estimator"),
}


if np.dtype(np.longdouble).itemsize > 8:  # it is not where it is a float64
    longer = FunctionTransformer(kw_args={"x": np.zeros(2, np.longdouble)})
    REFUSED["a longer float"] = (longer, "kw_args.x is an array of dtype float128")


@pytest.mark.parametrize(("model", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_saved_is_refused_and_the_old_file_stays(path, model, message):
    path.write_bytes(b"old")
    with pytest.raises(TypeError, match=message):
        skseq.save(model, path)
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert path.read_bytes() == b"old"


def test_trust_does_not_lose_what_is_no_attribute(path):
    model = FunctionTransformer(kw_args={"x": Counts(a=1)})
    with pytest.raises(TypeError, match="more than its attributes"):
        skseq.save(model, path, trusted=[Counts])


# Files that are not what they were, or never were.


@pytest.fixture(scope="module")
def whole():
    """The bytes of a small fitted model."""
    model = GRUSequenceRegressor(**QUICK).set_params(hidden_size=1, pooling="last")
    file = io.BytesIO()
    skseq.save(model.fit([[1.0, 2.0], [3.0], [0.0]], [1.0, 2.0, 3.0]), file)
    return file.getvalue()


NOT_WHOLE = "was cut or changed|is not a file that skseq.save wrote"


def assert_refused(data):
    with pytest.raises(ValueError, match=f"^The file ({NOT_WHOLE})") as caught:
        skseq.load(io.BytesIO(data))
    assert type(caught.value) is ValueError


def test_every_single_bit_counts(whole):
    for position in range(len(whole)):
        changed = bytearray(whole)
        changed[position] ^= 1 << position % 8
        assert_refused(bytes(changed))


def test_every_cut_is_noticed(whole):
    for length in range(0, len(whole), 7):
        assert_refused(whole[:length])


@given(st.data())
@settings(max_examples=200)
def test_no_damage_gets_through(whole, data):
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(start + 40, len(whole))))
    damaged = whole[:start] + data.draw(st.binary(max_size=40)) + whole[end:]
    if damaged != whole:
        assert_refused(damaged)


def zipped():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("schema.json", "{}")
    return file.getvalue()


STRANGE = {
    "empty": (b"", "it is empty"),
    "pickle": (pickle.dumps(PCA()), "a pickle.*only if you trust"),
    "old pickle": (pickle.dumps(PCA(), protocol=0), "is not a file that skseq.save wrote"),
    "zip": (zipped(), "a zip archive.*skops.io.load"),
    "tensors": (safetensors.numpy.save({"a": np.zeros(3)}), "arrays only"),
    "text": (b"hidden_size: 4", "is not a file that skseq.save wrote"),
    "huge length": (b"\xff" * 8 + b"{}", "is not a file that skseq.save wrote"),
}


@pytest.mark.parametrize(("data", "message"), STRANGE.values(), ids=STRANGE)
def test_other_files_are_named(path, data, message):
    path.write_bytes(data)
    with pytest.raises(ValueError, match=f"model.skseq .*{message}"):
        skseq.load(path)


def test_no_file_at_all(tmp_path):
    with pytest.raises(FileNotFoundError):
        skseq.load(tmp_path / "none")
    with pytest.raises(IsADirectoryError):
        skseq.load(tmp_path)
    with pytest.raises(IsADirectoryError, match="add a file name"):
        skseq.save(PCA(), tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no such folder.*none'"):
        skseq.save(PCA(), tmp_path / "none" / "model.skseq")
    with pytest.raises(TypeError, match="binary mode"):
        skseq.load(io.StringIO("text"))


# Files that somebody made on purpose, with a checksum that is right.


def forged(data, change):
    """The file after `change` of its metadata and header, made without skseq's help."""
    length = int.from_bytes(data[:8], "little")
    envelope = json.loads(data[8 : 8 + length])
    metadata = envelope["__metadata__"]
    header = json.loads(metadata["header"])
    change(metadata, header)
    metadata.update({"header": json.dumps(header), "sha256": "0" * 64})
    start = json.dumps(envelope, separators=(",", ":")).encode()
    made = len(start).to_bytes(8, "little") + start + data[8 + length :]
    return made.replace(b"0" * 64, hashlib.sha256(made).hexdigest().encode(), 1)


def load_forged(data, change):
    return skseq.load(io.BytesIO(forged(data, change)))


def test_the_forger_can_make_files_that_load(whole):
    def change(metadata, header):
        header["model"]["state"]["lr"] = 0.25

    assert load_forged(whole, change).lr == 0.25


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "builtins.eval",
        "subprocess.Popen",
        "sklearn.svm.SVC",
        "numpy.load",
        "",
        ".",
    ]
    + [
        "skseq._estimators.base.BaseSequenceEstimator",
        "test_files.Deeper",
        "numpy.exp",
        3,
        None,
        ["a"],
    ],
)
def test_other_classes_are_never_made(whole, name):
    def change(metadata, header):
        header["model"]["object"] = name

    with pytest.raises(ValueError, match="cannot be loaded"):
        load_forged(whole, change)


@pytest.mark.parametrize("name", ["os.system", "builtins.eval", "numpy.load", "skseq.load"])
def test_other_functions_are_never_named(whole, name):
    def change(metadata, header):
        header["model"]["state"]["optimizer"] = {"name": name}

    with pytest.raises(ValueError, match=f"names {name}, which skseq.load does not know"):
        load_forged(whole, change)


@pytest.mark.parametrize("name", ["builtins.int", "os.system", "numpy.exp"])
def test_options_are_of_optimizers_alone(whole, name):
    def change(metadata, header):
        node = {"optimizer": name, "options": {"where": False}}
        header["model"]["state"]["optimizer"] = node

    with pytest.raises(ValueError, match=f"{name}, which (is no optim|skseq.load)"):
        load_forged(whole, change)


@pytest.mark.parametrize("options", [{"lr": 1.0}, {"beta": 0.5}, [], 3, {"betas": 1}])
def test_options_of_the_last_training_fit_its_optimizer(ragged, options):
    optimizer = OPTIMIZERS["with options"]
    model = GRUSequenceRegressor(**QUICK, optimizer=optimizer)
    file = io.BytesIO()
    skseq.save(model.partial_fit(ragged[0], np.arange(40.0)), file)

    def change(metadata, header):
        header["model"]["state"]["_optimizer"]["options"] = options

    with pytest.raises(ValueError, match="cannot be loaded"):
        load_forged(file.getvalue(), change)


class OwnAdam(torch.optim.Adam):
    """Not one that a file may name, unless it is trusted."""


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        (partial(torch.optim.Adam, foreach=len), "optimizer.foreach is builtins.len"),
        (partial(torch.optim.Adam, (0.8, 0.9)), "optimizer has options without names"),
        (partial(np.clip, a_min=0), "optimizer is a functools.partial of clip, which"),
        (partial(OwnAdam, eps=1e-3), "optimizer is .*OwnAdam, which .* trusted=.OwnAdam."),
    ],
    ids=["a function", "without names", "no optimizer", "not trusted"],
)
def test_options_that_a_file_does_not_take(tmp_path, optimizer, message):
    with pytest.raises(TypeError, match=message):
        skseq.save(GRUSequenceRegressor(optimizer=optimizer), tmp_path / "model.skseq")
    assert not [*tmp_path.iterdir()]


def test_options_of_a_trusted_optimizer(ragged):
    optimizer = partial(OwnAdam, eps=1e-3)
    model = GRUSequenceRegressor(**QUICK, optimizer=optimizer)
    again = through_file(model.fit(ragged[0], np.arange(40.0)), trusted=[OwnAdam])
    assert again.optimizer.func is OwnAdam
    assert again.optimizer.keywords == {"eps": 1e-3}


@pytest.mark.parametrize(
    "attribute", ["__class__", "__dict__", "__reduce__", "predict", "fit", "_task_of_part"]
)
def test_methods_are_never_replaced(path, attribute):
    skseq.save(GRUSequenceClassifier(), path)

    def change(metadata, header):
        header["model"]["state"][attribute] = {"name": "numpy.exp"}

    with pytest.raises(ValueError, match=r"that a file may set|would replace what"):
        load_forged(path.read_bytes(), change)


def test_a_cache_of_pickles_is_never_named(path):
    skseq.save(make_pipeline(PCA()), path)

    def change(metadata, header):
        header["model"]["state"]["memory"] = "/tmp"

    with pytest.raises(ValueError, match="memory is a folder of pickles"):
        load_forged(path.read_bytes(), change)


SIZES = ["hidden_size", "num_layers", "n_inputs", "n_outputs"]


@pytest.mark.parametrize("size", [10**6, 10**12, -1])
@pytest.mark.parametrize("name", SIZES)
def test_a_network_larger_than_its_file_is_not_made(whole, name, size):
    def change(metadata, header):
        network = header["model"]["state"]["_network"]["dict"]
        network["config"]["dict"][name] = size

    with pytest.raises(ValueError, match="network does not fit its weights"):
        load_forged(whole, change)


def nodes(tree):
    """Every place in a tree of JSON, as a container and a key."""
    inside = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in inside:
        yield tree, key
        if isinstance(value, (dict, list)):
            yield from nodes(value)


OTHER_NODES = st.sampled_from(
    [None, True, 0, -1, "many", 10**9, 1e300, "", "x", [], {}, [[]], {"array": "x"}]
    + [
        {"scalar": 3},
        {"scalar": {"array": 3}},
        {"dict": {}},
        {"dict": [[[], 1]]},
        {"tuple": []},
        {"float": "x"},
        {"object": "x"},
    ]
    + [{"object": "skseq.preprocessing.PerTimestep", "state": {}}, {"dtype": "O,O"}]
    + [{"array": "_network.weights.head.bias", "dtype": "<U9", "shape": [10**9]}]
    + [{"objects": [], "shape": [10**12]}, {"device": "moon"}, {"slice": 3}, {"tuple": 1}]
    + [{"RandomState": {"dict": {"state": {"dict": {"pos": 700}}}}}, {"requests": {}}]
)


@given(st.data())
@settings(max_examples=200)
def test_any_other_tree_loads_or_is_refused(whole, data):
    def change(metadata, header):
        places = list(nodes(header))
        container, key = places[data.draw(st.integers(0, len(places) - 1))]
        container[key] = data.draw(OTHER_NODES)

    with contextlib.suppress(ValueError, UserWarning):  # of a device that is not there
        load_forged(whole, change)


def test_deep_nesting_is_refused(whole):
    def change(metadata, header):
        metadata["format"] = "deep"

    deep = forged(whole, change).replace(b'"deep"', b"[" * 100_000 + b"]" * 100_000)
    length = int.from_bytes(deep[:8], "little") + 200_000 - 6
    deep = length.to_bytes(8, "little") + deep[8:]
    found = re.search(rb'"sha256":"(.{64})"', deep).span(1)
    zeros = deep[: found[0]] + b"0" * 64 + deep[found[1] :]
    digest = hashlib.sha256(zeros).hexdigest().encode()
    assert_refused(zeros.replace(b"0" * 64, digest, 1))


# Versions and devices.


def test_a_newer_format_asks_for_an_upgrade(whole):
    def change(metadata, header):
        metadata["format_version"] = "2"
        header.clear()

    with pytest.raises(ValueError, match=r"format 2, which a newer skseq wrote.*upgrade"):
        load_forged(whole, change)


def test_versions_are_in_the_file_and_newer_ones_warn(whole):
    def change(metadata, header):
        names = {"skseq", "torch", "scikit-learn", "numpy", "python"}
        assert header["versions"].keys() == names
        header["versions"]["skseq"] = "99.0"

    with pytest.warns(UserWarning, match=r"skseq 99\.0, and this is"):
        load_forged(whole, change)


def test_another_scikit_learn_warns_as_it_does_itself(path):
    skseq.save(PCA(), path)

    def change(metadata, header):
        header["model"]["state"]["_sklearn_version"] = "0.99"

    with pytest.warns(InconsistentVersionWarning, match="PCA from version 0.99"):
        load_forged(path.read_bytes(), change)


def test_a_model_of_a_missing_device_loads_on_the_cpu(ragged):
    if torch.cuda.is_available():
        return  # then there is no missing device to name
    model = fitted(MODELS["lstm classifier"], ragged)
    model.device = "cuda"
    with pytest.warns(UserWarning, match=r"'cuda' is not available.*Loaded on the CPU"):
        again = through_file(model)
    assert (again.predict_proba(ragged[0]) == model.predict_proba(ragged[0])).all()


# The file on the disk.


def test_strings_paths_and_links(tmp_path):
    real, link = tmp_path / "real.skseq", tmp_path / "link.skseq"
    link.symlink_to(real)
    for target in (str(real), link, real):
        skseq.save(PCA(3), target)
        assert skseq.load(target).n_components == 3
    assert link.is_symlink()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link.skseq", "real.skseq"]


@pytest.mark.parametrize("mode", [0o600, 0o664])
def test_permissions_are_those_of_open(tmp_path, mode):
    path, other = tmp_path / "model.skseq", tmp_path / "other"
    skseq.save(PCA(), path)
    other.write_bytes(b"")
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(other.stat().st_mode)
    path.chmod(mode)
    skseq.save(PCA(), path)
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_device_file_is_not_replaced():
    with pytest.raises(PermissionError, match="Cannot be written to"):
        skseq.save(PCA(), "/dev/null")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_full_disk_leaves_the_old_file_alone(path):
    """The limit on the size of files stands for the disk."""
    skseq.save(PCA(3), path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            skseq.save(PCA(4), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert skseq.load(path).n_components == 3
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_killed_at_any_line_there_is_a_whole_file(path):
    """A process that saves in a loop, killed at the first line, the second ..."""
    code = f"""
        import os
        import signal
        import sys
        import skseq

        assert "safetensors" not in sys.modules  # which is imported late
        import skseq._files.atomic
        import skseq._files.persistence

        ours = skseq._files.persistence.__file__, skseq._files.atomic.__file__
        path = {str(path)!r}
        sizes = (20, 30)
        models = [skseq.GRUSequenceRegressor(hidden_size=size) for size in sizes]
        skseq.save(models[0], path)
        seen = set()
        for last in range(1, 10_000):
            child = os.fork()
            if child == 0:
                lines = 0

                def count(frame, event, argument):
                    global lines
                    if frame.f_code.co_filename not in ours:
                        return None
                    lines += event == "line"
                    if lines == last:
                        os.kill(os.getpid(), signal.SIGKILL)
                    return count

                sys.settrace(count)
                skseq.save(models[last % 2], path)
                os._exit(0)
            status = os.waitpid(child, 0)[1]
            seen.add(skseq.load(path).hidden_size)
            if status == 0:
                break
            assert os.WTERMSIG(status) == signal.SIGKILL, status
        assert seen == set(sizes)
        print(last)
    """
    assert int(run_fresh(code)) > 30


def test_without_safetensors_the_extra_is_named(monkeypatch, path):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    for call in (lambda: skseq.save(PCA(), path), lambda: skseq.load(path)):
        with pytest.raises(ImportError, match=r'pip install "skseq\[files\]"'):
            call()
