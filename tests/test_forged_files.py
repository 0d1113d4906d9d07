"""Files with a right checksum that somebody made: an error of ours, in few words."""

import io
import json
import re
import traceback
import warnings
import zipfile

import numpy as np
import pytest
import sklearn
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from test_files import forged, load_forged

import skseq
from skseq import GRUSequenceRegressor, LSTMSequenceClassifier
from skseq.preprocessing import Jitter

QUICK = {"hidden_size": 2, "max_epochs": 1, "validation_fraction": None}


@pytest.fixture(scope="module")
def whole():
    file = io.BytesIO()
    model = GRUSequenceRegressor(**QUICK)
    skseq.save(model.fit([[1.0, 2.0], [3.0], [0.0]], [1.0, 2.0, 3.0]), file)
    return file.getvalue()


def set_in(where, key, value):
    def change(metadata, header):
        {"metadata": metadata, "header": header, "versions": header["versions"]}[where][
            key
        ] = value

    return change


ESCAPES = "\x1b]0;owned\x07\x1b[2J\u202e" + "long " * 2_000_000
STRANGE = [
    set_in("metadata", "format_version", value)
    for value in (
        1e999,
        -1,
        1.5,
        "1e9",
        "",
        "9" * 5000,
        None,
        [1],
        {"a": 1},
        True,
        1,
        "0",
        "01",
    )
] + [
    set_in("metadata", "format", ["skseq"]),
    set_in("header", "versions", None),
    set_in("header", "versions", {}),
    set_in("versions", "skseq", None),
    set_in("versions", "skseq", 99),
    set_in("versions", "skseq", "99" + ESCAPES),
    set_in("versions", "skseq", "not-a-version"),
    set_in("header", "model", None),
    set_in("header", "model", 3),
    set_in("header", "model", "GRUSequenceRegressor"),
    set_in("header", "model", [{"object": "skseq.GRUSequenceRegressor", "state": {}}]),
    set_in("header", "model", {"name": "numpy.exp"}),
    set_in("header", "model", {"object": "sklearn.model_selection.KFold", "state": {}}),
    set_in("header", "model", {"object": ESCAPES, "state": {}}),
    set_in("header", "model", {ESCAPES: 1}),
    set_in("header", "model", {"array": ESCAPES}),
    set_in("header", "model", {"dtype": ESCAPES}),
    set_in("header", "model", {"device": ESCAPES}),
    set_in("header", "model", {"RandomState": 0}),
    set_in("header", "model", {"RandomState": -1}),
    set_in("header", "model", {"RandomState": 1e999}),
    set_in("header", "model", {"dict": [[{"object": "skseq.callbacks.EarlyStopping"}, 1]]}),
]


@pytest.mark.parametrize("number", range(len(STRANGE)))
def test_what_is_no_model_is_a_short_error(whole, number):
    with pytest.raises(
        ValueError, match=r"^The file (cannot be loaded|is not a file)"
    ) as e:
        load_forged(whole, STRANGE[number])
    assert type(e.value) is ValueError
    shown = "".join(traceback.format_exception(e.value))
    assert len(str(e.value)) < 1000
    assert len(shown) < 20_000
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", shown)


def test_an_object_that_is_half_made_is_not_asked_what_it_is(whole):
    """A key that cannot be hashed, or an error that holds it, would show its repr."""
    version = {"_sklearn_version": sklearn.__version__}
    half = {"object": "sklearn.pipeline.Pipeline", "state": version}

    def change(metadata, header):
        header["model"] = {"dict": [[{"tuple": [half, []]}, 1]]}

    with pytest.raises(ValueError, match=r"^The file cannot be loaded"):
        load_forged(whole, change)

    def other(metadata, header):
        header["model"] = {"slice": [half, half, {"float": half}]}

    with pytest.raises(ValueError, match=r"^The file cannot be loaded"):
        load_forged(whole, other)


@pytest.mark.parametrize(
    "number", [True, False, 1, -1, 2**70, 0.0, "0", None, [0]], ids=repr
)
def test_a_random_state_is_only_one_that_came_before(number):
    """A forward or garbage reference, behind one that is right."""
    steps = [Jitter(random_state=np.random.RandomState(0)), GRUSequenceRegressor()]
    file = io.BytesIO()
    skseq.save(make_pipeline(*steps), file)

    def change(metadata, header):
        last = header["model"]["state"]["steps"][1]["tuple"][1]["state"]
        last["random_state"] = {"RandomState": number}

    with pytest.raises(ValueError, match=r"^The file cannot be loaded"):
        load_forged(file.getvalue(), change)


def test_a_random_state_inside_of_itself():
    def change(metadata, header):
        state = header["model"]["state"]["random_state"]["RandomState"]
        state["dict"]["state"] = {"RandomState": 0}

    file = io.BytesIO()
    skseq.save(GRUSequenceRegressor(random_state=np.random.RandomState(0)), file)
    with pytest.raises(ValueError, match="refers to a RandomState that is not there"):
        load_forged(file.getvalue(), change)


def test_an_error_that_cannot_say_what_it_is():
    class Odd(Exception):
        def __str__(self):
            raise AttributeError("half made")

    assert skseq._files.persistence._said(Odd()) == "Odd"
    assert skseq._files.persistence._said(ValueError("")) == "ValueError"


def test_warnings_are_short_too():
    file = io.BytesIO()
    model = make_pipeline(StandardScaler(), LSTMSequenceClassifier())
    skseq.save(model, file)
    data = file.getvalue()

    def version(metadata, header):
        steps = header["model"]["state"]["steps"]
        steps[0]["tuple"][1]["state"]["_sklearn_version"] = "0.1" + ESCAPES

    with pytest.raises(ValueError, match="_sklearn_version is no version"):
        load_forged(data, version)

    file = io.BytesIO()
    fitted = LSTMSequenceClassifier(**QUICK).fit([[1.0], [2.0, 3.0]] * 4, [0, 1] * 4)
    skseq.save(fitted, file)

    def device(metadata, header):
        header["model"]["state"]["device"] = ESCAPES

    with pytest.warns(UserWarning, match="Loaded on the CPU") as caught:
        load_forged(file.getvalue(), device)
    text = str(caught[0].message)
    assert len(text) < 400
    assert text.isprintable()

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning) as raised:
            load_forged(file.getvalue(), device)
    shown = "".join(traceback.format_exception(raised.value))
    assert len(shown) < 20_000
    assert "\x1b" not in shown


def test_the_name_of_a_stream_is_short_too():
    """Members of an archive have the names that its maker gave."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(ESCAPES[:60_000], b"no model")
    with (
        zipfile.ZipFile(file) as archive,
        archive.open(archive.namelist()[0]) as member,
        pytest.raises(ValueError, match="is not a file that skseq") as caught,
    ):
        skseq.load(member)
    assert len(str(caught.value)) < 1000
    assert str(caught.value).isprintable()


def test_the_forger_leaves_the_rest_alone(whole):
    same = skseq.load(io.BytesIO(forged(whole, lambda metadata, header: None)))
    assert same.hidden_size == 2
    assert json.dumps(same.history_)
    assert np.isfinite(same.predict([[1.0], [2.0, 3.0]])).all()
