"""Files that are there as a whole, whenever a process is killed."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import secrets
import stat
from pathlib import Path
from typing import Any


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write beside the path and then rename, so that a whole file is there at any time.

    The new file has the permissions of the old one from its first byte on, or those that
    `open` gives to a new one.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "Is a directory; add a file name", str(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "There is no such folder", str(target.parent))
    mode = None
    if target.exists():
        if not (target.is_file() and os.access(target, os.W_OK)):
            raise PermissionError(errno.EACCES, "Cannot be written to", str(path))
        mode = stat.S_IMODE(target.stat().st_mode)
    part = target.with_name(f".skseq-{secrets.token_hex(8)}.part")
    try:
        with open(part, "xb", opener=None if mode is None else _opener(mode)) as file:
            if mode is not None:
                os.chmod(part, mode)  # with what the umask took away
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _opener(mode: int) -> Any:
    return lambda path, flags: os.open(path, flags, mode)


def _sync_folder(folder: Path) -> None:
    """Make the new name last, where folders can be read and synchronised.

    Where they cannot, the file is in place all the same: no reason to raise.
    """
    if not hasattr(os, "O_DIRECTORY"):
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_stream(stream: Any, data: bytes) -> None:
    """Write everything to an open binary file; raw ones may take a part at a time."""
    left: bytes | memoryview = data
    while len(left):
        try:
            written = stream.write(left)
        except TypeError as error:
            message = "The file must be open in binary mode: open(path, 'wb')."
            raise TypeError(message) from error
        if written is None:
            if isinstance(stream, io.RawIOBase):
                message = f"The file takes no more now; {len(left)} bytes are not written"
                raise BlockingIOError(errno.EAGAIN, message)
            return  # of a writer that does not count, and so takes all
        if not 0 < written <= len(left):
            raise OSError(errno.EIO, f"The file took {written} of {len(left)} bytes")
        left = memoryview(left)[written:]
