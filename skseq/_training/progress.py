"""What `verbose` shows of a training: a bar, plain lines or skorch's table."""

from __future__ import annotations

import re
import sys
import time
from importlib.util import find_spec
from typing import Any

import joblib  # type: ignore[import-untyped]
import skorch
from skorch.callbacks import Callback
from tqdm import tqdm  # comes with skorch

from .._forking import computing
from .loop import Course

SECONDS_BETWEEN_LINES = 30.0
BAR_FORMAT = "epoch {n_fmt}/{total_fmt} |{bar}| {elapsed}<{remaining}{postfix}"
COLOURS = re.compile(r"\x1b\[\d+m")


def reporting(
    verbose: int, course: Course, epochs: int
) -> tuple[list[Callback], dict[str, Any]]:
    """Callbacks and net settings that show the next `epochs`."""
    if verbose >= 2:
        plain = not (sys.stdout.isatty() or in_notebook())
        return [], {"callbacks__print_log__sink": print_plain} if plain else {}
    no_table: dict[str, Any] = {"callbacks__print_log": None}
    if verbose == 0 or among_others():
        return [], no_table
    # A single epoch, as in `partial_fit`, is over before a bar could move.
    moves = epochs > 1 and (sys.stderr.isatty() or in_notebook())
    return [Bar(course, epochs) if moves else Lines(course, epochs)], no_table


def among_others() -> bool:
    """Whether other fits may run beside this one, in workers of joblib or Dask."""
    backend, _ = joblib.parallel.get_active_backend()
    if backend.nesting_level:
        return True
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return False
    try:
        distributed.get_worker()
    except ValueError:
        return False
    return True


def in_notebook() -> bool:
    """Whether a kernel runs this, whose streams are no terminal but can redraw a line."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and "IPKernelApp" in shell.config


def bar_class() -> type[tqdm]:
    """The widget where one can be shown; `tqdm.auto` warns where it cannot."""
    if not in_notebook() or find_spec("ipywidgets") is None:
        return tqdm
    from tqdm.notebook import tqdm as widget

    return widget


def print_plain(line: str) -> None:
    """Print without colours, which skorch puts into its table wherever it goes."""
    print(COLOURS.sub("", line))


class Bar(Callback):
    """A bar over the epochs of a training; skorch's own runs over batches.

    tqdm draws behind a lock, which no process must be forked with.
    """

    def __init__(self, course: Course, epochs: int) -> None:
        self.course = course
        self.epochs = epochs

    def on_train_begin(self, net: skorch.NeuralNet, **kwargs: Any) -> None:
        done = len(self.course.rows)
        with computing():
            self._bar = bar_class()(
                initial=done,
                total=done + self.epochs,
                bar_format=BAR_FORMAT,
                dynamic_ncols=True,
            )

    def on_epoch_end(self, net: skorch.NeuralNet, **kwargs: Any) -> None:
        with computing():
            self._bar.set_postfix(self.course.summary(), refresh=False)
            self._bar.update()

    def on_train_end(self, net: skorch.NeuralNet, **kwargs: Any) -> None:
        failed = sys.exc_info()[0] is not None
        with computing():
            if not failed and self._bar.n < self._bar.total:
                self._bar.set_postfix(
                    {**self.course.summary(), "stopped": "early"}, refresh=False
                )
                self._bar.total = self._bar.n  # one that is not full looks like a failure
                self._bar.refresh()
            self._bar.close()
        del self._bar


class Lines(Callback):
    """A line for each tenth of the epochs, and after a while without one.

    So a log shows that a long training is alive, and many short ones do not fill it.
    """

    def __init__(self, course: Course, epochs: int) -> None:
        self.course = course
        self.epochs = epochs

    def on_train_begin(self, net: skorch.NeuralNet, **kwargs: Any) -> None:
        self._before = len(self.course.rows)
        self._started = self._last = time.monotonic()

    def on_epoch_end(self, net: skorch.NeuralNet, **kwargs: Any) -> None:
        done = len(self.course.rows) - self._before
        now = time.monotonic()
        tenth = done * 10 // self.epochs > (done - 1) * 10 // self.epochs
        late = now - self._last >= SECONDS_BETWEEN_LINES
        if done < self.epochs and (tenth or late):
            self._last = now
            left = (now - self._started) / done * (self.epochs - done)
            self._print(f"{tqdm.format_interval(left)} left")

    def on_train_end(self, net: skorch.NeuralNet, **kwargs: Any) -> None:
        done = len(self.course.rows) - self._before
        if done:
            took = tqdm.format_interval(time.monotonic() - self._started)
            self._print(f"{'took' if done == self.epochs else 'stopped after'} {took}")

    def _print(self, clock: str) -> None:
        epoch, last = len(self.course.rows), self._before + self.epochs
        figures = ", ".join(f"{k}={v}" for k, v in self.course.summary().items())
        print(f"epoch {epoch}/{last}: {figures}, {clock}", file=sys.stderr, flush=True)
