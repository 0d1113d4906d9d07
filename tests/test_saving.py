"""What `save` does to disks and streams, and what it says when that fails."""

import errno
import io
import os
import stat
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.model_selection import ShuffleSplit
from sklearn.pipeline import make_pipeline

import skseq
from skseq import GRUSequenceRegressor
from skseq.preprocessing import Jitter

unix = pytest.mark.skipif(sys.platform == "win32", reason="permissions are those of Unix")
MODEL = GRUSequenceRegressor(hidden_size=3)
OTHER = GRUSequenceRegressor(hidden_size=4)
NOBODY = 65534  # a user and a group without privileges


# Permissions.


@unix
@pytest.mark.parametrize("umask", [0o022, 0o000, 0o077])
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
def test_no_one_reads_a_part_who_may_not_read_the_file(tmp_path, monkeypatch, mode, umask):
    path = tmp_path / "model.skseq"
    skseq.save(MODEL, path)
    path.chmod(mode)
    seen = []

    def watch(descriptor):
        """Called when all is written, before the new name."""
        seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))

    monkeypatch.setattr(os, "fsync", watch)
    opened = os.open

    def open_and_look(*args, **kwargs):
        descriptor = opened(*args, **kwargs)
        if str(args[0]).endswith(".part"):
            seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        return descriptor

    monkeypatch.setattr(os, "open", open_and_look)
    before = os.umask(umask)
    try:
        skseq.save(MODEL, path)
    finally:
        os.umask(before)
    assert len(seen) >= 2
    assert all(part & ~mode == 0 for part in seen[:2])
    assert stat.S_IMODE(path.stat().st_mode) == mode


def as_an_ordinary_user(function):
    """What a function raises in a process without privileges; None if nothing."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            function()
        except BaseException as error:
            os.write(write, repr(error).encode())
        os._exit(0)
    os.close(write)
    assert os.waitpid(child, 0)[1] == 0
    with open(read, "rb") as file:
        return file.read().decode() or None


@pytest.fixture
def folder():
    """One of the user that `as_an_ordinary_user` becomes, in a place that all can enter."""
    with tempfile.TemporaryDirectory() as name:
        if os.getuid() == 0:
            os.chown(name, NOBODY, NOBODY)
        yield Path(name)
        os.chmod(name, 0o700)


@unix
def test_a_folder_that_cannot_be_read_takes_a_model(folder):
    folder.chmod(0o300)
    path = folder / "model.skseq"
    assert as_an_ordinary_user(lambda: skseq.save(MODEL, path)) is None
    assert as_an_ordinary_user(lambda: skseq.save(OTHER, path)) is None
    folder.chmod(0o700)
    assert [file.name for file in folder.iterdir()] == ["model.skseq"]
    assert skseq.load(path).hidden_size == 4


@unix
def test_a_folder_that_takes_nothing_is_an_error(folder):
    folder.chmod(0o500)
    error = as_an_ordinary_user(lambda: skseq.save(MODEL, folder / "model.skseq"))
    assert error.startswith("PermissionError")


FOREIGN = 54321  # a group that nobody is in
as_root = pytest.mark.skipif(
    sys.platform == "win32" or os.getuid() != 0, reason="only root gives files to any group"
)


def of_foreign_group(path, mode):
    """A model of the ordinary user, in a group that this user is not in."""
    skseq.save(MODEL, path)
    os.chown(path, NOBODY, FOREIGN)
    path.chmod(mode)
    return path


@as_root
def test_the_group_stays(folder):
    path = of_foreign_group(folder / "model.skseq", 0o640)
    skseq.save(OTHER, path)
    assert path.stat().st_gid == FOREIGN
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@as_root
@pytest.mark.parametrize(
    ("before", "after"),
    [(0o600, 0o600), (0o640, 0o600), (0o604, 0o600), (0o664, 0o644), (0o666, 0o666)],
)
def test_another_group_may_do_no_more_than_the_old_one_and_others(folder, before, after):
    path = of_foreign_group(folder / "model.skseq", before)
    assert as_an_ordinary_user(lambda: skseq.save(OTHER, path)) is None
    assert skseq.load(path).hidden_size == 4
    assert path.stat().st_gid == NOBODY
    assert stat.S_IMODE(path.stat().st_mode) == after


# Streams.


class Drops(io.RawIOBase):
    """A raw file that takes few bytes at a time, as a pipe does, or none."""

    def __init__(self, takes):
        self.takes, self.data = takes, b""

    def writable(self):
        return True

    def write(self, data):
        if self.takes is None:
            return None
        taken = bytes(data)[: self.takes]
        self.data += taken
        return len(taken)


class Partial:
    """A writer of some bytes at a time that takes nothing but bytes."""

    def __init__(self, count=lambda taken: taken):
        self.data, self.count = b"", count

    def write(self, data):
        if type(data) is not bytes:
            raise TypeError("not bytes")
        self.data += data[:100]
        return self.count(len(data[:100]))


class Collects:
    """A writer that does not say how much it took."""

    def __init__(self):
        self.data = b""

    def write(self, data):
        self.data += data


@pytest.mark.parametrize("stream", [Drops(1), Drops(100), Partial(), Collects()], ids=type)
def test_streams_get_every_byte(stream):
    skseq.save(MODEL, stream)
    assert skseq.load(io.BytesIO(stream.data)).hidden_size == 3


@pytest.mark.parametrize("takes", [None, 0])
def test_a_stream_that_takes_nothing_is_an_error(takes):
    with pytest.raises(OSError, match=r"The file took 0 of|takes no more now"):
        skseq.save(MODEL, Drops(takes))


@pytest.mark.parametrize("count", [-1, 10**6, "many", 1.5], ids=str)
def test_a_stream_that_miscounts_is_an_error(count):
    with pytest.raises(OSError, match=f"The file took '?{count}'? of"):
        skseq.save(MODEL, Partial(lambda taken: count))


def test_a_large_model_is_written_whole():
    file = Collects()
    large = GRUSequenceRegressor(hidden_size=400, max_epochs=1)
    skseq.save(large.fit(np.zeros((20, 3)), np.arange(20.0)), file)
    assert len(file.data) > 1 << 20  # more than a stream is given at a time
    assert skseq.load(io.BytesIO(file.data)).hidden_size == 400


@unix
def test_a_pipe_that_is_full_is_an_error():
    read, write = os.pipe()
    os.set_blocking(write, False)
    with open(write, "wb", buffering=0) as file, pytest.raises(BlockingIOError) as caught:
        model = GRUSequenceRegressor(hidden_size=200, max_epochs=1)
        skseq.save(model.fit(np.zeros((20, 3)), np.arange(20.0)), file)
    os.close(read)
    assert caught.value.errno == errno.EAGAIN


def test_files_of_text_and_closed_ones(tmp_path):
    with pytest.raises(TypeError, match=r"binary mode: open\(path, 'wb'\)"):
        skseq.save(MODEL, io.StringIO())
    with open(tmp_path / "file", "w") as file, pytest.raises(TypeError, match="binary"):
        skseq.save(MODEL, file)
    closed = io.BytesIO()
    closed.close()
    with pytest.raises(ValueError, match="closed"):
        skseq.save(MODEL, closed)


def test_readers_of_other_kinds_of_bytes():
    file = Collects()
    skseq.save(MODEL, file)
    left = [b"", bytearray(file.data)]
    file.read = left.pop
    assert skseq.load(file).hidden_size == 3


def test_readers_of_a_part_at_a_time():
    file = Collects()
    skseq.save(MODEL, file)
    stream = io.BytesIO(file.data)
    file.read = lambda: stream.read(100)
    assert skseq.load(file).hidden_size == 3


@unix
@pytest.mark.parametrize("there", [0, 200])
def test_a_reader_that_has_nothing_more_yet_is_an_error(there):
    file = Collects()
    skseq.save(MODEL, file)
    read, write = os.pipe()
    os.set_blocking(read, False)
    os.write(write, file.data[:there])
    with open(read, "rb", buffering=0) as file, pytest.raises(BlockingIOError):
        skseq.load(file)
    os.close(write)


# What several parts share.


def test_a_random_state_that_two_steps_share_stays_one():
    shared, own = np.random.RandomState(0), np.random.RandomState(0)
    model = make_pipeline(
        Jitter(random_state=shared),
        PCA(random_state=own),
        GRUSequenceRegressor(random_state=shared),
    )
    file = io.BytesIO()
    skseq.save(model, file)
    file.seek(0)
    again = skseq.load(file)
    first, other, last = (step.random_state for _, step in again.steps)
    assert first is last
    assert first is not other
    assert first.random_sample() == other.random_sample() == own.random_sample()


class Drawing(BaseEstimator):
    """Its state is made anew each time that it is asked for."""

    def __init__(self, seed=0):
        self.seed = seed

    def __getstate__(self):
        return {"seed": self.seed, "random_state": np.random.RandomState(self.seed)}


def test_random_states_that_are_gone_are_not_taken_for_others():
    file = io.BytesIO()
    model = make_pipeline(Drawing(0), Drawing(1), Drawing(2))
    skseq.save(model, file, trusted=[Drawing])
    file.seek(0)
    again = skseq.load(file, trusted=[Drawing])
    for _, step in again.steps:
        expected = np.random.RandomState(step.seed).random_sample(5)
        assert (step.random_state.random_sample(5) == expected).all()


def test_a_pipeline_draws_from_a_shared_random_state_as_before():
    """In a list, a splitter and a step: wherever it lies, it is one."""
    shared = np.random.RandomState(0)
    model = GRUSequenceRegressor(
        random_state=shared,
        validation_fraction=ShuffleSplit(1, random_state=shared),
        max_epochs=1,
        hidden_size=2,
    )
    file = io.BytesIO()
    skseq.save(model, file)
    file.seek(0)
    again = skseq.load(file)
    assert again.random_state is again.validation_fraction.random_state
    X, y = np.random.default_rng(0).random((20, 3)), np.arange(20.0)
    assert (again.fit(X, y).predict(X) == model.fit(X, y).predict(X)).all()
