"""Files that earlier versions wrote: they load, to the bit."""

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

FILES = sorted(FOLDER.glob("*.skseq"))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_an_old_file_loads(path):
    expected = np.load(path.with_suffix(".npz"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        model = skseq.load(path)
    found = make.weights(model)
    assert found.keys() == set(expected) - {"outputs"}
    for name, weight in found.items():
        np.testing.assert_array_equal(weight, expected[name])
    X = make.words() if "symbols" in path.stem else make.sequences()
    # What one processor rounds in another way is no matter of files.
    np.testing.assert_allclose(make.outputs(model, X), expected["outputs"], rtol=1e-5)


def test_there_are_old_files():
    assert len(FILES) >= 4


def test_an_old_training_goes_on():
    model = skseq.load(FOLDER / "0.1.0-classifier.skseq")
    assert (model.n_epochs_, len(model.history_)) == (2, 2)
    moments = model.net_.optimizer_.state_dict()["state"]
    assert {int(of_one["step"]) for of_one in moments.values()} == {2}
    model.partial_fit(make.sequences(), np.tile(["down", "up"], 6))
    assert model.n_epochs_ == 3
