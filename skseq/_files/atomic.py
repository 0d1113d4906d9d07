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

AT_A_TIME = 1 << 20  # bytes that a stream is asked to take


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write beside the path and then rename, so that a whole file is there at any time.

    From its first byte on, nobody can read the new file who cannot read the old one. Where
    there is none, its permissions are those that `open` gives.
    """
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "Is a directory; add a file name", str(path))
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "There is no such folder", str(target.parent))
    old = target.stat() if target.exists() else None
    if old and not (target.is_file() and os.access(target, os.W_OK)):
        raise PermissionError(errno.EACCES, "Cannot be written to", str(path))
    part = target.with_name(f".skseq-{secrets.token_hex(8)}.part")
    try:
        with open(part, "xb", opener=_open_for_owner if old else None) as file:
            if old:
                _permit_as(old, part)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)


def _open_for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, stat.S_IRUSR | stat.S_IWUSR)


def _permit_as(old: os.stat_result, part: Path) -> None:
    """Give a file the group and permissions of an old one, or fewer permissions.

    Only members may give a file to a group. Where the group changes, some who were in it
    become others and the reverse, so both may only do what both could do before.
    """
    mode = stat.S_IMODE(old.st_mode)
    if hasattr(os, "chown"):
        with contextlib.suppress(OSError):
            os.chown(part, -1, old.st_gid)
    if part.stat().st_gid != old.st_gid:
        both = (mode >> 3) & mode & 0o7
        mode = mode & ~0o77 | both << 3 | both
    os.chmod(part, mode)


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


def read_stream(stream: Any) -> bytes:
    """Read an open binary file to its end; some give a part at a time."""
    parts: list[bytes] = []
    while True:
        part = stream.read()
        if part is None:
            raise BlockingIOError(errno.EAGAIN, "The file has no more to read now")
        if not isinstance(part, (bytes, bytearray, memoryview)):
            raise TypeError("The file must be open in binary mode: open(path, 'rb').")
        if not part:
            return b"".join(parts)
        parts.append(bytes(part))


def write_stream(stream: Any, data: bytes) -> None:
    """Write everything to an open binary file; raw ones may take a part at a time."""
    position = 0
    while position < len(data):
        position += _write_part(stream, data[position : position + AT_A_TIME])


def _write_part(stream: Any, part: bytes) -> int:
    """The number of bytes that the file took, at least one."""
    try:
        written = stream.write(part)
    except TypeError as error:
        message = "The file must be open in binary mode: open(path, 'wb')."
        raise TypeError(message) from error
    if written is None:
        if isinstance(stream, io.RawIOBase):
            raise BlockingIOError(errno.EAGAIN, "The file takes no more now")
        return len(part)  # of a writer that does not count, and so takes all
    if not isinstance(written, int) or not 0 < written <= len(part):
        raise OSError(errno.EIO, f"The file took {written!r} of {len(part)} bytes")
    return written
