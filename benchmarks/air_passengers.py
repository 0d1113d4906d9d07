"""Air passengers one month ahead: 96 months train, the last 48 are forecast.

python benchmarks/air_passengers.py select   # on the first 96 months alone
python benchmarks/air_passengers.py          # five seeds on the last 48 months
"""

import sys
import warnings

import numpy as np
from joblib import Parallel, delayed
from sklearn.linear_model import LinearRegression
from sklearn.metrics import root_mean_squared_error
from sklearn.model_selection import TimeSeriesSplit

from skseq import GRUSequenceRegressor
from skseq.datasets import load_air_passengers
from skseq.preprocessing import sliding_windows

N_TRAIN, YEAR = 96, 12
SEEDS = range(5)
CHOSEN = {"length": 2, "hidden_size": 8, "max_epochs": 60}
CANDIDATES = [
    {"length": length, "hidden_size": hidden_size, "max_epochs": max_epochs}
    for length in (2, 4, 8, 12)
    for hidden_size in (8, 32, 64)
    for max_epochs in (60, 150)
]


def windows(passengers, length):
    """Changes of the logarithm, each beside the change one year before the next month.

    The last row of a window is what is known when the next month is forecast. Also
    returned: the position in `passengers` of the month that each window forecasts.
    """
    change = np.diff(np.log(passengers))
    channels = np.column_stack([change[YEAR - 1 :], change[: 1 - YEAR]])
    X, y = sliding_windows(channels, length, target=0)
    return X, y, np.arange(len(passengers) - len(y), len(passengers))


def make_model(seed, hidden_size, max_epochs):
    return GRUSequenceRegressor(
        hidden_size=hidden_size,
        max_epochs=max_epochs,
        pooling="last",
        validation_fraction=None,
        random_state=seed,
    )


def forecast(passengers, train, months, seed, length, **settings):
    """Passengers of some months, from a model of other months."""
    X, y, month = windows(passengers, length)
    rows, asked = np.isin(month, train), np.isin(month, months)
    model = make_model(seed, **settings).fit(X[rows], y[rows])
    return passengers[months - 1] * np.exp(model.predict(X[asked]))


def validation_error(passengers, candidate):
    """Each of four years forecast by the months before it, two seeds."""
    squares = []
    months = np.arange(YEAR + 13, N_TRAIN)  # what every length of window can forecast
    for _, valid in TimeSeriesSplit(4, test_size=YEAR).split(months):
        for seed in (0, 1):
            before = np.arange(months[valid[0]])
            predicted = forecast(passengers, before, months[valid], seed, **candidate)
            squares.append((predicted - passengers[months[valid]]) ** 2)
    return np.sqrt(np.mean(squares))


def select():
    warnings.simplefilter("ignore")
    passengers = load_air_passengers().series[:N_TRAIN]
    errors = Parallel(n_jobs=-1)(
        delayed(validation_error)(passengers, candidate) for candidate in CANDIDATES
    )
    print("| length | hidden_size | max_epochs | RMSE in cross-validation |")
    print("|---|---|---|---|")
    for error, candidate in sorted(
        zip(errors, CANDIDATES, strict=True), key=lambda e: e[0]
    ):
        print(f"| {' | '.join(map(str, candidate.values()))} | {error:.1f} |")


def autoregression(passengers, months):
    """AR(12) on the numbers themselves, by least squares."""
    X, y = sliding_windows(passengers, YEAR)
    X = np.asarray(X)[:, :, 0]
    model = LinearRegression().fit(X[: N_TRAIN - YEAR], y[: N_TRAIN - YEAR])
    return model.predict(X[months - YEAR])


def test():
    passengers = load_air_passengers().series
    months = np.arange(N_TRAIN, len(passengers))
    truth = passengers[months]
    X, y, month = windows(passengers, CHOSEN["length"])
    X, train = np.asarray(X).reshape(len(X), -1), month < N_TRAIN
    same_windows = LinearRegression().fit(X[train], y[train]).predict(X[~train])
    print("| forecast | RMSE, thousands of passengers |")
    print("|---|---|")
    for name, predicted in {
        "persistence: as last month": passengers[months - 1],
        "as in the same month last year": passengers[months - YEAR],
        "AR(12)": autoregression(passengers, months),
        "linear, on the same windows": passengers[months - 1] * np.exp(same_windows),
    }.items():
        print(f"| {name} | {root_mean_squared_error(truth, predicted):.1f} |")
    errors = [
        root_mean_squared_error(
            truth, forecast(passengers, np.arange(N_TRAIN), months, seed, **CHOSEN)
        )
        for seed in SEEDS
    ]
    cells = ", ".join(f"{error:.1f}" for error in errors)
    print(
        f"| `GRUSequenceRegressor`, mean of five seeds ({cells}) | {np.mean(errors):.1f} |"
    )


if __name__ == "__main__":
    select() if sys.argv[1:] == ["select"] else test()
