"""Folders for a moment, which do not pile up when processes are killed: the next one cleans up after the last."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir, mkdtemp

if sys.platform != "win32":
    import fcntl

YOUNG_SECONDS = 60.0
"""So old is a folder that nobody holds before it is taken for one that was left behind: its owner locks it a moment
after it makes it."""


@contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """A fresh folder of this process, removed at the end of the block.

    Removes what killed processes of this account left behind under the same prefix. A folder in use is locked (on POSIX
    systems; Windows has no lock on folders, and nothing is cleaned up there). Raises ``OSError``.
    """
    _remove_left_behind(prefix)
    folder = Path(mkdtemp(prefix=prefix))
    lock = _locked(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _remove_left_behind(prefix: str) -> None:
    for folder in Path(gettempdir()).glob(f"{prefix}*"):
        with suppress(OSError):  # somebody else's, or just gone
            if folder.is_symlink() or not folder.is_dir() or not _is_ours_and_old(folder):
                continue
            lock = _locked(folder)
            if lock is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


def _is_ours_and_old(folder: Path) -> bool:
    found = folder.lstat()
    is_ours = sys.platform == "win32" or found.st_uid == os.geteuid()
    return is_ours and time.time() - found.st_mtime >= YOUNG_SECONDS


def _locked(folder: Path) -> int | None:
    """A descriptor that holds the folder's lock until it is closed; None if somebody else does."""
    if sys.platform == "win32":
        return None
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
