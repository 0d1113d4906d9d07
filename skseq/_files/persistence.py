"""`save` and `load`: one file of arrays and JSON, which runs no code when it is read."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import sklearn
import torch
from sklearn.base import BaseEstimator
from sklearn.utils.fixes import parse_version

from .._surroundings import gives_back
from .._warning import warn
from .allowlist import check_trusted
from .atomic import read_stream, write_stream, write_whole
from .codec import VERSION, Reader, Writer

__all__ = ["load", "save"]

FORMAT = 1
# The sum is over the whole file, with zeros in its own place. As quotes inside of a
# JSON string are escaped, nothing else in the header looks like this.
SUM = re.compile(rb'"sha256":"([0-9a-f]{64})"')
NO_SUM = "0" * 64
FORMATS = re.compile("[1-9][0-9]{0,8}")
LONGEST_MESSAGE = 400  # of what a file may make an error say


@gives_back
def save(
    estimator: BaseEstimator,
    path: str | os.PathLike[str] | BinaryIO,
    *,
    trusted: Iterable[Any] = (),
) -> None:
    """Save an estimator or a pipeline to one file that runs no code when it is loaded.

    A file is written beside the old one and takes its place when it is complete: a
    crash leaves the old one. A link stays a link.

    Parameters
    ----------
    estimator : estimator
        Any of skseq's, fitted or not; or a `Pipeline`, `FeatureUnion`,
        `ColumnTransformer` or `TransformedTargetRegressor` of these and of
        scikit-learn's transformers whose state is plain data.
    path : str, path or binary file
        Where to write; `.skseq` is a good suffix.
    trusted : list of classes and functions, default=()
        Your own ones that the estimator holds: a subclass, or the function of a
        `FunctionTransformer`. The file holds their names, not their code; `load`
        must be given them too.

    Raises
    ------
    TypeError
        If the estimator holds what the file cannot: code, or objects of other classes.
    ImportError
        If safetensors is not installed.

    See Also
    --------
    load : The inverse.

    Notes
    -----
    The file is in the format of safetensors [1]_: arrays, and a JSON header with all
    else. A SHA-256 sum over the whole tells a file that was cut or changed by accident;
    it is no signature.

    References
    ----------
    .. [1] https://github.com/huggingface/safetensors

    Examples
    --------
    >>> import tempfile
    >>> import skseq
    >>> X, y = [[1.0, 2.0], [3.0], [2.0, 1.0, 0.0], [5.0, 4.0]], [0, 0, 1, 1]
    >>> model = skseq.GRUSequenceClassifier(
    ...     hidden_size=4, max_epochs=2, validation_fraction=None, random_state=0
    ... )
    >>> model = model.fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     skseq.save(model, f"{folder}/model.skseq")
    ...     again = skseq.load(f"{folder}/model.skseq")
    >>> bool((again.predict_proba(X) == model.predict_proba(X)).all())
    True
    """
    safetensors = _safetensors()
    if not isinstance(estimator, BaseEstimator):
        raise TypeError(f"save takes an estimator, got {estimator!r}.")
    if hasattr(estimator, "best_estimator_"):
        raise TypeError(
            f"save does not take a {type(estimator).__name__}: save its best_estimator_, "
            "or use joblib.dump to keep the whole search."
        )
    writer = Writer(check_trusted(trusted))
    header = {"versions": _versions(), "model": writer.node(estimator)}
    metadata = {
        "format": "skseq",
        "format_version": str(FORMAT),
        "header": json.dumps(header, allow_nan=False),
        "sha256": NO_SUM,
    }
    data = safetensors.save(writer.tensors, metadata=metadata)
    start, end = _place_of_sum(data)
    data = data[:start] + _sum(data, start, end).encode() + data[end:]
    if hasattr(path, "write"):
        write_stream(path, data)
    else:
        write_whole(path, data)


@gives_back
def load(
    path: str | os.PathLike[str] | BinaryIO, *, trusted: Iterable[Any] = ()
) -> BaseEstimator:
    """Load an estimator that `save` wrote.

    No code of the file is run: it holds data and the names of classes, and only classes
    that skseq knows, or that you pass, are made from it. So a file from elsewhere may
    be a bad model, but no more than that.

    Parameters
    ----------
    path : str, path or binary file
        What to read.
    trusted : list of classes and functions, default=()
        Those that `save` was given. They are found by their names; the modules they
        come from may have changed.

    Returns
    -------
    estimator
        With the same predictions and parameters; `partial_fit` goes on exactly.

    Raises
    ------
    ValueError
        If the file was not written by `save`, was cut or changed since, has a newer
        format, or names a class that is neither known nor trusted.
    ImportError
        If safetensors, or a library of a class in the file, is not installed.

    Warns
    -----
    InconsistentVersionWarning
        If a transformer was saved by another version of scikit-learn.
    UserWarning
        If the file is of a newer skseq, or names a device that is not there.

    See Also
    --------
    save : Has an example.
    """
    safetensors = _safetensors()
    trusted = check_trusted(trusted)
    name, data = _read(path)
    metadata = _checked_metadata(name, data, safetensors)
    try:
        header = json.loads(metadata["header"])
        _warn_of_newer(name, header["versions"]["skseq"])
        model = Reader(safetensors.load(data), trusted).value(header["model"])
        if not isinstance(model, BaseEstimator):
            raise ValueError(f"it holds a {type(model).__name__} and no estimator")
        return model
    except Warning as warning:  # which a filter made an error
        raise warning from None
    except ImportError as error:
        message = f"{name} needs what is not installed: {_said(error)}."
        raise ImportError(message) from None
    except Exception as error:
        raise ValueError(f"{name} cannot be loaded: {_said(error)}.") from None


def _said(error: Exception) -> str:
    """What an error says, if that can be shown: the file may have chosen the words.

    The error itself is not chained, because a traceback would show all of it.
    """
    try:
        return _shown(str(error) or type(error).__name__)
    except Exception:  # of an object that is only half made
        return type(error).__name__


def _shown(text: str) -> str:
    """The beginning of a text that somebody else chose, without control characters."""
    text = "".join(c if c.isprintable() else "?" for c in text[: 2 * LONGEST_MESSAGE])
    return text if len(text) <= LONGEST_MESSAGE else f"{text[:LONGEST_MESSAGE]}..."


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            'skseq.save and skseq.load need safetensors: pip install "skseq[files]".'
        ) from error
    return safetensors.numpy


def _versions() -> dict[str, str]:
    from .._version import __version__

    return {
        "skseq": __version__,
        "torch": torch.__version__,
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def _warn_of_newer(name: str, version: str) -> None:
    from .._version import __version__

    if not VERSION.fullmatch(version):
        raise ValueError("it has no version of skseq")
    if parse_version(version) > parse_version(__version__):
        warn(
            f"{name} was saved by skseq {version}, and this is {__version__}: results may "
            "differ. Install that version to be sure."
        )


# The file around the model.


def _read(path: Any) -> tuple[str, bytes]:
    """A name for messages, and the whole content."""
    if hasattr(path, "read"):
        # In an archive, the name was chosen by whoever packed it.
        return _shown(str(getattr(path, "name", "The file"))), read_stream(path)
    return os.fspath(path), Path(path).read_bytes()


def _header_end(data: bytes) -> int:
    return min(8 + int.from_bytes(data[:8], "little"), len(data))


def _place_of_sum(data: bytes) -> tuple[int, int]:
    found = SUM.search(data, 8, _header_end(data))
    if found is None:
        raise ValueError("there is no checksum")
    return found.span(1)


def _sum(data: bytes, start: int, end: int) -> str:
    digest = hashlib.sha256(data[:start])
    digest.update(NO_SUM.encode())
    digest.update(memoryview(data)[end:])
    return digest.hexdigest()


def _checked_metadata(name: str, data: bytes, safetensors: Any) -> dict[str, str]:
    """The metadata of a file that is as `save` wrote it."""
    try:
        start, end = _place_of_sum(data)
    except ValueError as error:
        raise ValueError(_not_ours(name, data, safetensors)) from error
    if _sum(data, start, end).encode() != data[start:end]:
        raise ValueError(
            f"{name} was cut or changed after it was saved (its checksum differs); copy it "
            "again from where it came from, or save the model again."
        )
    try:
        metadata = json.loads(data[8 : _header_end(data)])["__metadata__"]
        is_ours = metadata["format"] == "skseq"
        version = metadata["format_version"]
        is_ours &= type(version) is str and FORMATS.fullmatch(version) is not None
    except (ValueError, LookupError, TypeError, RecursionError):
        is_ours = False
    if not is_ours:
        raise ValueError(_not_ours(name, data, safetensors))
    if int(version) > FORMAT:
        raise ValueError(
            f"{name} has format {version}, which a newer skseq wrote; this one reads up to "
            f"format {FORMAT}. Upgrade it: pip install --upgrade skseq."
        )
    return metadata


def _not_ours(name: str, data: bytes, safetensors: Any) -> str:
    """Say what a file is that `save` did not write."""
    start = f"{name} is not a file that skseq.save wrote"
    if not data:
        return f"{start}: it is empty."
    if data.startswith(b"\x80") and data.endswith(b"."):
        return (
            f"{start}: it looks like a pickle. joblib.load reads it, and runs any code "
            "that is in it: do that only if you trust where it comes from."
        )
    if data.startswith(b"PK\x03\x04"):
        return f"{start}: it is a zip archive. If skops wrote it, use skops.io.load."
    try:
        safetensors.load(data)
    except Exception:
        return f"{start}, or it was cut or changed since."
    return f"{start}: it has arrays only, without a model around them."
