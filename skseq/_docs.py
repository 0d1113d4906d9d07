"""Docstring parts that the concrete classes share, so that they are written once."""

_LOSS_CLASSIFIER = """
    Parameters
    ----------
    loss : {"cross_entropy"}, default="cross_entropy"
        Softmax cross-entropy; with an indicator y, a sigmoid for each label.
    label_smoothing : float in [0, 1), default=0.0
        Share of the target that is spread evenly over all classes.
    class_weight : dict, "balanced" or None, default=None
        Weights of the classes, as in scikit-learn; they multiply `sample_weight`."""

_LOSS_REGRESSOR = """
    Parameters
    ----------
    loss : {"squared_error", "absolute_error", "huber", "poisson"}, \
default="squared_error"
        In units of the target's standard deviation if `standardize` is set.
        "huber" is squared below one unit and absolute beyond. "poisson" has a log
        link and needs y >= 0."""

_SHARED = """
    hidden_size : int, default=64
        Units of each layer in each direction.
    num_layers : int, default=1
        Layers on top of each other.
    bidirectional : bool, default=False
        Read each sequence from both ends.
    dropout : float in [0, 1), default=0.0
        Share of units that is dropped between layers and before the head.
    pooling : {"last", "mean", "max", "attention"} or tuple of these, \
default=("last", "mean")
        How the outputs at all time steps become one vector: the state after the
        last step, the mean or the maximum over the steps, or a mean with learned
        weights. Several stand side by side.
    embedding_dim : int or None, default=None
        Set it for sequences of symbols (integers, characters, strings): each
        becomes a vector of this size. Symbols that training did not show are all
        one, whose vector is zero.
    standardize : bool, default=True
        Give each channel mean 0 and variance 1 over the real time steps of the
        training rows; regression targets likewise. Kept in the network.
    optimizer : {"adam", "adamw", "sgd"}, torch.optim.Optimizer class or \
functools.partial of one, default="adam"
        "sgd" has Nesterov momentum 0.9. A partial sets options of a class by their
        names, as ``partial(torch.optim.Adam, betas=(0.8, 0.95))``; `lr` and
        `weight_decay` are the estimator's own.
    lr : float, default=0.005
        Learning rate; the highest one if there is a schedule.
    weight_decay : float, default=0.0
        Passed to the optimizer.
    batch_size : int, default=32
        Sequences in a batch.
    max_epochs : int, default=60
        Passes over the training rows, at most. Equal rows are one row, with the sum
        of their weights.
    lr_schedule : {"one_cycle", "cosine", "constant"}, default="one_cycle"
        Course of the learning rate over `max_epochs`: up in the first 3% of all
        batches and then down (Smith, 2018), down, or level.
    gradient_clip : float or None, default=1.0
        Largest norm of the gradient.
    validation_fraction : "auto", float, splitter, iterable or None, default="auto"
        Rows that do not train but are scored after each epoch. A float is a random
        share, stratified by class, or kept apart by `groups`. Of a scikit-learn
        splitter the last split is used, on the rows in the caller's order. "auto"
        is 0.1 where that is possible, and otherwise none with a warning.
    early_stopping : bool, default=False
        Stop when the validation loss (without validation, the training loss) has
        not improved for `patience` epochs, and keep the weights of the best epoch.
        Without it the weights after `max_epochs` are kept.
    patience : int, default=10
        See `early_stopping`.
    warm_start : bool, default=False
        Let `fit` go on from the weights of the last one.
    device : str or torch.device, default="auto"
        "auto" is CUDA, MPS or the CPU, the first that is there.
    random_state : int, RandomState instance or None, default=None
        Initial weights, order of batches, dropout and validation split all follow
        from it. No global generator is used.
    verbose : int, default=0
        0 shows nothing. 1 shows losses, best epoch so far and remaining time on
        standard error: a bar in a terminal or notebook; elsewhere, as in a log file,
        a plain line for each tenth of the epochs and after 30 seconds without one;
        nothing in workers of joblib or Dask (``n_jobs``), whose bars would overwrite
        each other. 2 prints a row for each epoch on standard output, everywhere.
    callbacks : list of skorch callbacks or None, default=None
        Each fit uses copies, which are in ``net_.callbacks_``. Copies and clones share
        what cannot be copied, such as a writer or an open file; a callback with such a
        thing is an error where it would have to be pickled (``n_jobs=2``, `save`).
        For a schedule of your own set ``lr_schedule="constant"``.
        An `EarlyStopping` or `ValidationSplit` of
        `skseq.callbacks` among them takes the place of the parameters above.
        Callbacks of `sklearn.callback` are set by ``set_callbacks`` instead.
"""

_ATTRIBUTES = """
    history_ : list of dict
        One for each epoch: "epoch", "train_loss", "train_score", "valid_loss" and
        "valid_score" (where there is validation), "lr" at its end and "seconds".
        Training figures are means over the epoch while it trains.
    n_epochs_ : int
        Epochs trained.
    best_epoch_ : int
        The epoch (from 1) of the last call with the lowest validation loss, or
        training loss where there is no validation.
    net_ : skorch.NeuralNet
        The trained net; the torch module is ``net_.module_``.
    n_channels_ : int
        Values at each time step.
    channel_names_ : ndarray of str or None
        Names of the channels, if `X` has them: those of the frames in a list, or of a
        `SequenceArray`. Sequences whose channels have other names, or the same in
        another order, are refused; those without names are not.
    n_features_in_ : int
        Columns of `X` where it is a 2-D array (its time steps) or a frame, otherwise
        `n_channels_`.
    feature_names_in_ : ndarray of str
        Names of the columns, only if `X` is a frame that has them.
    vocabulary_ : ndarray
        Sorted symbols, with `embedding_dim`; the symbol at position i has row
        i + 1 of the embedding, row 0 is padding and the last one unknown.
"""

CLASSIFIER_PARAMETERS = _LOSS_CLASSIFIER + _SHARED
REGRESSOR_PARAMETERS = _LOSS_REGRESSOR + _SHARED
CLASSIFIER_ATTRIBUTES = f"""Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted; positions of the labels for an indicator y.{_ATTRIBUTES}"""
REGRESSOR_ATTRIBUTES = f"""Attributes
    ----------
    n_outputs_ : int
        Targets of each sequence.{_ATTRIBUTES}"""

SAMPLER_PARAMETERS = """sampling_strategy : "auto", dict or None, default="auto"
        How many sequences each class is to have: "auto" as many as the largest class,
        None as many as it has, and then `factor` times that; a dict says it
        outright for the classes it names. Targets that are not classes are one;
        whole numbers are classes, unless they are floats and more than two.
    factor : float >= 1, default=1.0
        Makes all classes larger; 2 is twice as many sequences.
    random_state : int, RandomState instance or None, default=None
        Same number, same sequences.
"""

SAMPLER_ATTRIBUTES = """
    Attributes
    ----------
    sampling_strategy_ : dict
        The number of new sequences of each class.
    sample_indices_ : ndarray of int
        The row that each sequence of the result comes from.
    n_channels_ : int
        Values at each time step.
    channel_names_ : ndarray of str or None
        Names of the channels, if `X` has them.
    n_features_in_ : int
        Columns of `X` where it is a 2-D array (its time steps) or a frame, otherwise
        `n_channels_`.
    feature_names_in_ : ndarray of str
        Names of the columns, only if `X` is a frame that has them.

    Notes
    -----
    In a pipeline of imbalanced-learn a sampler works in `fit` alone: what is
    predicted is never altered. A validation set that the estimator behind it sets
    aside by itself holds variations of what trains: use
    ``validation_fraction=None`` there.
"""
