"""A grid search on a Dask cluster: the same search, and one line around it
========================================================================

Without an argument it starts two worker processes on this machine. With the address of
a scheduler (``python search_on_a_cluster.py tcp://host:8786``) it uses what is
there; the workers need skseq installed.
"""

import sys

import joblib
from distributed import Client
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skseq import GRUSequenceClassifier
from skseq.datasets import load_japanese_vowels
from skseq.preprocessing import PerTimestep

MAX_EPOCHS = 20


def connect(address=None):
    if address is not None:
        return Client(address)
    # Processes rather than threads: Python runs one thread at a time.
    return Client(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=":0",
        silence_logs="ERROR",
    )


def main(address=None):
    X_train, y_train = load_japanese_vowels(subset="train", return_X_y=True)
    X_test, y_test = load_japanese_vowels(subset="test", return_X_y=True)
    pipeline = make_pipeline(
        PerTimestep(PCA()), GRUSequenceClassifier(max_epochs=MAX_EPOCHS, random_state=0)
    )
    search = GridSearchCV(
        pipeline,
        {
            "pertimestep__transformer__n_components": [6, 12],
            "grusequenceclassifier__bidirectional": [False, True],
        },
        cv=3,
    )
    with connect(address) as client:
        print(f"searching on {len(client.nthreads())} workers")
        # Each worker gets the data once, rather than with every task.
        with joblib.parallel_config("dask", scatter=[X_train, y_train]):
            search.fit(X_train, y_train)
    for params, score in zip(
        search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True
    ):
        print(f"  {score:.3f}  {params}")
    print(f"test accuracy: {search.score(X_test, y_test):.4f}")


if __name__ == "__main__":  # worker processes read this file too, and must not search
    main(*sys.argv[1:])
