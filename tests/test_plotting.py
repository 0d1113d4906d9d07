"""Every Display keeps scikit-learn's contract, and draws what it was given."""

import ast
import inspect
import io
import pickle
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from sklearn.base import clone
from sklearn.calibration import CalibrationDisplay
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, QuantileRegressor
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    DetCurveDisplay,
    PrecisionRecallDisplay,
    PredictionErrorDisplay,
    RocCurveDisplay,
)
from sklearn.model_selection import (
    GridSearchCV,
    LearningCurveDisplay,
    ValidationCurveDisplay,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import skseq.plotting
from skseq import GRUSequenceRegressor, LSTMSequenceClassifier, SequenceArray
from skseq.inspection import step_importance
from skseq.plotting import ForecastDisplay, SequenceDisplay, TrainingHistoryDisplay
from skseq.preprocessing import PerTimestep, sliding_windows

FAST = {"hidden_size": 4, "max_epochs": 2, "random_state": 0}
SERIES = np.sin(np.arange(64) / 4)
WINDOWS, FOLLOWING = sliding_windows(SERIES, length=10, horizon=4)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def sequences():
    """As `ragged`, for models that are fitted once."""
    random = np.random.default_rng(0)
    y = np.tile(["down", "up"], 12)
    X = [
        np.column_stack([(1 if up else -1) * np.arange(n), random.normal(size=n)])
        for up, n in zip(y == "up", random.integers(3, 13, size=24), strict=True)
    ]
    return X, y


@pytest.fixture(scope="module")
def classifier(sequences):
    return LSTMSequenceClassifier(validation_fraction=0.2, **FAST).fit(*sequences)


@pytest.fixture(scope="module")
def forecaster():
    return GRUSequenceRegressor(validation_fraction=None, **FAST).fit(WINDOWS, FOLLOWING)


@pytest.fixture
def builders(sequences, classifier, forecaster):
    """How each Display is made from an estimator: its class, estimator, data, options."""
    return {
        "TrainingHistoryDisplay": (classifier, (), {}),
        "SequenceDisplay": (classifier, sequences, {"rows": [0, 3]}),
        "ForecastDisplay": (forecaster, (WINDOWS, FOLLOWING), {}),
    }


DISPLAYS = sorted(skseq.plotting.__all__)
DATA_ALONE = {
    "TrainingHistoryDisplay": ("from_history", ([{"epoch": 1, "train_loss": 0.5}],)),
    "SequenceDisplay": ("from_predictions", ([np.ones(3), np.ones(2)], [0, 1], [0, 0])),
    "ForecastDisplay": ("from_predictions", ([1.0, 2.0, 3.0], [1.1, 2.1, 3.1])),
}


def build(name, builders, **options):
    estimator, data, usual = builders[name]
    display = getattr(skseq.plotting, name)
    return display.from_estimator(estimator, *data, **usual, **options)


def pixels(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3]


def pixel(ax, x, y, image):
    """The colour drawn at a point of the data."""
    column, row = ax.transData.transform((x, y))
    return image[image.shape[0] - 1 - int(row), int(column)]


# The contract.


def test_every_display_is_under_contract(builders):
    assert set(builders) == set(DATA_ALONE) == set(skseq.plotting.__all__)


@pytest.mark.parametrize("name", DISPLAYS)
def test_the_constructor_stores_only(name):
    cls = getattr(skseq.plotting, name)
    given = {parameter: object() for parameter in inspect.signature(cls).parameters}
    assert vars(cls(**given)) == given


@pytest.mark.parametrize("name", DISPLAYS)
def test_plot_returns_itself_and_takes_axes(name, builders):
    display = build(name, builders)
    assert isinstance(display, getattr(skseq.plotting, name))
    first = display.figure_
    assert display.ax_.figure is first
    assert display.plot() is display
    assert display.figure_ is not first
    figure, ax = plt.subplots()
    n_figures = len(plt.get_fignums())
    for _ in range(2):
        assert display.plot(ax=ax).ax_ is ax
        assert display.figure_ is figure
    assert build(name, builders, ax=ax).ax_ is ax
    assert len(plt.get_fignums()) == n_figures
    figure.canvas.draw()


@pytest.mark.parametrize("name", DISPLAYS)
def test_from_estimator_has_the_options_of_plot(name):
    cls = getattr(skseq.plotting, name)
    options = inspect.signature(cls.plot).parameters
    for maker in (cls.from_estimator, getattr(cls, DATA_ALONE[name][0])):
        passed = inspect.signature(maker).parameters
        for option in [*options][1:]:
            assert passed[option].default == options[option].default
            assert option == "ax" or passed[option].kind == inspect.Parameter.KEYWORD_ONLY


@pytest.mark.parametrize("name", DISPLAYS)
def test_data_alone(name):
    maker, data = DATA_ALONE[name]
    display = getattr(getattr(skseq.plotting, name), maker)(*data)
    assert len(np.unique(pixels(display.figure_).reshape(-1, 3), axis=0)) > 10


@pytest.mark.parametrize("name", DISPLAYS)
@pytest.mark.parametrize("canvas", [FigureCanvasSVG, FigureCanvasPdf, FigureCanvasAgg])
def test_any_backend_and_part_of_a_figure(name, canvas):
    figure = Figure(layout="constrained")
    canvas(figure)
    left, right = figure.subfigures(1, 2)
    maker, data = DATA_ALONE[name]
    for part in (left, right):
        getattr(getattr(skseq.plotting, name), maker)(*data, ax=part.subplots())
    file = io.BytesIO()
    figure.savefig(file)
    assert len(file.getvalue()) > 5000
    assert not plt.get_fignums()


@pytest.mark.parametrize("name", DISPLAYS)
def test_small_and_the_same_every_time(name, builders):
    def draw():
        figure, ax = plt.subplots(figsize=(3, 2), layout="constrained")
        build(name, builders, ax=ax)
        return pixels(figure)

    np.testing.assert_array_equal(draw(), draw())


@pytest.mark.parametrize("name", DISPLAYS)
def test_an_estimator_that_is_not_fitted(name, builders):
    estimator, data, _ = builders[name]
    cls = getattr(skseq.plotting, name)
    with pytest.raises(NotFittedError):
        cls.from_estimator(clone(estimator), *data)
    with pytest.raises(NotFittedError):
        cls.from_estimator(make_pipeline(clone(estimator)), *data)


@pytest.mark.parametrize("name", DISPLAYS)
def test_without_matplotlib(name, builders, monkeypatch):
    display = build(name, builders)
    maker, data = DATA_ALONE[name]
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for call in (
        display.plot,
        lambda: build(name, builders),
        lambda: getattr(type(display), maker)(*data),
    ):
        with pytest.raises(ImportError, match=rf'{name}.*pip install "skseq\[plot\]"'):
            call()


def test_matplotlib_is_imported_late():
    """Nowhere when a module is imported, but inside of functions."""
    for file in Path(skseq.__file__).parent.rglob("*.py"):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                names = [getattr(node, "module", None), *(a.name for a in node.names)]
                assert not any((name or "").startswith("matplotlib") for name in names)


# Training.


def test_history_is_drawn_as_it_is(classifier):
    display = TrainingHistoryDisplay.from_estimator(classifier)
    assert sorted(display.lines_) == [
        "train_loss",
        "train_score",
        "valid_loss",
        "valid_score",
    ]
    for column, line in display.lines_.items():
        assert line.get_xdata().tolist() == [1, 2]
        expected = [row[column] for row in classifier.history_]
        np.testing.assert_array_equal(line.get_ydata(), expected)
    for line in display.best_epoch_lines_:
        assert line.get_xdata() == [classifier.best_epoch_] * 2
    labels = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert labels == ["training", "validation", f"best epoch ({classifier.best_epoch_})"]
    assert [ax.get_ylabel() for ax in display.axes_] == ["loss (cross entropy)", "accuracy"]


def test_the_best_epoch_is_seen_where_it_is():
    history = [{"epoch": e, "train_loss": 1 / e, "valid_loss": 2 / e} for e in range(1, 9)]
    display = TrainingHistoryDisplay.from_history(
        history, best_epoch=5, metrics="loss", line_kw={"color": "#ff0000"}
    )
    image = pixels(display.figure_).astype(int)
    column = round(display.ax_.transData.transform((5, 0))[0])
    is_red = (image[:, :, 0] > 200) & (image[:, :, 1:].max(axis=2) < 90)
    at_best = is_red[:, column - 1 : column + 2].any(axis=1).sum()
    beside = is_red[:, column + 15 : column + 18].any(axis=1).sum()
    assert at_best > 100 > 20 > beside


def test_history_inside_of_pipelines_and_searches(sequences):
    X, y = sequences
    pipeline = make_pipeline(
        FunctionTransformer(), LSTMSequenceClassifier(validation_fraction=None, **FAST)
    )
    search = GridSearchCV(pipeline, {"lstmsequenceclassifier__lr": [0.01]}, cv=2).fit(X, y)
    inside = search.best_estimator_[-1]
    for estimator in (search, search.best_estimator_):
        display = TrainingHistoryDisplay.from_estimator(estimator)
        assert display.history is inside.history_
        assert display.best_epoch == inside.best_epoch_
        assert sorted(display.lines_) == ["train_loss", "train_score"]  # no validation
    search.set_params(refit=False).fit(X, y)
    with pytest.raises((TypeError, NotFittedError)) as error:
        TrainingHistoryDisplay.from_estimator(clone(search).fit(X, y))
    assert "refit=True" in str(error.value)
    with pytest.raises(TypeError, match="got a LinearRegression"):
        TrainingHistoryDisplay.from_estimator(LinearRegression().fit([[1]], [1]))


def test_epochs_without_validation_leave_a_gap(sequences):
    X, y = sequences
    model = LSTMSequenceClassifier(validation_fraction=0.2, **FAST).fit(X, y)
    model.partial_fit(X, y)
    display = TrainingHistoryDisplay.from_estimator(model, metrics="score")
    assert np.isnan(display.lines_["valid_score"].get_ydata()).tolist() == [False] * 2 + [
        True
    ]


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_a_history_may_be_a_table(sequences, frame):
    model = LSTMSequenceClassifier(validation_fraction=0.2, **FAST).fit(*sequences)
    model.partial_fit(*sequences)  # an epoch without validation
    expected = TrainingHistoryDisplay.from_history(model.history_)
    display = TrainingHistoryDisplay.from_history(frame(model.history_))
    assert display.lines_.keys() == expected.lines_.keys()
    for name, line in display.lines_.items():
        np.testing.assert_array_equal(line.get_data(), expected.lines_[name].get_data())


def test_a_score_that_is_never_a_number_is_not_drawn():
    rows = [{"epoch": 1, "train_loss": 0.5, "train_score": np.nan}]
    display = TrainingHistoryDisplay.from_history(rows)
    assert sorted(display.lines_) == ["train_loss"]
    assert len(display.axes_) == 1
    with pytest.raises(ValueError, match=r"No row .* number as its 'train_score'"):
        TrainingHistoryDisplay.from_history(rows, metrics="score")


def test_two_models_share_axes(classifier, forecaster):
    _, axes = plt.subplots(2)
    first = TrainingHistoryDisplay.from_estimator(classifier, ax=axes, name="one")
    second = TrainingHistoryDisplay.from_estimator(forecaster, ax=axes, name="two")
    colours = {line.get_color() for line in [*first.lines_.values()]}
    assert len(colours) == 1
    assert colours.isdisjoint(line.get_color() for line in second.lines_.values())
    assert second.axes_.tolist() == axes.tolist()


def test_errors_of_histories(classifier):
    rows = classifier.history_
    make = TrainingHistoryDisplay.from_history
    _, axes = plt.subplots(3)
    for history, options, message in (
        ([], {}, "a dict for each epoch"),
        ([{"loss": 1}], {}, "each with the key 'epoch'"),
        (rows, {"best_epoch": 7}, "best_epoch=7 is not among .* 1 to 2"),
        (rows, {"metrics": "f1"}, "metrics must be one or more of"),
        (rows, {"metrics": "loss", "ax": axes}, "as many axes"),
        (rows, {"metrics": ("loss", "score"), "ax": axes[0]}, "choose by metrics='loss'"),
        (
            [{"epoch": 1, "train_loss": 1.0}],
            {"metrics": "score"},
            "found: epoch, train_loss",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            make(history, **options)


# Sequences.


@pytest.mark.parametrize("method", ["occlusion", "integrated_gradients"])
def test_shading_is_the_importance(sequences, classifier, method):
    X, y = sequences
    rows = [4, 1, 7]
    display = SequenceDisplay.from_estimator(classifier, X, y, rows=rows, method=method)
    expected = step_importance(classifier, [X[i] for i in rows], method=method)
    shown = display.mesh_.get_array()
    for i, steps in enumerate(expected):
        np.testing.assert_array_equal(shown[i, : len(steps)], steps[:, 0])
        assert shown.mask[i, len(steps) :].all()
    assert display.mesh_.norm(0.0) == 0.5
    assert display.colorbar_.ax.get_ylabel() == f"importance ({method})".replace("_", " ")


def test_important_steps_are_darker_on_the_picture():
    importance = [[0.1, -0.2, 0.4, -0.8], [0.05, 0.6]]
    X = [np.zeros(4), np.zeros(2)]
    display = SequenceDisplay.from_predictions(X, importance=importance)
    image = pixels(display.figure_)
    drawn, darkness = [], []
    for i, row in enumerate(importance):
        for t, value in enumerate(row):
            colour = pixel(display.ax_, t + 0.3, i + 0.45, image)
            expected = display.mesh_.cmap(display.mesh_.norm(value))[:3]
            np.testing.assert_allclose(colour / 255, expected, atol=0.01)
            drawn.append(abs(value))
            darkness.append(255 - colour.mean())
    assert np.argsort(drawn).tolist() == np.argsort(darkness).tolist()
    beyond = pixel(display.ax_, 3, 1.45, image)
    assert beyond.tolist() == [255, 255, 255]


def test_colours_of_lines_are_seen_on_every_shade():
    """Contrast of lines and shading, also without colour (WCAG asks for 3 of graphics)."""

    def luminance(colour):
        linear = [c / 12.92 if c <= 0.04 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
        return np.dot(linear, [0.2126, 0.7152, 0.0722])

    display = SequenceDisplay.from_predictions([np.eye(2)], importance=[[-1.0, 1.0]])
    black = luminance(to_rgb(display.lines_[0][0].get_color()))
    for end in (0.0, 1.0):
        shade = luminance(display.mesh_.cmap(end)[:3])
        assert (shade + 0.05) / (black + 0.05) > 5


def test_lines_are_the_channels(sequences, classifier):
    X, y = sequences
    display = SequenceDisplay.from_estimator(
        classifier, X, y, rows=[0, 1], method=None, feature_names=["trend", "noise"]
    )
    assert display.mesh_ is None and display.colorbar_ is None
    low = np.concatenate(X[:2]).min(axis=0)
    height = np.ptp(np.concatenate(X[:2]), axis=0)
    for i in range(2):
        for j in range(2):
            line = display.lines_[i][j]
            assert line.get_xdata().tolist() == list(range(len(X[i])))
            # The axis points down; a row is 0.76 high.
            values = low[j] + height[j] * (i + 0.38 - line.get_ydata()) / 0.76
            np.testing.assert_allclose(values, X[i][:, j], atol=1e-9)
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend == ["trend", "noise"]
    one = display.plot(channels=[1])
    assert [len(lines) for lines in one.lines_] == [1, 1]


def test_labels_say_what_is_wrong():
    X = [np.ones(2)] * 3
    display = SequenceDisplay.from_predictions(X, ["a", "b", "b"], ["a", "a", "b"])
    labels = display.ax_.get_yticklabels()
    assert labels[1].get_text() == "true: b\npredicted: a"
    assert [label.get_fontweight() for label in labels] == ["normal", "bold", "normal"]
    display = SequenceDisplay.from_predictions(X, [1.0, 2.0, 3.0], [1.01, 2.0, 1 / 3])
    assert display.ax_.get_yticklabels()[2].get_text() == "true: 3\npredicted: 0.333"
    display = SequenceDisplay.from_predictions(X, rows=[2, 0])
    assert display.ax_.get_yticklabels()[0].get_text() == "sequence 2"


def test_symbols_are_written_where_they_stand():
    words = ["abca", "cb"] * 10
    model = LSTMSequenceClassifier(embedding_dim=2, validation_fraction=None, **FAST)
    model.fit(words, [word[0] for word in words])
    display = SequenceDisplay.from_estimator(model, words, rows=[0, 1])
    for i, word in enumerate(words[:2]):
        assert "".join(text.get_text() for text in display.texts_[i]) == word
        assert [text.get_position() for text in display.texts_[i]] == [
            (t, i) for t in range(len(word))
        ]
    assert display.lines_ == []


def test_errors_of_sequences(sequences, classifier):
    X, y = sequences
    make = SequenceDisplay.from_estimator
    for options, message in (
        ({"rows": [24]}, "positions of the 24 sequences of X, from 0 to 23"),
        ({"rows": []}, "one or more positions"),
        ({"channels": [2]}, "channels must be one or more of 0 to 1"),
        ({"channels": ["trend"]}, r"one or more of 0 to 1, got \['trend'\]"),
        ({"channels": 1}, "channels must be one or more of 0 to 1"),
        ({"feature_names": ["a"]}, "1 names, but there are 2 channels"),
        ({"method": "guess"}, "method"),
    ):
        with pytest.raises(ValueError, match=message):
            make(classifier, X, y, **options)
    with pytest.raises(ValueError, match="y has 23 rows, but X has 24 sequences"):
        make(classifier, X, y[1:])
    make = SequenceDisplay.from_predictions
    with pytest.raises(ValueError, match="y_pred has 1 rows"):
        make([np.ones(3), np.ones(2)], [0, 1], [0])
    with pytest.raises(
        ValueError, match="importance has 3 steps for sequence 1, which has 2"
    ):
        make([np.ones(3), np.ones(2)], importance=[np.ones(3), np.ones(3)])
    with pytest.raises(ValueError, match="has 2 channels; pick or sum"):
        make([np.ones(3)], importance=[np.ones((3, 2))])


# Forecasts.


def test_forecasts_lie_where_their_windows_end(forecaster):
    X, y = WINDOWS[20:45], FOLLOWING[20:45]
    display = ForecastDisplay.from_estimator(forecaster, X, y)
    truth = display.truth_line_
    assert truth.get_xdata().tolist() == list(range(30, 58))
    np.testing.assert_array_equal(truth.get_ydata(), SERIES[30:58])
    steps, values = display.line_.get_data()
    paths = np.split(values, np.flatnonzero(np.isnan(values)))
    paths = [path[~np.isnan(path)] for path in paths]
    predicted = forecaster.predict(X)
    np.testing.assert_array_equal(paths, predicted[::4])  # as many as do not overlap
    assert steps[0] == 30 and steps[~np.isnan(values)].tolist() == list(range(30, 58))
    dots = display.line_.get_markevery()
    assert steps[dots].tolist() == [30, 34, 38, 42, 46, 50, 54]
    assert not np.isnan(values[dots]).any()
    display.plot(every=10)
    np.testing.assert_array_equal(display.line_.get_ydata()[10:], predicted[20])
    one = ForecastDisplay.from_predictions(
        y[:, 2], predicted[:, 2], steps=X.spans[:, 1] + 2
    )
    assert one.line_.get_xdata()[0] == 32
    np.testing.assert_array_equal(one.line_.get_ydata(), predicted[:, 2])


@pytest.mark.parametrize(("horizon", "stride"), [(1, 1), (1, 2), (3, 1), (3, 6)])
def test_of_several_targets_one_is_drawn(horizon, stride):
    series = np.column_stack([SERIES, 100 + SERIES])
    X, y = sliding_windows(series, length=10, horizon=horizon, stride=stride)
    model = GRUSequenceRegressor(validation_fraction=None, **FAST).fit(X, y)
    with pytest.raises(ValueError, match=r"steps or targets.*columns=slice\(0, None, 2\)"):
        ForecastDisplay.from_estimator(model, X, y)
    second = slice(1, None, 2)
    display = ForecastDisplay.from_estimator(
        model, X, y, columns=second, interval=(model, model)
    )
    steps, values = display.truth_line_.get_data()
    known = ~np.isnan(values)
    np.testing.assert_array_equal(values[known], 100 + SERIES[steps[known]])
    expected = model.predict(X)[:, second].squeeze()
    for drawn in (display.y_pred, display.lower, display.upper):
        np.testing.assert_array_equal(drawn, expected)


def test_steps_of_one_of_several_channels_are_all_drawn():
    series = np.column_stack([SERIES, 100 + SERIES])
    X, y = sliding_windows(series, length=10, horizon=2, target=0)
    model = GRUSequenceRegressor(validation_fraction=None, **FAST).fit(X, y)
    display = ForecastDisplay.from_estimator(model, X, y, columns=slice(None))
    np.testing.assert_array_equal(display.truth_line_.get_ydata(), SERIES[10:])


def test_windows_lie_where_they_were_cut_and_others_from_0_on(forecaster):
    X, y = WINDOWS[20:24], FOLLOWING[20:24]
    sent = pickle.loads(pickle.dumps(X))
    scaled = PerTimestep(FunctionTransformer()).fit_transform(X)
    for windows, first in ((X, 30), (sent, 30), (scaled, 30), (X.without_spans(), 0)):
        display = ForecastDisplay.from_estimator(forecaster, windows[:1], y[:1])
        assert display.steps.tolist() == [first]


def test_interval_is_what_two_models_say():
    X, y = sliding_windows(SERIES, length=10)
    table = FunctionTransformer(lambda X: np.asarray(X)[:, :, 0])
    low, middle, high = (
        make_pipeline(table, QuantileRegressor(quantile=q, alpha=0.01)).fit(X, y)
        for q in (0.1, 0.5, 0.9)
    )
    display = ForecastDisplay.from_estimator(middle, X, y, interval=(low, high))
    np.testing.assert_array_equal(display.lower, low.predict(X))
    np.testing.assert_array_equal(display.upper, high.predict(X))
    corners = display.interval_.get_paths()[0].vertices
    for end, values in ((np.min, display.lower), (np.max, display.upper)):
        drawn = [end(corners[corners[:, 0] == step, 1]) for step in display.steps]
        np.testing.assert_allclose(drawn, values)


def test_interval_is_seen():
    y = np.zeros(9)
    display = ForecastDisplay.from_predictions(y, y, lower=y - 1, upper=y + 2)
    image = pixels(display.figure_)
    shade = 1 - 0.25 * (1 - np.array(to_rgb(display.line_.get_color())))
    for value, expected in ((1.8, shade), (-0.9, shade), (-1.05, np.ones(3))):
        colour = pixel(display.ax_, 4, value, image) / 255
        np.testing.assert_allclose(colour, expected, atol=0.01)


def test_gaps_dates_and_what_nobody_knows_yet():
    y = np.array([1.0, 2.0, 3.0, np.nan])
    steps = np.array([0, 1, 5, 6])
    days = np.arange("2026-01-01", "2026-01-08", dtype="datetime64[D]")
    whole = steps.astype(np.uint64)
    display = ForecastDisplay.from_predictions(y, y * 0 + 1, steps=whole, index=days)
    drawn = display.truth_line_.get_ydata()
    np.testing.assert_array_equal(drawn, [1.0, 2.0, np.nan, 3.0])
    assert display.truth_line_.get_xdata()[-1] == days[5]
    assert display.ax_.get_xlabel() == "time"
    windows = np.array([[1.0, 2.0], [2.0, np.nan]])
    display = ForecastDisplay.from_predictions(windows, [[1, 2], [3, 4]], every=1)
    np.testing.assert_array_equal(display.truth_line_.get_ydata(), [1.0, 2.0])
    np.testing.assert_array_equal(display.line_.get_xdata(), [0, 1, 1, 1, 2])
    np.testing.assert_array_equal(display.line_.get_ydata(), [1, 2, np.nan, 3, 4])


def test_windows_with_a_stride_are_one_path():
    X, y = sliding_windows(SERIES, length=10, stride=3)
    display = ForecastDisplay.from_predictions(y, y, steps=X.spans[:, 1])
    assert not np.isnan(display.line_.get_ydata()).any()
    assert display.line_.get_marker() == ""
    alone = ForecastDisplay.from_predictions(y[:1], y[:1])
    assert alone.line_.get_markevery() == [0]


def test_two_forecasts_share_axes(forecaster):
    _, ax = plt.subplots()
    ForecastDisplay.from_estimator(forecaster, WINDOWS, FOLLOWING, ax=ax, name="GRU")
    display = ForecastDisplay.from_predictions(
        FOLLOWING,
        FOLLOWING + 1,
        steps=WINDOWS.spans[:, 1],
        ax=ax,
        name="high",
        plot_truth=False,
        line_kw={"c": "tab:blue"},
    )
    assert display.truth_line_ is None
    assert display.line_.get_color() == "tab:blue"
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["truth", "GRU, 4 steps from each dot", "high, 4 steps from each dot"]


def test_errors_of_forecasts(forecaster):
    make = ForecastDisplay.from_predictions
    y = np.arange(4.0)
    for data, options, message in (
        ((y, y[1:]), {}, r"y_pred has the shape \(3,\), but y_true has \(4,\)"),
        ((y, y), {"lower": y}, "both of lower and upper"),
        ((y, y), {"lower": y + 1, "upper": y}, "exchange them"),
        ((y, y), {"lower": y, "upper": y[1:]}, "upper has the shape"),
        ((y, y), {"steps": [0, 1]}, "a whole number for each of the 4 windows"),
        ((y, y), {"index": [1, 2]}, "index has 2 entries, but a forecast is for step 3"),
        ((y, y), {"every": 0}, "every must be 1 or more"),
        ((np.ones((2, 2, 2)),) * 2, {}, "must have the shape"),
        (([[1, 2], [3, 4]], [[1, 2], [3, 4]]), {}, "two things of step 1.*columns"),
    ):
        with pytest.raises(ValueError, match=message):
            make(*data, **options)
    make = ForecastDisplay.from_estimator
    with pytest.raises(ValueError, match="y has 3 rows"):
        make(forecaster, WINDOWS, FOLLOWING[:3])
    with pytest.raises(ValueError, match="two estimators"):
        make(forecaster, WINDOWS, FOLLOWING, interval=(forecaster,))
    with pytest.raises(NotFittedError):
        unfitted = clone(forecaster)
        make(forecaster, WINDOWS, FOLLOWING, interval=(unfitted, forecaster))


# scikit-learn's own.


@pytest.mark.parametrize(
    "display",
    [
        ConfusionMatrixDisplay,
        RocCurveDisplay,
        PrecisionRecallDisplay,
        DetCurveDisplay,
        CalibrationDisplay,
    ],
)
def test_displays_of_scikit_learn_take_ragged_sequences(display, sequences, classifier):
    X, y = sequences
    assert display.from_estimator(classifier, X, y).ax_.has_data()


def test_curves_and_errors_of_scikit_learn_take_ragged_sequences(sequences):
    X, y = sequences
    model = LSTMSequenceClassifier(validation_fraction=None, **FAST)
    display = LearningCurveDisplay.from_estimator(model, X, y, cv=2, train_sizes=[0.5, 1.0])
    assert display.test_scores.shape == (2, 2) and display.ax_.has_data()
    display = ValidationCurveDisplay.from_estimator(
        model, X, y, cv=2, param_name="hidden_size", param_range=[2, 4]
    )
    assert display.test_scores.shape == (2, 2) and display.ax_.has_data()
    lengths = np.array([float(len(x)) for x in X])
    regressor = GRUSequenceRegressor(validation_fraction=None, **FAST).fit(X, lengths)
    assert PredictionErrorDisplay.from_estimator(regressor, X, lengths).ax_.has_data()
    assert isinstance(WINDOWS, SequenceArray)
