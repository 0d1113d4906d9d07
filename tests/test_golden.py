"""Files that earlier versions wrote: they load, to the bit."""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import InconsistentVersionWarning

import skseq

FOLDER = Path(__file__).parent / "golden"
sys.path.insert(0, str(FOLDER))
import make  # noqa: E402

# Names of channels, which old files keep as if they were names of columns.
RENAMED = {
    "feature_names_in_": "channel_names_",
    "pertimestep.feature_names_in_": "pertimestep.channel_names_",
}
FILES = sorted(FOLDER.glob("*.skseq"))


def loaded(path):
    """The model, and what it was when it was saved."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        model = skseq.load(path)
    with np.load(path.with_suffix(".npz")) as arrays:
        expected = dict(arrays)
    expected.update(json.loads(str(expected.pop("plain"))))
    X, lengths = expected.pop("X"), expected.pop("lengths", None)
    X = X.tolist() if lengths is None else np.split(X, np.cumsum(lengths)[:-1])
    return model, X, expected.pop("outputs"), expected


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_parameters_attributes_weights_and_moments_are_exact(path):
    model, _, _, expected = loaded(path)
    found = make.state(model)
    assert any("net_." in name for name in expected)
    for name, value in expected.items():
        if name in RENAMED and RENAMED[name] not in expected:
            name = RENAMED[name]
        if isinstance(value, np.ndarray):
            assert found[name].dtype == value.dtype, name
            np.testing.assert_array_equal(found[name], value, err_msg=name)
        else:
            assert json.loads(json.dumps(found[name])) == value, name


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_predictions_are_those_of_then(path):
    """Processors round in different ways: an LSTM computes in float32."""
    model, X, outputs, _ = loaded(path)
    np.testing.assert_allclose(make.outputs(model, X), outputs, rtol=1e-6)


def test_there_are_old_files():
    assert len(FILES) >= 4


def test_an_old_training_goes_on():
    model, X, _, expected = loaded(FOLDER / "0.1.0-classifier.skseq")
    assert sum(name.endswith(".exp_avg") for name in expected) > 0
    assert (model.n_epochs_, len(model.history_)) == (2, 2)
    model.partial_fit(X, np.tile(["down", "up"], 6))
    assert model.n_epochs_ == 3
    moments = model.net_.optimizer_.state_dict()["state"]
    assert {int(of_one["step"]) for of_one in moments.values()} == {3}
