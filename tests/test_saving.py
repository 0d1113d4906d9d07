"""What `save` does to disks and streams, and what it says when that fails."""

import errno
import io
import os
import stat
import sys

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline

import skseq
from skseq import GRUSequenceRegressor
from skseq.preprocessing import Jitter

unix = pytest.mark.skipif(sys.platform == "win32", reason="permissions are those of Unix")
MODEL = GRUSequenceRegressor(hidden_size=3)


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
        if os.getuid() == 0:
            os.setgid(65534)
            os.setuid(65534)
        try:
            function()
        except BaseException as error:
            os.write(write, repr(error).encode())
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with open(read, "rb") as file:
        return file.read().decode() or None


def open_to_others(tmp_path):
    """A folder of the user that `as_an_ordinary_user` becomes."""
    folder = tmp_path / "folder"
    folder.mkdir()
    if os.getuid() == 0:
        os.chown(folder, 65534, 65534)
        for parent in (tmp_path, *tmp_path.parents):
            parent.chmod(parent.stat().st_mode | 0o011)
    return folder


@unix
def test_a_folder_that_cannot_be_read_takes_a_model(tmp_path):
    folder = open_to_others(tmp_path)
    folder.chmod(0o300)
    path = folder / "model.skseq"
    assert as_an_ordinary_user(lambda: skseq.save(MODEL, path)) is None
    folder.chmod(0o700)
    assert [file.name for file in folder.iterdir()] == ["model.skseq"]
    assert skseq.load(path).hidden_size == 3


@unix
def test_a_folder_that_takes_nothing_is_an_error(tmp_path):
    folder = open_to_others(tmp_path)
    folder.chmod(0o500)
    error = as_an_ordinary_user(lambda: skseq.save(MODEL, folder / "model.skseq"))
    assert error.startswith("PermissionError")


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


class Collects:
    """A writer that does not say how much it took."""

    def __init__(self):
        self.data = b""

    def write(self, data):
        self.data += data


@pytest.mark.parametrize("stream", [Drops(1), Drops(100), Collects()], ids=type)
def test_streams_get_every_byte(stream):
    skseq.save(MODEL, stream)
    assert skseq.load(io.BytesIO(stream.data)).hidden_size == 3


@pytest.mark.parametrize("takes", [None, 0])
def test_a_stream_that_takes_nothing_is_an_error(takes):
    with pytest.raises(OSError, match=r"The file took 0 of|takes no more now; \d+ bytes"):
        skseq.save(MODEL, Drops(takes))


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
    file.read = lambda: bytearray(file.data)
    assert skseq.load(file).hidden_size == 3


def test_a_reader_that_has_nothing_yet_is_an_error():
    read, write = os.pipe()
    os.set_blocking(read, False)
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
