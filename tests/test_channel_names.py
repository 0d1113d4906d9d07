"""Names of channels stay with them, and rows stay with what belongs to them."""

import copy
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.model_selection import GridSearchCV, GroupKFold, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skseq
from skseq import (
    GRUSequenceRegressor,
    LSTMSequenceClassifier,
    SequenceArray,
    as_sequences,
)
from skseq.formats import (
    from_long,
    from_multiindex,
    long_to_frame,
    to_long,
    to_multiindex,
)
from skseq.preprocessing import Jitter, PerTimestep, sliding_windows

NAMES = ["heat", "light"]
LENGTHS = [3, 2, 4, 2, 3, 2]
OPTIONS = {"hidden_size": 3, "max_epochs": 1, "validation_fraction": None}


def steps(columns=NAMES):
    rng = np.random.default_rng(0)
    ids = np.repeat(["d", "a", "c", "b", "f", "e"], LENGTHS)
    label = np.repeat([1, 0, 1, 0, 1, 0], LENGTHS)
    hour = np.concatenate([np.arange(n) for n in LENGTHS])
    values = rng.normal(size=(len(ids), 2))
    table = pd.DataFrame(values, columns=NAMES)
    table = table.assign(id=ids, hour=hour, label=label, ward=label.astype(str))
    return table.sample(frac=1, random_state=0)[[*columns, "id", "hour", "label", "ward"]]


def long(columns):
    return from_long(steps(), id="id", time="hour", values=columns)[0]


FORMS = {
    "from_long": long,
    "from_multiindex": lambda columns: from_multiindex(
        steps().set_index(["id", "hour"]).sort_index()[columns]
    )[0],
    "frames": lambda columns: [frame[columns] for _, frame in steps().groupby("id")],
    "long_to_frame": lambda columns: long_to_frame(
        steps(), id="id", time="hour", values=columns
    )[["sequence"]],
    "a column": lambda columns: long_to_frame(
        steps(), id="id", time="hour", values=columns
    )["sequence"],
    "sequence_frame": lambda columns: skseq.sequence_frame(long(columns)),
    "rows": lambda columns: long(columns)[[5, 1, 0, 2, 3, 4]],
    "pickled": lambda columns: pickle.loads(pickle.dumps(long(columns)[:6])),
    "copied": lambda columns: copy.deepcopy(long(columns)),
    "split": lambda columns: train_test_split(long(columns), test_size=1)[0],
    "split frame": lambda columns: train_test_split(
        FORMS["long_to_frame"](columns), test_size=1
    )[0],
    "windows": lambda columns: sliding_windows(steps()[columns], length=3)[0],
    "polars structs": lambda columns: pl.Series(
        [[dict(zip(columns, row, strict=True)) for row in x] for x in long(columns)]
    ),
    "by hand": lambda columns: SequenceArray(
        np.ones((6, 2)), [1] * 6, channel_names=columns
    ),
    "resampled": lambda columns: Jitter(factor=2, random_state=0).fit_resample(
        long(columns), [0, 1] * 3
    )[0],
    "scaled": lambda columns: PerTimestep(StandardScaler()).fit_transform(long(columns)),
    "scaled back": lambda columns: (
        PerTimestep(StandardScaler()).fit(long(columns)).inverse_transform(long(columns))
    ),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_another_order_of_channels_is_an_error(form, tmp_path):
    X = form(NAMES)
    model = GRUSequenceRegressor(**OPTIONS).fit(X, np.arange(len(as_sequences(X))))
    assert model.channel_names_.tolist() == NAMES
    skseq.save(model, tmp_path / "model.skseq")
    message = r"channels of X are \['light', 'heat'\], but GRU.* on \['heat', 'light'\]"
    for each in (model, skseq.load(tmp_path / "model.skseq"), copy.deepcopy(model)):
        assert np.isfinite(each.predict(X)).all()
        for swapped in (form(NAMES[::-1]), long(NAMES[::-1])):
            with pytest.raises(ValueError, match=message):
                each.predict(swapped)
    # Sequences without names are taken as they are.
    model.predict(list(as_sequences(X)))


def test_a_pipeline_sees_names():
    pipeline = make_pipeline(PerTimestep(StandardScaler()), GRUSequenceRegressor(**OPTIONS))
    pipeline.fit(long(NAMES), np.arange(6))
    assert pipeline[-1].channel_names_.tolist() == NAMES
    with pytest.raises(ValueError, match="PerTimestep was fitted on"):
        pipeline.predict(long(NAMES[::-1]))


def test_functions_lose_names():
    assert long(NAMES).map(lambda x: x[:, ::-1]).channel_names is None


def test_names_are_written():
    assert to_long(long(NAMES)).columns.tolist() == ["id", "time", *NAMES]
    assert to_multiindex(long(NAMES)).columns.tolist() == NAMES
    assert to_long([[1.0]]).columns.tolist() == ["id", "time", "x0"]


def test_numbered_columns_are_no_names():
    frames = [pd.DataFrame(np.ones((n, 2))) for n in (2, 3)] * 3
    model = GRUSequenceRegressor(**OPTIONS).fit(frames, np.arange(6))
    assert model.channel_names_ is None
    X, _ = from_long(pd.DataFrame({"id": [0], 5: [1.0]}), id="id", values=5)
    assert X.channel_names is None


def test_a_refit_forgets_names():
    model = GRUSequenceRegressor(**OPTIONS).fit(long(NAMES), np.arange(6))
    model.fit(list(long(NAMES)), np.arange(6))
    assert model.channel_names_ is None
    model.predict(long(NAMES[::-1]))


def test_names_are_those_of_their_column():
    frame = long_to_frame(steps(), id="id", time="hour", values=NAMES)
    frame["other"] = frame["sequence"]
    assert as_sequences(frame[["sequence"]]).channel_names == tuple(NAMES)
    assert as_sequences(frame["other"]).channel_names is None
    assert as_sequences(frame[["other"]]).channel_names is None


# long_to_frame


@pytest.mark.parametrize(
    "library", [lambda df: df, pl.from_pandas, pa.Table.from_pandas], ids=["pd", "pl", "pa"]
)
def test_a_row_for_each_sequence(library):
    table = steps().reset_index(drop=True)
    frame = long_to_frame(
        library(table), id="id", time="hour", values=NAMES, static=["label", "ward"]
    )
    X, ids = from_long(table, id="id", time="hour", values=NAMES)
    assert frame.index.tolist() == ids.tolist()
    assert frame.index.name == "id"
    assert frame.columns.tolist() == ["sequence", "label", "ward"]
    for cell, sequence in zip(frame["sequence"], X, strict=True):
        np.testing.assert_array_equal(cell, sequence)
    by_id = table.groupby("id")["label"].first()
    assert frame["label"].to_dict() == by_id.to_dict()
    assert frame["label"].dtype == table["label"].dtype
    assert frame["ward"].tolist() == frame["label"].astype(str).tolist()


def test_labels_follow_their_sequences_into_a_search():
    frame = long_to_frame(
        steps(), id="id", time="hour", values="heat", static=["label", "ward"]
    )
    assert frame.columns.tolist() == ["heat", "label", "ward"]
    X, y = frame.sort_index()[["heat"]], frame.sort_index()["label"]
    assert y.tolist() == [0, 0, 1, 1, 0, 1]
    folds = GroupKFold(2)
    search = GridSearchCV(
        LSTMSequenceClassifier(**OPTIONS), {"pooling": ["last", "mean"]}, cv=folds
    )
    y = [0, 1, 0, 1, 0, 1]
    search.fit(X, y, groups=[0, 0, 1, 1, 0, 0])
    assert search.best_estimator_.feature_names_in_.tolist() == ["heat"]


def test_what_is_kept_of_a_sequence_keeps_its_type():
    table = pd.DataFrame(
        {
            "id": [2, 1, 2],
            "x": [1.0, 2.0, 3.0],
            "kind": pd.Categorical(["b", "a", "b"], categories=["a", "b", "c"]),
            "born": pd.to_datetime(["2020-01-01", "2021-01-01", "2020-01-01"]),
            "gap": [np.nan, 1.0, np.nan],
            "none": [None, "x", None],
        }
    )
    static = ["kind", "born", "gap", "none"]
    frame = long_to_frame(table, id="id", values="x", static=static)
    assert frame[static].dtypes.tolist() == table[static].dtypes.tolist()
    assert frame.index.tolist() == [2, 1]
    assert frame["kind"].tolist() == ["b", "a"]
    assert np.isnan(frame["gap"][2])


def test_what_cannot_be_kept():
    table = steps()
    table.loc[table["id"] == "c", "label"] = [1, 1, 0, 1]
    with pytest.raises(ValueError, match="'label' is not constant within the sequence c"):
        long_to_frame(table, id="id", time="hour", values="heat", static="label")
    with pytest.raises(ValueError, match="df has no columns 'age', but one is needed"):
        long_to_frame(table, id="id", values="heat", static=["age"])
    with pytest.raises(ValueError, match="The ids are the index; leave 'id' out of static"):
        long_to_frame(table, id="id", values="heat", static=["id"])
    with pytest.raises(ValueError, match="column of sequences is called 'heat', and so is"):
        long_to_frame(table, id="id", values="heat", static="heat")
