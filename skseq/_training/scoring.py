"""skorch's `EpochScoring` with scorers of scikit-learn, which score the estimator."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import skorch
from sklearn.metrics import check_scoring
from skorch.callbacks import EpochScoring

from .._data.codec import Encoded
from .._data.draft import twin
from .._sklearn import _BaseScorer
from .batches import SequenceDataset
from .sklearn_callbacks import FitTask


def let_score_estimator(scoring: EpochScoring, task: FitTask) -> None:
    """Let the callback score the estimator on its rows, in place of the net.

    A function for nets, which is told by ``use_caching=False``, goes on to get the net.
    """
    # skorch turns metrics into scorers, and names the column by what it was passed.
    scoring.initialize()
    is_scorer = scoring.scoring_ is None or isinstance(scoring.scoring_, (str, _BaseScorer))
    if not (is_scorer or scoring.use_caching):
        return
    scorer = _own_score
    if scoring.scoring_ is not None:
        scorer = check_scoring(task.told["estimator"], scoring.scoring_)
    scoring.name = scoring.name_
    scoring.scoring = EstimatorScore(scorer, task)
    scoring.use_caching = False


def _own_score(estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> float:
    return estimator.score(X, y, sample_weight)


class EstimatorScore:
    """What `EpochScoring` calls with the net and a dataset.

    The net keeps its callbacks. Through the task, which is emptied at the end of the fit,
    it does not keep the estimator with them.
    """

    def __init__(self, scorer: Callable[..., float], task: FitTask) -> None:
        self.scorer = scorer
        self.task = task

    def __call__(
        self, net: skorch.NeuralNet, dataset: SequenceDataset, y: None = None
    ) -> float:
        rows = dataset.rows
        # Rows of a dataset are encoded already, and are no table any more.
        changes = {"_codec": Encoded(), "_is_table": False, "net_": net}
        model = twin(self.task.told["estimator"], **changes)
        weighted = len(np.unique(rows.weight)) > 1 and _takes_weights(self.scorer)
        weight = {"sample_weight": rows.weight} if weighted else {}
        return self.scorer(model, rows.sequences, model._task.decode(rows.y), **weight)


def _takes_weights(scorer: Any) -> bool:
    metric = getattr(scorer, "_score_func", scorer)
    return "sample_weight" in inspect.signature(metric).parameters
