"""An estimator that is used by other threads while it is fitted."""

import copy
import io
import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

from skseq import GRUSequenceRegressor, LSTMSequenceClassifier, load, save
from skseq.inspection import step_importance
from skseq.preprocessing import PerTimestep

X = [np.linspace(0, i, 2 + i % 5)[:, None] for i in range(24)]
Y = np.arange(24) % 2
OPTIONS = {"hidden_size": 4, "dropout": 0.5, "max_epochs": 2, "batch_size": 8}


def in_another_thread(function, *args):
    found = []

    def run():
        try:
            found.append(function(*args))
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found[0]


class Peek(Callback):
    """Predicts in another thread at every event; the estimator is not to be copied."""

    peek = None

    def on_batch_begin(self, net, training=None, **kwargs):
        self.seen.append(in_another_thread(Peek.peek))

    on_batch_end = on_epoch_begin = on_epoch_end = on_train_begin = on_batch_begin

    def __init__(self):
        self.seen = []


def peeks_of(model):
    return next(c for _, c in model.net_.callbacks_ if isinstance(c, Peek)).seen


def classifier(**options):
    return LSTMSequenceClassifier(random_state=0, **{**OPTIONS, **options})


@pytest.mark.parametrize("how", ["fit", "warm start", "partial_fit"])
def test_others_see_the_model_there_was_and_disturb_nothing(how):
    model = classifier(warm_start=how == "warm start").fit(X, Y)
    alone = copy.deepcopy(model)
    before = model.predict_proba(X)
    Peek.peek = lambda: model.predict_proba(X)
    model.callbacks = [Peek()]
    for each in (model, alone):
        each.partial_fit(X, 1 - Y) if how == "partial_fit" else each.fit(X, 1 - Y)
    seen = peeks_of(model)
    assert len(seen) > 5
    for probabilities in seen:
        assert_array_equal(probabilities, before)
    assert_array_equal(model.predict_proba(X), alone.predict_proba(X))
    assert (model.predict_proba(X) != before).any()


def test_before_the_first_fit_is_complete_there_is_no_model():
    model = classifier(callbacks=[Peek()])
    Peek.peek = lambda: model.predict(X)
    model.fit(X, Y)
    assert peeks_of(model)
    assert all(isinstance(error, NotFittedError) for error in peeks_of(model))


def test_a_fit_to_other_data_is_not_seen_in_parts():
    model = classifier().fit(X, Y)
    before = model.predict(X)
    Peek.peek = lambda: model.predict(X)
    model.callbacks = [Peek()]
    model.fit([np.hstack([x, x]) for x in X], ["no", "yes", "maybe"] * 8)
    for labels in peeks_of(model):
        assert_array_equal(labels, before)
    assert model.n_channels_ == 2


class Refits:
    """An array; whoever reads it finds that the model is fitted anew meanwhile."""

    def __init__(self, array, refit):
        self.array, self.refit = array, refit

    def __array__(self, dtype=None, copy=None):
        self.refit()
        return self.array


def test_a_prediction_is_of_one_model():
    table = np.arange(80.0).reshape(20, 4)
    labels = np.array(["a", "b"])[np.arange(20) % 2]
    model = classifier(validation_fraction=None).fit(table, labels)
    expected = model.predict(table), model.predict_proba(table)

    def refit():
        model.fit(np.hstack([table, table]), ["x", "y", "z", "x"] * 5)

    for method, answer in zip(("predict", "predict_proba"), expected, strict=True):
        model.fit(table, labels)
        found = getattr(model, method)(Refits(table, refit))
        assert_array_equal(found, answer)
        assert list(model.classes_) == ["x", "y", "z"]


def test_a_regressor_predicts_by_one_model():
    table = np.arange(80.0).reshape(20, 4)
    model = GRUSequenceRegressor(hidden_size=4, max_epochs=1, random_state=0)
    expected = model.fit(table, table[:, 0]).predict(table)
    found = model.predict(Refits(table, lambda: model.fit(table, table[:, :2])))
    assert_array_equal(found, expected)


@pytest.mark.parametrize("method", ["occlusion", "integrated_gradients"])
def test_importance_is_of_one_model(method):
    table = np.arange(80.0).reshape(20, 4)
    model = classifier(validation_fraction=None).fit(table, ["a", "b"] * 10)
    expected = step_importance(model, table, method=method).values

    def refit():
        model.fit(table[:, ::-1], ["x", "y", "z", "x"] * 5)

    found = step_importance(model, Refits(table, refit), method=method).values
    assert_array_equal(found, expected)


def test_a_transformer_transforms_by_one_fit():
    table = np.arange(8.0).reshape(4, 2)
    scaler = PerTimestep(StandardScaler())
    expected = scaler.fit_transform(table)
    found = scaler.transform(Refits(table, lambda: scaler.fit(table * 100)))
    assert_array_equal(found, expected)


def test_a_parameter_that_is_set_during_a_fit_stays():
    model = classifier(callbacks=[Peek()])
    Peek.peek = lambda: model.set_params(max_epochs=7)
    assert len(model.fit(X, Y).history_) == 2
    assert model.max_epochs == 7


def test_what_is_set_during_a_fit_stays():
    model = classifier(callbacks=[Peek()]).fit(X, Y)
    model.note_, model.gone_ = "before", 1

    def change():
        model.note_, model.other_ = "during", 2
        vars(model).pop("gone_", None)
        model.set_params(lr=0.5)

    Peek.peek = change
    model.fit(X, Y)
    assert (model.note_, model.other_, model.lr) == ("during", 2, 0.5)
    assert not hasattr(model, "gone_")


def test_what_a_fit_forgets_is_gone():
    model = classifier(embedding_dim=2, validation_fraction=None)
    model.fit(["ab", "b"] * 12, Y)
    assert hasattr(model, "vocabulary_")
    assert not hasattr(model.set_params(embedding_dim=None).fit(X, Y), "vocabulary_")


def test_a_model_is_saved_during_its_fit():
    model = classifier().fit(X, Y)
    files = []

    def keep():
        for copied in (copy.copy(model), copy.deepcopy(model)):
            files.append(io.BytesIO())
            save(copied.set_params(callbacks=None), files[-1])

    Peek.peek = keep
    before = model.predict_proba(X)
    model.callbacks = [Peek()]
    model.fit(X, 1 - Y)
    assert peeks_of(model) == [None] * len(peeks_of(model))
    for file in files:
        again = load(io.BytesIO(file.getvalue()))
        assert_array_equal(again.predict_proba(X), before)


def test_dropout_is_off_before_any_thread_predicts(tmp_path):
    """Two threads would switch it off one beside the other, and one of them begin."""
    model = classifier(validation_fraction=None).fit(X, Y)
    save(model, tmp_path / "model.skseq")
    for each in (model, copy.deepcopy(model), load(tmp_path / "model.skseq")):
        assert not any(module.training for module in each.net_.module_.modules())
        each.partial_fit(X, Y)
        assert not any(module.training for module in each.net_.module_.modules())


def test_threads_that_predict_beside_partial_fit():
    model = classifier(max_epochs=1).fit(X, Y)
    states, answers = [model.predict_proba(X).tobytes()], []
    done = threading.Event()

    def predict():
        while not done.is_set():
            answers.append(model.predict_proba(X).tobytes())

    threads = [threading.Thread(target=predict) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        model.partial_fit(X, Y)
        states.append(model.predict_proba(X).tobytes())
    done.set()
    for thread in threads:
        thread.join()
    assert set(answers) <= set(states)
