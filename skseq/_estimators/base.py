"""What all estimators share: the steps of `fit`, predictions, state for files."""

from __future__ import annotations

import copy
import numbers
from abc import ABCMeta
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np
import skorch
import torch
from sklearn.utils.validation import check_is_fitted
from skorch.callbacks import EpochScoring
from skorch.helper import predefined_split

from .._data import codec
from .._data.arrays import without_gradients
from .._data.checks import (
    check_rows_match,
    check_weight,
    draw_seed,
    encoded_groups,
)
from .._data.draft import Draft, as_it_is, twin
from .._data.inputs import SequenceInputs
from .._data.rows import Rows
from .._data.rules import (
    Rule,
    Sizes,
    array,
    count,
    each,
    flag,
    instance,
    optional,
    rising,
    size,
)
from .._sklearn import _fit_context
from .._surroundings import on_one_thread
from .._tasks.base import Task
from .._training.batches import SequenceDataset
from .._training.callback_copies import ClonesAs, Unpicklable, cloned, copied, for_state
from .._training.checks import (
    check_callbacks,
    check_memory,
    check_optimizer,
    check_outputs,
    check_schedule,
    unnamed,
)
from .._training.devices import present_device, resolve_device
from .._training.loop import (
    Course,
    EpochLog,
    EpochSeed,
    for_device,
    make_net,
    predict_raw,
    run,
    training_callbacks,
)
from .._training.optimizers import are_same, optimizer_fault
from .._training.progress import reporting
from .._training.scoring import let_score_estimator
from .._training.sklearn_callbacks import CallbackSupportMixin, EpochTasks, FitTask
from .._warning import warn
from ..callbacks import EarlyStopping, ValidationSplit
from ..nn.cells import cell_named
from ..nn.pooling import kinds_of
from ..nn.recurrent import RecurrentNet
from .html import add_network
from .parameters import SequenceParameters, arguments_by_name
from .state import (
    check_learnt,
    network_state,
    restore_moments,
    restored_network,
    resume_optimizer,
)

DEFAULT_FRACTION = 0.1
# Attributes that scikit-learn sets while its callbacks follow a fit.
OF_A_RUNNING_FIT = ("_callback_fit_ctx", "_skl_callbacks_to_teardown")
# Parameters that the skorch net holds as numbers.
NET_NUMBERS: dict[str, type] = {
    "weight_decay": float,
    "lr": float,
    "batch_size": int,
    "max_epochs": int,
    "verbose": int,
}


def is_optimizer(value: Any, sizes: Sizes) -> bool:
    return optimizer_fault(value) is None


def are_net_numbers(values: Any, sizes: Sizes) -> bool:
    return isinstance(values, dict) and all(
        type(values.get(name)) is kind for name, kind in NET_NUMBERS.items()
    )


class BaseSequenceEstimator(
    CallbackSupportMixin, SequenceInputs, SequenceParameters, metaclass=ABCMeta
):
    """Base of all estimators; a task adds how y is encoded, scored and decoded."""

    cell: ClassVar[str]
    _kind: ClassVar[Any]  # the module of its tasks, which reads, learns and restores them
    net_: skorch.NeuralNet
    _optimizer: Any  # of the last training, which the moments belong to
    _made_with: dict[str, Any]  # numbers that net_ was made with; parameters may change
    _codec: codec.Codec
    _task: Task
    _learnt: ClassVar[dict[str, Rule]] = {
        "n_channels_": size("channels"),
        "channel_names_": optional(array("O", "channels")),
        "n_features_in_": size("features"),
        "_is_table": flag,
        "feature_names_in_": optional(array("O", "features")),
        "vocabulary_": optional(rising("iuU", "symbols")),
        "history_": each(instance(dict), "epochs"),
        "n_epochs_": count,
        "best_epoch_": count,
        "_seed": count,
        "_incremental": flag,
        "_optimizer": is_optimizer,
        "_made_with": are_net_numbers,
    }

    def _task_of_part(self, y: np.ndarray, weight: np.ndarray, classes: Any) -> Task:
        """The task of a `partial_fit`, which only the first one learns."""
        if self.__sklearn_is_fitted__():
            return self._task
        return self._kind.learn(y, weight, self)

    def _check_learnt(self) -> None:
        """Raise ValueError if what a loaded state says of `fit` cannot be."""
        check_learnt(self, type(self)._learnt)
        if hasattr(self, "vocabulary_") and self.n_channels_ != 1:
            raise ValueError("it has symbols in several channels")

    # The steps of fit.

    @arguments_by_name
    @on_one_thread
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        groups: Any = None,
    ) -> BaseSequenceEstimator:
        """Train on sequences.

        Parameters
        ----------
        X : sequences
            Any container that `as_sequences` takes.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight 2 is two copies of a row, weight 0 is none.
        X_val, y_val : like X and y, default=None
            A validation set of one's own; no rows of X are set aside then. A pipeline
            transforms it only if told to, by ``transform_input=["X_val"]``.
        sample_weight_val : array-like of shape (n_val,), default=None
            Weights of the validation set.
        groups : array-like of shape (n_samples,), default=None
            Rows of one group stay on one side of the validation split.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            For sequences or targets that cannot be used (the message names the
            sequence), a validation set that was asked for and is not possible,
            or a loss that is not finite any more.
        """
        with Draft(self) as draft:
            validation = (X_val, y_val, sample_weight_val)
            draft.copy._fit(draft, X, y, sample_weight, groups, validation)
        return self

    @_fit_context(prefer_skip_nested_validation=True)
    def _fit(
        self,
        draft: Draft[BaseSequenceEstimator],
        X: Any,
        y: Any,
        sample_weight: Any,
        groups: Any,
        validation: tuple[Any, Any, Any],
    ) -> None:
        """The work of `fit`, on the copy that becomes the estimator."""
        again = self.warm_start and hasattr(self, "net_")
        epochs = int(self.max_epochs)
        task = FitTask(self, X, y, sample_weight, epochs=epochs)
        learn = None if again else partial(self._kind.learn, parameters=self)
        rows = self._check_rows(X, y, sample_weight, groups, reset=not again, learn=learn)
        given = self._check_validation_rows(*validation)
        seed = draw_seed(self.random_state)
        train, valid = self._split(rows, given, self._seed if again else seed)
        module = self._go_on() if again else self._start(train, seed)
        training, course = self._prepare(module, train, valid, task, incremental=False)
        with task:
            self._run(training, course, draft, epochs=epochs)

    @_fit_context(prefer_skip_nested_validation=True)
    def _fit_part(
        self,
        draft: Draft[BaseSequenceEstimator],
        X: Any,
        y: Any,
        sample_weight: Any,
        classes: Any = None,
    ) -> None:
        """The work of `partial_fit`: one epoch at a constant learning rate, on all rows."""
        again = hasattr(self, "net_")
        task = FitTask(self, X, y, sample_weight, epochs=1)
        learn = partial(self._task_of_part, classes=classes)
        rows = self._check_rows(X, y, sample_weight, None, reset=not again, learn=learn)
        train = rows.canonical()
        if again:
            module = self._go_on()
        else:
            module = self._start(train, draw_seed(self.random_state))
        training, course = self._prepare(module, train, None, task, incremental=True)
        with task:
            self._run(training, course, draft, epochs=1)

    def _check_rows(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        groups: Any,
        *,
        reset: bool,
        learn: Callable[[np.ndarray, np.ndarray], Task] | None,
    ) -> Rows:
        """Everything the caller passed, checked and encoded, in the caller's order."""
        resolve_device(self.device)  # before any work, should it be missing
        kinds_of(self.pooling)
        check_optimizer(self.optimizer, self.lr, self.weight_decay)
        check_callbacks(self.callbacks)
        check_schedule(self.lr_schedule, self.callbacks)
        y = without_gradients(y, "y")
        sample_weight = without_gradients(sample_weight, "sample_weight")
        groups = without_gradients(groups, "groups")
        sequences, _ = self._check_X(X, y, reset=reset)
        check_rows_match(sequences, "X", y=y, sample_weight=sample_weight, groups=groups)
        weight = check_weight(sample_weight, sequences, "sample_weight")
        y = self._kind.read(y, "y", self)
        if learn is not None:
            self._task = learn(y, weight)
            self.__dict__.update(self._task.attributes())
        targets = self._task.encode(y, weight, "y")
        if reset:
            self.__dict__.pop("vocabulary_", None)
            self._codec = codec.learn(sequences[np.flatnonzero(weight)], self)
            self.__dict__.update(self._codec.attributes())
        if groups is not None:
            groups = encoded_groups(groups)
        return Rows(self._codec.encode(sequences, "X"), targets, weight, groups)

    def _check_validation_rows(self, X: Any, y: Any, sample_weight: Any) -> Rows | None:
        if X is None and y is None:
            if sample_weight is not None:
                raise ValueError("sample_weight_val was passed without X_val and y_val.")
            return None
        if X is None or y is None:
            raise ValueError("Pass both of X_val and y_val, or neither.")
        y = without_gradients(y, "y_val")
        sample_weight = without_gradients(sample_weight, "sample_weight_val")
        sequences, _ = self._check_X(X, reset=False, name="X_val")
        check_rows_match(sequences, "X_val", y_val=y, sample_weight_val=sample_weight)
        weight = check_weight(sample_weight, sequences, "sample_weight_val")
        targets = self._task.encode(self._kind.read(y, "y_val", self), weight, "y_val")
        return Rows(self._codec.encode(sequences, "X_val"), targets, weight)

    def _split(self, rows: Rows, given: Rows | None, seed: int) -> tuple[Rows, Rows | None]:
        """Training and validation rows, each in canonical order."""
        if given is not None:
            return rows.canonical(), given.canonical()
        split, asked = self._validation_split(seed)
        if split is None:
            return rows.canonical(), None
        is_fraction = isinstance(split.cv, numbers.Real)
        if is_fraction:
            # What is drawn at random must not depend on the order of the rows.
            rows = rows.canonical()
        try:
            if is_fraction:
                self._task.check_fraction(rows, split.cv)
            sides = split.split(rows.sequences, rows.y, rows.groups)
            # Rows in canonical order are so in any part, if they keep their order.
            train, valid = (
                rows.take(np.sort(side)) if is_fraction else rows.take(side).canonical()
                for side in sides
            )
            for side, name in ((train, "training"), (valid, "validation")):
                if not len(side):
                    raise ValueError(f"All rows of the {name} side have weight 0.")
            self._task.check_sides(train, valid)
        except ValueError as error:
            reason = str(error).rstrip(".")
            if asked:
                raise ValueError(
                    f"The validation split is not possible. {reason}. Pass more rows, "
                    "another validation_fraction, or validation_fraction=None to train "
                    "on all rows."
                ) from error
            warn(
                f"All rows train ({len(rows)} distinct ones), because the default "
                f"validation split is not possible. {reason}. Pass "
                "validation_fraction=None to ask for this."
            )
            return rows.canonical(), None
        return train, valid

    def _validation_split(self, seed: int) -> tuple[ValidationSplit | None, bool]:
        """The split to make, and whether the user asked for it."""
        fraction = self.validation_fraction
        candidates = [*map(unnamed, self.callbacks or ()), fraction]
        passed = [c for c in candidates if isinstance(c, ValidationSplit)]
        if passed:
            split = copy.copy(passed[0])
            if split.random_state is None:
                split.random_state = seed
            return split, True
        if fraction is None:
            return None, False
        asked = not isinstance(fraction, str)
        cv = fraction if asked else DEFAULT_FRACTION
        return ValidationSplit(
            cv, stratified=self._task.stratifies, random_state=seed
        ), asked

    def _architecture(self) -> dict[str, Any]:
        """What of the parameters decides the shape of the network."""
        return {
            "hidden_size": int(self.hidden_size),
            "num_layers": int(self.num_layers),
            "bidirectional": bool(self.bidirectional),
            "dropout": float(self.dropout),
            "pooling": kinds_of(self.pooling),
            "embedding_dim": None
            if self.embedding_dim is None
            else int(self.embedding_dim),
        }

    def _go_on(self) -> RecurrentNet:
        """A copy of the network, if it is still the one that the parameters ask for."""
        module = self.net_.module_
        fitted = {**module.config, "loss": self._task.loss}
        for name, asked in {**self._architecture(), "loss": self.loss}.items():
            if fitted[name] != asked:
                raise ValueError(
                    f"{name}={asked!r} differs from the fitted network's "
                    f"{fitted[name]!r}, so training cannot go on; set it back, or "
                    "call fit with warm_start=False for a new network."
                )
        return module.copied()  # others may predict with the network meanwhile

    def _start(self, train: Rows, seed: int) -> RecurrentNet:
        """A new network, with what it keeps from the training rows."""
        sizes = self._codec.n_inputs, self._task.n_outputs
        check_memory(cell_named(self.cell).n_gates, *sizes, self._architecture())
        generator = torch.Generator().manual_seed(seed)
        module = RecurrentNet(
            self.cell,
            *sizes,
            **self._architecture(),
            generator=generator,
        )
        self._codec.prepare(module, train)
        self._task.learn_scaling(train, module.output_scaling, self)
        self._seed = seed
        self.history_: list[dict[str, Any]] = []
        self.n_epochs_ = 0
        self.best_epoch_ = 0
        return module

    def _prepare(
        self,
        module: RecurrentNet,
        train: Rows,
        valid: Rows | None,
        task: FitTask,
        *,
        incremental: bool,
    ) -> tuple[SequenceDataset, Course]:
        """Everything up to the first epoch; `net_` is in place then, and stays."""
        epochs = 1 if incremental else int(self.max_epochs)
        device = resolve_device(self.device)
        self._task = self._task.prepared(train, self)
        training = self._dataset_on(device, train, module)
        self.history_ = [*self.history_]
        keeper, passed = self._copied_callbacks(task, incremental=incremental)
        course = Course(self.history_, keeper)
        progress, settings = reporting(int(self.verbose), course, epochs)
        schedule = training_callbacks(
            lr=float(self.lr),
            lr_schedule="constant" if incremental else self.lr_schedule,
            gradient_clip=self.gradient_clip,
            n_steps=epochs * -(-len(training) // int(self.batch_size)),
        )
        log = [EpochSeed(self._seed, self.n_epochs_), EpochLog(self.history_)]
        if valid is not None:
            validation = self._dataset_on(device, valid, module)
            settings["train_split"] = predefined_split(validation)
        made_with = net_numbers(vars(self))
        net = make_net(
            module,
            self._task.make_loss(),
            device=device,
            optimizer=self.optimizer,
            # Reporting callbacks run after EarlyStopping, which sets the best epoch.
            callbacks=[*log, *schedule, *passed, EpochTasks(task, course), *progress],
            iterator_train__seed=self._seed,
            iterator_train__epoch=self.n_epochs_,
            **made_with,
            **settings,
        )
        resumable = incremental and getattr(self, "_incremental", False)
        if resumable and are_same(self._optimizer, self.optimizer):
            resume_optimizer(net, self.net_.optimizer_.state_dict()["state"])
        net.notify("on_train_begin", X=training, y=None)
        self.net_ = net
        self._optimizer = copy.deepcopy(self.optimizer)  # whose options may be changed
        self._made_with = made_with
        self._incremental = incremental
        return training, course

    def _dataset_on(
        self, device: torch.device, rows: Rows, module: RecurrentNet
    ) -> SequenceDataset:
        compared = self._task.compared(rows, module.output_scaling)
        dataset = SequenceDataset(rows.sequences, *compared)
        dataset.sequences = for_device(dataset.sequences, device)
        dataset.rows = rows
        return dataset

    def _run(
        self,
        training: SequenceDataset,
        course: Course,
        draft: Draft[BaseSequenceEstimator],
        *,
        epochs: int,
    ) -> None:
        try:
            run(self.net_, training, course.keeper, epochs=epochs)
        finally:
            draft.keep = course.best_epoch > 0
            self.n_epochs_ = len(self.history_)
            self.best_epoch_ = course.best_epoch or self.best_epoch_

    def _copied_callbacks(
        self, task: FitTask, *, incremental: bool
    ) -> tuple[EarlyStopping, list[Any]]:
        """The callback that keeps the best weights, and all that the user passed."""
        passed = copied(list(self.callbacks or ()))
        passed = [c for c in passed if not isinstance(unnamed(c), ValidationSplit)]
        for callback in map(unnamed, passed):
            if isinstance(callback, EpochScoring):
                let_score_estimator(callback, task)
        stopping = [c for c in map(unnamed, passed) if isinstance(c, EarlyStopping)]
        if stopping and not incremental:
            # In its place, behind callbacks whose scores it may monitor.
            return stopping[-1], passed
        passed = [c for c in passed if not isinstance(unnamed(c), EarlyStopping)]
        # Without early stopping it keeps the best for an interrupted run only.
        stops = self.early_stopping and not incremental
        keeper = EarlyStopping(
            patience=int(self.patience) if stops else None, restore_best=bool(stops)
        )
        return keeper, [keeper, *passed]

    # After fit.

    @on_one_thread
    def _outputs(self, X: Any, *, decode: bool) -> np.ndarray:
        """What the network says of X, float64 of shape (n_samples, n_outputs)."""
        if not self.__sklearn_is_fitted__():
            check_is_fitted(self)  # which words the error, but takes its time
        model = as_it_is(self)
        sequences, _ = model._check_X(X, reset=False)
        sequences = model._codec.encode(sequences, "X")
        outputs = predict_raw(model.net_, sequences, decode=decode)
        check_outputs(outputs, model.net_.module_)
        return outputs

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "net_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def _get_fitted_attr_html(self, doc_link: str = "") -> Any:
        """scikit-learn from 1.9 asks for this table when it draws a fitted estimator."""
        model = as_it_is(self)
        return add_network(
            super(BaseSequenceEstimator, model)._get_fitted_attr_html(doc_link), model
        )

    def __sklearn_clone__(self) -> BaseSequenceEstimator:
        """A clone, which shares what callbacks hold that cannot be copied."""
        stand_in = twin(self, callbacks=ClonesAs(cloned, self.callbacks))
        return super(BaseSequenceEstimator, stand_in).__sklearn_clone__()

    def __getstate__(self) -> dict[str, Any]:
        """Plain arrays and numbers: they load where there is no GPU, and in skops."""
        state = dict(super().__getstate__())
        for name in OF_A_RUNNING_FIT:
            state.pop(name, None)
        if "callbacks" in state:
            state["callbacks"] = for_state(state["callbacks"])
        state.pop("_codec", None)  # which other attributes tell of
        task = state.pop("_task", None)
        if task is not None:
            state.update(task.state())
        net = state.pop("net_", None)
        if net is not None:
            state["_network"] = network_state(net, with_moments=state["_incremental"])
        return state

    @on_one_thread
    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        network = state.pop("_network", None)
        if "net_" in state:
            raise ValueError("it has a net_ that no state has")
        if isinstance(state.get("callbacks"), Unpicklable):  # in a copy
            state["callbacks"] = state["callbacks"].callbacks
        super().__setstate__(state)
        if network is None:
            return
        self._check_learnt()
        self._codec = codec.restored(self.__dict__)
        self._task = self._kind.restored(self.__dict__)
        for name in self._task.state().keys() - self._task.attributes().keys():
            del self.__dict__[name]
        net = make_net(
            restored_network(
                network,
                cell=type(self).cell,
                n_inputs=self._codec.n_inputs,
                n_outputs=self._task.n_outputs,
                embeds=self._codec.embeds,
            ),
            self._task.make_loss(),
            device=present_device(self.device),
            optimizer=self._optimizer,
            **net_numbers(self._made_with),
        )
        if network["optimizer"] is not None:
            restore_moments(net, network["optimizer"])
        self.net_ = net


def net_numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers that a net is made with, from parameters or from a file."""
    return {name: kind(values[name]) for name, kind in NET_NUMBERS.items()}
