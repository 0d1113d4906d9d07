"""What comes next in a noisy sine wave? A GRU forecasts 1 value, and 25
=====================================================================

One series of 6,000 steps, period 40, noise of standard deviation 0.1. Windows of the
first 4,000 steps train, windows of the last 2,000 test. No forecast can have a smaller
error than the noise; a constant and a linear autoregression are printed beside it.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.metrics import root_mean_squared_error

from skseq import GRUSequenceRegressor
from skseq.datasets import make_sine_sequences
from skseq.preprocessing import sliding_windows

NOISE, WINDOW = 0.1, 50


def make_model(seed):
    return GRUSequenceRegressor(batch_size=64, max_epochs=30, random_state=seed)


def make_series(seed):
    X, _ = make_sine_sequences(1, 6000, frequency=1 / 40, noise=NOISE, random_state=seed)
    return X[0]


def errors(series, horizon, seed):
    """The GRU's forecasts, and the error of each model in units of the noise."""
    X, y = sliding_windows(series[:4000], WINDOW, horizon)
    X_test, y_test = sliding_windows(series[4000:], WINDOW, horizon)
    table, table_test = (np.asarray(windows)[:, :, 0] for windows in (X, X_test))
    forecasts = {
        "constant": np.full_like(y_test, y.mean()),
        "linear autoregression": LinearRegression().fit(table, y).predict(table_test),
        "GRU": make_model(seed).fit(X, y).predict(X_test),
    }
    return forecasts["GRU"], {
        name: root_mean_squared_error(np.ravel(y_test), np.ravel(forecast)) / NOISE
        for name, forecast in forecasts.items()
    }


def main():
    series = make_series(seed=0)
    forecasts = {}
    for horizon in (1, 25):
        forecasts[horizon], ratios = errors(series, horizon, seed=0)
        print(f"next {horizon}: root mean squared error in units of the noise")
        for name, ratio in ratios.items():
            print(f"  {name:22} {ratio:.3f}")
    print(f"picture: {draw(series[4000:], forecasts)}")


def draw(test, forecasts, begin=300):
    """Both kinds of forecast, with a band as wide as the noise."""
    figure, (one, many) = plt.subplots(2, 1, figsize=(11, 7), layout="constrained")
    known = np.arange(begin, begin + WINDOW)
    shown = {
        one: (known + WINDOW, forecasts[1][known], "one step ahead, again and again"),
        many: (np.arange(25) + known[-1] + 1, forecasts[25][begin], "25 steps at once"),
    }
    for axes, (steps, forecast, title) in shown.items():
        band = (forecast - NOISE, forecast + NOISE)
        past = np.arange(begin, steps[0])
        axes.plot(past, test[past], ".-", color="0.6", label="seen")
        axes.plot(steps, test[steps], "k.", label="what came")
        axes.plot(steps, forecast, color="tab:orange", label="forecast")
        axes.fill_between(steps, *band, color="tab:orange", alpha=0.2, label="± noise")
        axes.set(title=title, xlabel="step", ylabel="value", ylim=(-1.5, 2.0))
        axes.legend(loc="upper left", ncols=4)
    path = Path("forecast_sine.png").resolve()
    figure.savefig(path, dpi=150)
    return path


if __name__ == "__main__":
    main()
