"""The network in the HTML picture of a fitted estimator."""

import itertools
import re
from html.parser import HTMLParser
from importlib.util import find_spec

import pytest
from helpers import POOLINGS
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import VotingClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr

from skseq import GRUSequenceClassifier, LSTMSequenceClassifier
from skseq._estimators.html import layers, network_table
from skseq.nn import RecurrentNet
from skseq.preprocessing import PerTimestep

has_attributes = pytest.mark.skipif(
    find_spec("sklearn.callback") is None,
    reason="scikit-learn shows fitted attributes from 1.9 on",
)
SMALL = {"hidden_size": 4, "max_epochs": 3, "validation_fraction": 0.25, "random_state": 0}


def title(model):
    n = sum(p.numel() for p in model.net_.module_.parameters())
    return (
        f"Network of {n:,} parameters on cpu, best epoch {model.best_epoch_} of "
        f"{model.n_epochs_}"
    )


class Cells(HTMLParser):
    """The text of each cell, row by row; every tag must be closed by its own."""

    def __init__(self, text):
        super().__init__()
        self.open, self.rows = [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "td":
            self.rows[-1].append(data)


@has_attributes
def test_a_fitted_estimator_shows_its_network(ragged):
    model = GRUSequenceClassifier(
        **SMALL, num_layers=2, bidirectional=True, pooling=("last", "attention")
    )
    assert "Network" not in estimator_html_repr(model)
    model.fit(*ragged)
    page = estimator_html_repr(model)
    assert f"<summary>{title(model)}</summary>" in page
    assert network_table(model) in page
    order = [page.index(f"<summary>{s}") for s in ("Parameters", "Network", "Fitted")]
    assert order == sorted(order)
    assert Cells(network_table(model)).rows[1:] == [
        ["GRU, both directions", "2 → 8", "192"],
        ["GRU, both directions", "8 → 8", "336"],
        ["Pooling: last, attention", "8 → 16", "9"],
        ["Linear", "16 → 2", "34"],
    ]


@has_attributes
def test_inside_of_others(ragged):
    X, y = ragged
    pipeline = make_pipeline(PerTimestep(StandardScaler()), LSTMSequenceClassifier(**SMALL))
    grid = {"lstmsequenceclassifier__hidden_size": [3, 5]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    best = search.best_estimator_
    for outer in (best, search):
        page = estimator_html_repr(outer)
        assert page.count(title(best[-1])) == 1
    # Its picture shows the estimators that were passed, which are never fitted.
    voting = VotingClassifier([("a", GRUSequenceClassifier(**SMALL))]).fit(X, y)
    assert "GRUSequenceClassifier" in estimator_html_repr(voting)


def test_symbols_have_an_embedding():
    model = LSTMSequenceClassifier(**{**SMALL, "validation_fraction": 0.5}, embedding_dim=3)
    model.fit(["ab", "ca", "b", "c"] * 4, [0, 1] * 8)
    # a, b, c, padding and the unknown
    assert Cells(network_table(model)).rows[1] == ["Embedding", "5 → 3", "15"]


@settings(max_examples=20)
@given(
    st.sampled_from(["lstm", "gru"]),
    st.integers(1, 3),
    st.booleans(),
    st.lists(st.sampled_from(POOLINGS), min_size=1, unique=True),
    st.none() | st.integers(1, 3),
)
def test_layers_are_the_whole_network(cell, num_layers, bidirectional, pooling, embedding):
    net = RecurrentNet(
        cell,
        5,
        2,
        hidden_size=3,
        num_layers=num_layers,
        bidirectional=bidirectional,
        pooling=pooling,
        embedding_dim=embedding,
    )
    names, widths, sizes = zip(*layers(net), strict=True)
    assert sum(sizes) == sum(p.numel() for p in net.parameters())
    ends = [tuple(map(int, re.findall(r"\d+", width))) for width in widths]
    assert ends[0][0] == 5
    assert ends[-1][1] == 2
    assert all(a[1] == b[0] for a, b in itertools.pairwise(ends))
    assert sum(name.startswith(cell.upper()) for name in names) == num_layers


def test_text_is_left_alone(ragged):
    model = GRUSequenceClassifier(**SMALL)
    before = repr(model)
    assert repr(model.fit(*ragged)) == before
    assert model._repr_mimebundle_()["text/plain"] == before
